/**
 * How do the stores follow the role? All of them as one: frozen together, handed over together, or
 * not at all.
 *
 * The core says promote, demote, freeze, unfreeze; this class does it to each store and tells the end.
 * What is to be done to one store is done one thing after the other, and an order that came later makes
 * what still waits of an earlier one void: nothing may link a store that has just been promoted.
 * Whether the stores do their work is `store-watch.ts`; how a returning one is linked `store-rejoin.ts`.
 */
import type {
  ReplicatedStore,
  StoreFault,
  StorePosition,
  StoreResult,
} from '../resources/replicated-store.ts'

/** Limits of single calls, in milliseconds. */
export interface StoreLimits {
  drainMs: number
  promoteMs: number
  demoteMs: number
  /** For taking a freeze back; must not be short, for a store left frozen serves nobody. */
  unfreezeMs: number
}

export const STORE_LIMITS: StoreLimits = {
  drainMs: 10_000,
  promoteMs: 2_000,
  demoteMs: 2_000,
  unfreezeMs: 2_000,
}

/** Between two tries to promote a store that could not be promoted. */
const PROMOTE_AGAIN_MS = 250
/** Added to the time a freeze may hold by itself, beyond what we need it for. */
const HOLD_SPARE_MS = 1_000

/** What became of the stores, for the core and the log. */
export type StoreNews =
  | { type: 'frozen'; positions: ReadonlyMap<string, StorePosition> }
  | { type: 'not-frozen'; why: string }
  | { type: 'promoted'; durationMs: number }
  | { type: 'demoted' }
  | { type: 'trouble'; store: string; text: string }

export interface StoreKeeperOptions {
  stores: readonly ReplicatedStore[]
  limits: StoreLimits
  tell: (news: StoreNews) => void
  now: () => number
  wait: (ms: number) => Promise<void>
  /** Known not to answer: a freeze does not wait for it but ends its process. */
  isSick: (store: ReplicatedStore) => boolean
}

/** What all stores are to be, as last ordered. */
export type StoresWanted = 'writable' | 'read-only'

export class StoreKeeper {
  readonly #options: StoreKeeperOptions
  /** The last work of each store; the next one waits for it. */
  readonly #lanes = new Map<ReplicatedStore, Promise<unknown>>()
  #wanted: StoresWanted = 'read-only'
  /** Number of the newest order; work of an older one that has not begun is left out. */
  #order = 0
  /** Read-only because of us, for a moment. */
  #frozen = false

  constructor(options: StoreKeeperOptions) {
    this.#options = options
  }

  get wanted(): StoresWanted {
    return this.#wanted
  }

  /** A freeze of ours is in force or being taken back. */
  get frozen(): boolean {
    return this.#frozen
  }

  /** This node serves: what was received is applied, then applications may write. */
  async promote(): Promise<void> {
    const order = this.#begin('writable')
    const startedMs = this.#options.now()
    const done = await this.#each(order, (store) => this.#promoteOne(order, store))
    if (!done) return
    this.#options.tell({ type: 'promoted', durationMs: this.#options.now() - startedMs })
  }

  /** A store that is to take writes came back read-only, as a server does that was started again. */
  async promoteAgain(store: ReplicatedStore): Promise<void> {
    const order = this.#order
    if (this.#wanted !== 'writable') return
    await this.#inLane(store, async () => {
      if (order === this.#order && !this.#frozen) await this.#promoteOne(order, store)
    })
  }

  /** This node serves no longer: nobody may write here. */
  async demote(): Promise<void> {
    const order = this.#begin('read-only')
    const done = await this.#each(order, (store) => this.#demoteOne(store))
    if (done) this.#options.tell({ type: 'demoted' })
  }

