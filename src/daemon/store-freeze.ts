/**
 * How do all stores come to stand still, so that the peer has everything and may take over? One try of that.
 *
 * The order keeps every store working for as long as it can, for a client that is held up may be one that
 * relays media:
 *
 * 1. Those known to be sick get a short try: one that only refuses to write can be handed over like a well one.
 * 2. Well ones that wait for what is running: they take their time, and may refuse.
 * 3. Sick ones that do not stand still are ended, and the peer says what it has of them. Not while others may
 *    still keep the role here: those that stand still have reached the peer, those to come are seen to.
 * 4. Those that stand still at once.
 */
import type { ReplicatedStore, StoreFault, StorePosition } from '../resources/replicated-store.ts'

/** A store that fails its probes gets this long to stand still before its process is ended. */
const SICK_TRY_MS = 500
/** Added to the time a freeze may hold by itself, beyond what we need it for. */
const HOLD_SPARE_MS = 1_000
/** The peer looks at its stores a few times a second; so long its word on what we ended is waited for. */
const APPLIED_WITHIN_MS = 1_000
const APPLIED_LOOK_MS = 20
/** Of the limit, kept for what is still to be done once a store was ended. */
const REST_PART = 1 / 6

export type FreezeEnd =
  /** `applied`: names of those that had to be ended, and of which the peer has applied all that it received. */
  | { type: 'frozen'; positions: ReadonlyMap<string, StorePosition>; applied: ReadonlySet<string> }
  | { type: 'not-frozen'; why: string }

export interface StoreFreezeOptions {
  stores: readonly ReplicatedStore[]
  limitMs: number
  now: () => number
  wait: (ms: number) => Promise<void>
  /** Runs work on one store, after what is being done to it. */
  inTurn: (store: ReplicatedStore, work: () => Promise<void>) => Promise<void>
  /** Nothing else was ordered meanwhile. Once it was, nothing more is done. */
  wanted: () => boolean
  /** Known not to do its work, or not to finish it for want of room: it is not waited for long. */
  isSick: (store: ReplicatedStore) => boolean
  /** The peer's copy followed for as long as ours worked: ending ours loses next to nothing. */
  peerFollowed: (store: ReplicatedStore) => boolean
  /** Its position decides who may take over, so the peer's word on it is waited for. */
  proves: (store: ReplicatedStore) => boolean
  /** The peer has applied all that it received of it, by a look that began after that moment. */
  peerApplied: (store: ReplicatedStore, sinceMs: number) => boolean
  /** Ends the process of one that does not stand still. @returns why it may still run; null when it does not */
  end: (store: ReplicatedStore, fault: StoreFault) => Promise<StoreFault | null>
  /** One thing was done to one store. */
  step: (store: ReplicatedStore, text: string, took: { durationMs: number }) => void
}

export class StoreFreeze {
  readonly #options: StoreFreezeOptions
  readonly #untilMs: number
  readonly #sick: ReadonlySet<ReplicatedStore>
  readonly #positions = new Map<string, StorePosition>()
  readonly #faults: string[] = []
  /** Sick, and not to be brought to a stand. */
  readonly #hanging = new Map<ReplicatedStore, StoreFault>()
  readonly #ended = new Set<ReplicatedStore>()
  readonly #applied = new Set<string>()

  constructor(options: StoreFreezeOptions) {
    this.#options = options
    this.#untilMs = options.now() + options.limitMs
    this.#sick = new Set(options.stores.filter(options.isSick))
  }

