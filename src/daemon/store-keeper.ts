/**
 * How do the stores follow the role? All of them as one: frozen together, handed over together, or
 * not at all.
 *
 * The core says promote, demote, freeze, unfreeze; this class does it to each store and tells the end.
 * What is to be done to one store is done one thing after the other, and an order that came later makes
 * what still waits of an earlier one void: nothing may link a store that has just been promoted.
 * Whether the stores do their work is `store-watch.ts`; how a returning one is linked `store-rejoin.ts`;
 * in which order they come to stand still `store-freeze.ts`.
 */
import type { ReplicatedStore, StoreFault, StorePosition } from '../resources/replicated-store.ts'
import { type FreezeEnd, StoreFreeze, type StoreFreezeOptions } from './store-freeze.ts'

/** Limits of single calls, in milliseconds. */
export interface StoreLimits {
  lookMs: number
  drainMs: number
  promoteMs: number
  demoteMs: number
  /** For taking a freeze back; must not be short, for a store left frozen serves nobody. */
  unfreezeMs: number
}

export const STORE_LIMITS: StoreLimits = {
  lookMs: 2_000,
  drainMs: 10_000,
  promoteMs: 2_000,
  demoteMs: 2_000,
  unfreezeMs: 2_000,
}

/** Between two tries to promote a store that could not be promoted. */
const PROMOTE_AGAIN_MS = 250

/** Said of a store that was promoted. */
export const TAKES_WRITES = 'takes writes'
/** Said of a store that was demoted. */
export const IS_READ_ONLY = 'is read-only'

/** What became of the stores, for the core and the log. */
export type StoreNews =
  | FreezeEnd
  /** `positions`: where each was when everything received was applied, as far as that could be told. */
  | { type: 'promoted'; durationMs: number; positions: ReadonlyMap<string, StorePosition> }
  | { type: 'demoted' }
  | { type: 'trouble'; store: string; text: string }
  /** One thing was done to one store, in so many milliseconds. */
  | { type: 'step'; store: string; text: string; durationMs: number }