  /** Stops all writes and waits until the peer has everything; else takes it back and says why. */
  async freeze(limitMs: number): Promise<void> {
    const order = this.#order
    this.#frozen = true
    const untilMs = this.#options.now() + limitMs
    const positions = new Map<string, StorePosition>()
    const faults: string[] = []
    const note = (store: ReplicatedStore, what: string, fault: StoreFault): void => {
      faults.push(`${store.name} ${what}: ${fault.message}`)
    }
    const left = (): number => Math.max(1, untilMs - this.#options.now())
    await this.#each(order, async (store) => {
      const frozen = await this.#freezeOne(store, left())
      if (frozen.ok) positions.set(store.name, frozen.value)
      else note(store, 'could not be frozen', frozen.fault)
    })
    if (faults.length === 0) {
      await this.#each(order, async (store) => {
        const position = positions.get(store.name)
        if (position === undefined || this.#options.isSick(store)) return
        const reached = await store.peerReached(position, left())
        if (!reached.ok) note(store, 'did not reach the peer in time', reached.fault)
      })
    }
    // Somebody ordered otherwise meanwhile: what it wants is being done.
    if (order !== this.#order) return
    if (faults.length === 0) {
      this.#options.tell({ type: 'frozen', positions })
    } else {
      await this.unfreeze()
      this.#options.tell({ type: 'not-frozen', why: faults.join('; ') })
    }
  }

  /** Writes go on, unless this node is to be read-only. */
  async unfreeze(): Promise<void> {
    const order = this.#order
    if (this.#wanted === 'read-only') return
    await this.#each(order, async (store) => {
      const result = await store.unfreeze(this.#options.limits.unfreezeMs)
      if (!result.ok) this.#trouble(store, 'could not be given free', result.fault)
    })
    this.#frozen = false
  }

  /**
   * Does work on one store, unless an order came since it was asked for.
   *
   * @returns null when it was left out
   */
  async whenStill<Value>(
    wanted: StoresWanted,
    store: ReplicatedStore,
    work: () => Promise<Value>,
  ): Promise<Value | null> {
    const order = this.#order
    return this.#inLane(store, async () =>
      order === this.#order && this.#wanted === wanted ? work() : null,
    )
  }

  #begin(wanted: StoresWanted): number {
    this.#wanted = wanted
    this.#frozen = false
    this.#order += 1
    return this.#order
  }

  /** @returns whether the order was still the newest at the end */
  async #each(order: number, work: (store: ReplicatedStore) => Promise<void>): Promise<boolean> {
    await Promise.all(
      this.#options.stores.map((store) =>
        this.#inLane(store, async () => {
          if (order === this.#order) await work(store)
        }),
      ),
    )
    return order === this.#order
  }

  #inLane<Value>(store: ReplicatedStore, work: () => Promise<Value>): Promise<Value> {
    const before = this.#lanes.get(store) ?? Promise.resolve()
    const mine = before.then(work)
    this.#lanes.set(
      store,
      mine.catch(() => undefined),
    )
    return mine
  }

  async #promoteOne(order: number, store: ReplicatedStore): Promise<void> {
    const { limits, wait } = this.#options
    const drained = await store.drain(limits.drainMs)
    if (!drained.ok) this.#trouble(store, 'may lack what it received', drained.fault)
    for (let told = false; order === this.#order; told = true) {
      const result = await store.promote(limits.promoteMs)
      if (result.ok) return
      if (!told) this.#trouble(store, 'could not be promoted, trying again', result.fault)
      await wait(PROMOTE_AGAIN_MS)
    }
  }

  /** What cannot be made read-only must not run: somebody might write what is lost later. */
  async #demoteOne(store: ReplicatedStore): Promise<void> {
    const { limits } = this.#options
    const result = await store.demote(limits.demoteMs)
    if (result.ok) {
      // What a freeze holds back is refused now, instead of hanging until the freeze ends by itself.
      await store.unfreeze(limits.unfreezeMs)
      await store.dropClients(limits.demoteMs)
      return
    }
    if (result.fault.code === 'HA_STORE_UNREACHABLE') return
    this.#trouble(store, 'could not be made read-only, its process is ended', result.fault)
    await this.#killOne(store)
  }

  async #freezeOne(store: ReplicatedStore, limitMs: number): Promise<StoreResult<StorePosition>> {
    if (!this.#options.isSick(store)) return store.freeze(limitMs, limitMs + HOLD_SPARE_MS)
    this.#options.tell({
      type: 'trouble',
      store: store.name,
      text: 'does not answer, its process is ended before the peer takes over',
    })
    const killed = await this.#killOne(store)
    if (!killed.ok) return killed
    // Nobody knows how far it was; what the peer lacks is found when it comes back.
    const position = { history: '', offset: 0 }
    return { ok: true, value: position, durationMs: killed.durationMs }
  }

  async #killOne(store: ReplicatedStore): Promise<StoreResult<void>> {
    const killed = await store.kill()
    if (!killed.ok) this.#trouble(store, 'could not be ended', killed.fault)
    return killed
  }

  #trouble(store: ReplicatedStore, what: string, fault: StoreFault): void {
    this.#options.tell({ type: 'trouble', store: store.name, text: `${what}: ${fault.message}` })
  }
}