  /** @returns null when something else was ordered meanwhile; then what that wants is being done */
  async run(): Promise<FreezeEnd | null> {
    const { stores } = this.#options
    const sick = stores.filter((store) => this.#sick.has(store))
    const slow = stores.filter((store) => !store.freezesAtOnce && !this.#sick.has(store))
    const quick = stores.filter((store) => store.freezesAtOnce)
    await this.#each(sick, (store) => this.#try(store))
    await this.#each(slow, (store) => this.#freeze(store))
    if (this.#hanging.size > 0) {
      await this.#each(stores, (store) => this.#follows(store))
      await this.#endHanging()
    }
    await this.#each(quick, (store) => this.#freeze(store))
    await this.#each(stores, (store) => this.#reaches(store))
    // One that answered, and does not stand still all the same.
    await this.#endHanging()
    if (!this.#options.wanted()) return null
    return this.#faults.length === 0
      ? { type: 'frozen', positions: this.#positions, applied: this.#applied }
      : { type: 'not-frozen', why: this.#faults.join('; ') }
  }

  /** Nothing more is begun after a fault, and nothing is asked of what has to be ended. */
  async #each(
    stores: readonly ReplicatedStore[],
    work: (store: ReplicatedStore) => Promise<void>,
  ): Promise<void> {
    if (this.#faults.length > 0) return
    const { inTurn, wanted } = this.#options
    const asked = stores.filter((store) => !this.#hanging.has(store) && !this.#ended.has(store))
    await Promise.all(
      asked.map((store) =>
        inTurn(store, async () => {
          if (wanted()) await work(store)
        }),
      ),
    )
  }

  /** One that stands still at once is only asked whether it answers: its turn comes last. */
  async #try(store: ReplicatedStore): Promise<void> {
    if (!store.freezesAtOnce) return this.#freeze(store)
    const looked = await store.monitor(this.#tryMs())
    if (!looked.ok) this.#hangs(store, looked.fault)
  }

  async #freeze(store: ReplicatedStore): Promise<void> {
    const sick = this.#sick.has(store)
    const tryMs = sick ? this.#tryMs() : this.#leftMs()
    const frozen = await store.freeze(tryMs, this.#options.limitMs + HOLD_SPARE_MS)
    if (frozen.ok) {
      this.#positions.set(store.name, frozen.value)
      this.#options.step(store, 'stands still, no write is lost from here on', frozen)
    } else if (sick) this.#hangs(store, frozen.fault)
    else this.#fault(store, 'could not be frozen', frozen.fault)
  }

  #hangs(store: ReplicatedStore, fault: StoreFault): void {
    if (this.#options.peerFollowed(store)) this.#hanging.set(store, fault)
    else this.#fault(store, "hangs, and the peer's copy did not follow, so it stays", fault)
  }

  /** Nothing is ended before this: whatever would keep the role here does so now. */
  async #follows(store: ReplicatedStore): Promise<void> {
    if (this.#positions.has(store.name)) return this.#reaches(store)
    const sick = this.#sick.has(store)
    const looked = await store.monitor(sick ? this.#tryMs() : this.#leftMs())
    if (!looked.ok && sick) return this.#hangs(store, looked.fault)
    if (!looked.ok) return this.#fault(store, 'does not answer', looked.fault)
    if (looked.value.role !== 'writable') return this.#refuse(store, 'is read-only here')
    if (sick && !this.#options.peerFollowed(store)) {
      return this.#refuse(store, "is not well, and the peer's copy did not follow")
    }
    const reached = await store.peerReached(looked.value.position, this.#leftMs())
    if (!reached.ok) this.#fault(store, 'is not followed by the peer', reached.fault)
  }

  /** Waits until the peer has where it stands. */
  async #reaches(store: ReplicatedStore): Promise<void> {
    const position = this.#positions.get(store.name)
    if (position === undefined) return
    const reached = await store.peerReached(position, this.#leftMs())
    if (reached.ok) this.#options.step(store, "is at the peer's in full", reached)
    else this.#fault(store, 'did not reach the peer in time', reached.fault)
  }

  async #endHanging(): Promise<void> {
    const ended: ReplicatedStore[] = []
    for (const [store, fault] of this.#hanging) {
      if (this.#faults.length > 0 || !this.#options.wanted()) return
      if (this.#spareMs() <= 0) return this.#fault(store, 'hangs, too late to end it', fault)
      const runs = await this.#options.end(store, fault)
      if (runs !== null) this.#fault(store, 'neither stands still nor could be ended', runs)
      else ended.push(store)
      this.#hanging.delete(store)
      this.#ended.add(store)
    }
    await this.#untilApplied(ended.filter(this.#options.proves))
  }

  /** Waits for the peer's word that it has applied what it received of stores that were ended just now. */
  async #untilApplied(ended: readonly ReplicatedStore[]): Promise<void> {
    const { now, wait, peerApplied, wanted } = this.#options
    const endedMs = now()
    const untilMs = endedMs + Math.min(APPLIED_WITHIN_MS, this.#spareMs())
    const applied = (store: ReplicatedStore): boolean => peerApplied(store, endedMs)
    while (!ended.every(applied) && now() < untilMs && wanted()) await wait(APPLIED_LOOK_MS)
    for (const { name } of ended.filter(applied)) this.#applied.add(name)
  }

  #fault(store: ReplicatedStore, what: string, fault: StoreFault): void {
    this.#refuse(store, `${what}: ${fault.message}`)
  }

  #refuse(store: ReplicatedStore, why: string): void {
    this.#faults.push(`${store.name} ${why}`)
  }

  #leftMs(): number {
    return Math.max(1, this.#untilMs - this.#options.now())
  }

  /** Of what is left, what the rest does not need. */
  #spareMs(): number {
    return this.#leftMs() - this.#options.limitMs * REST_PART
  }

  #tryMs(): number {
    return Math.min(SICK_TRY_MS, this.#leftMs() / 3)
  }
}