export interface StoreKeeperOptions
  extends Pick<StoreFreezeOptions, 'isSick' | 'peerFollowed' | 'proves' | 'peerApplied'> {
  stores: readonly ReplicatedStore[]
  limits: StoreLimits
  tell: (news: StoreNews) => void
  now: () => number
  wait: (ms: number) => Promise<void>
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
  /** Where each store was before it was promoted, everything received applied. */
  readonly #drained = new Map<string, StorePosition>()
  /** Stores whose demotion, or promotion, is being repeated. */
  readonly #demotedAgain = new Set<ReplicatedStore>()
  readonly #promotedAgain = new Set<ReplicatedStore>()
  /** Number of the newest freeze or its end; what an older freeze found is not told. */
  #round = 0

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
    this.#drained.clear()
    await Promise.all(this.#options.stores.map((store) => this.#promoteOne(order, store)))
    if (order !== this.#order) return
    const durationMs = this.#options.now() - startedMs
    this.#options.tell({ type: 'promoted', durationMs, positions: new Map(this.#drained) })
  }

  /**
   * A store that is to take writes came back read-only, as a server does that was started again.
   *
   * @returns whether it takes writes again by this call
   */
  async promoteAgain(store: ReplicatedStore): Promise<boolean> {
    const order = this.#order
    if (this.#wanted !== 'writable' || this.#frozen || this.#promotedAgain.has(store)) return false
    this.#promotedAgain.add(store)
    await this.#promoteOne(order, store)
    this.#promotedAgain.delete(store)
    return order === this.#order
  }

  /** This node serves no longer: nobody may write here. */
  async demote(): Promise<void> {
    await this.#demoteEach((store) => this.#demoteOne(store))
  }

  /**
   * The agent has just started, and nobody may write here. A store that follows the peer already goes on:
   * it was compared before it was linked, and unlinking it would hold up an active that waits for us.
   */
  async demoteAtStart(): Promise<void> {
    await this.#demoteEach(async (store) => {
      const looked = await store.monitor(this.#options.limits.lookMs)
      const follows = looked.ok && looked.value.role === 'read-only' && looked.value.following
      if (follows) this.#step(store, 'follows the peer and goes on', looked)
      else await this.#demoteOne(store)
    })
  }

  /**
   * A store was seen to take writes: it could not be demoted before, or somebody else made it writable.
   * Nothing is done unless it is to be read-only, and still is not when its turn has come.
   */
  async demoteAgain(store: ReplicatedStore): Promise<void> {
    if (this.#wanted !== 'read-only' || this.#demotedAgain.has(store)) return
    this.#demotedAgain.add(store)
    await this.whenStill('read-only', store, async () => {
      const looked = await store.monitor(this.#options.limits.lookMs)
      if (looked.ok && looked.value.role === 'writable') await this.#demoteOne(store)
    })
    this.#demotedAgain.delete(store)
  }

  /** Stops all writes and waits until the peer has everything; else takes it back and says why. */
  async freeze(limitMs: number): Promise<void> {
    const { stores, now, wait, isSick, peerFollowed, proves, peerApplied, tell } = this.#options
    const order = this.#order
    const round = ++this.#round
    this.#frozen = true
    const end = await new StoreFreeze({
      ...{ stores, limitMs, now, wait, isSick, peerFollowed, proves, peerApplied },
      inTurn: (store, work) => this.#inLane(store, work),
      wanted: () => order === this.#order && round === this.#round,
      end: (store, fault) => this.#end(store, fault),
      step: (store, text, took) => this.#step(store, text, took),
    }).run()
    if (end === null) return
    if (end.type === 'not-frozen') await this.unfreeze()
    tell(end)
  }

  /** Writes go on, unless this node is to be read-only. */
  async unfreeze(): Promise<void> {
    const order = this.#order
    const round = ++this.#round
    if (this.#wanted === 'read-only') return
    await this.#each(order, async (store) => {
      // A newer freeze has its own end; behind a store that hangs, unfreezes would pile up.
      if (round !== this.#round) return
      const result = await store.unfreeze(this.#options.limits.unfreezeMs)
      if (!result.ok) this.#trouble(store, 'could not be given free', result.fault)
    })
    if (round === this.#round) this.#frozen = false
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

  /** Tries until it takes writes. Between two tries it may be frozen, or ended because it hangs. */
  async #promoteOne(order: number, store: ReplicatedStore): Promise<void> {
    let drained = false
    let told = false
    const tryOnce = async (): Promise<boolean> => {
      if (order !== this.#order) return true
      if (this.#frozen) return false
      if (!drained) await this.#drain(store)
      drained = true
      if (order !== this.#order) return true
      const result = await store.promote(this.#options.limits.promoteMs)
      if (result.ok) this.#step(store, TAKES_WRITES, result)
      else if (!told) this.#trouble(store, 'could not be promoted, trying again', result.fault)
      told ||= !result.ok
      return result.ok
    }
    while (!(await this.#inLane(store, tryOnce))) await this.#options.wait(PROMOTE_AGAIN_MS)
  }

  async #drain(store: ReplicatedStore): Promise<void> {
    const drained = await store.drain(this.#options.limits.drainMs)
    if (!drained.ok) return this.#trouble(store, 'may lack what it received', drained.fault)
    this.#drained.set(store.name, drained.value)
    this.#step(store, 'has applied what it received', drained)
  }

  async #demoteEach(demoteOne: (store: ReplicatedStore) => Promise<void>): Promise<void> {
    const order = this.#begin('read-only')
    const done = await this.#each(order, demoteOne)
    if (done) this.#options.tell({ type: 'demoted' })
  }

  /** What cannot be made read-only must not run: somebody might write what is lost later. */
  async #demoteOne(store: ReplicatedStore): Promise<void> {
    const { limits } = this.#options
    const result = await store.demote(limits.demoteMs)
    if (result.ok) {
      this.#step(store, IS_READ_ONLY, result)
      // What a freeze holds back is refused now, instead of hanging until the freeze ends by itself.
      await store.unfreeze(limits.unfreezeMs)
      const dropped = await store.dropClients(limits.demoteMs)
      if (dropped.ok) this.#step(store, `cut off ${dropped.value} connections`, dropped)
      return
    }
    if (result.fault.code === 'HA_STORE_UNREACHABLE') return
    this.#trouble(store, 'could not be made read-only, its process is ended', result.fault)
    await this.#killOne(store)
  }

  /**
   * A hung server that goes on later would take writes that nobody sees. One that nobody can reach, and
   * of which no process is known, is as good as ended.
   *
   * @returns why it may still run; null when it does not
   */
  async #end(store: ReplicatedStore, fault: StoreFault): Promise<StoreFault | null> {
    const text = `does not stand still, its process is ended before the peer takes over: ${fault.message}`
    this.#options.tell({ type: 'trouble', store: store.name, text })
    const killed = await store.kill()
    if (killed.ok || fault.code === 'HA_STORE_UNREACHABLE') return null
    return killed.fault
  }

  async #killOne(store: ReplicatedStore): Promise<void> {
    const killed = await store.kill()
    if (!killed.ok) this.#trouble(store, 'could not be ended', killed.fault)
  }

  #step(store: ReplicatedStore, text: string, { durationMs }: { durationMs: number }): void {
    this.#options.tell({ type: 'step', store: store.name, text, durationMs })
  }

  #trouble(store: ReplicatedStore, what: string, fault: StoreFault): void {
    this.#options.tell({ type: 'trouble', store: store.name, text: `${what}: ${fault.message}` })
  }
}
