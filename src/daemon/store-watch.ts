/**
 * Do the stores do their work, and how far does their data reach? Looks at each again and again.
 *
 * A connection that opens and a server that answers `PING` prove little: a full disk, a forgotten lock
 * or a frozen process pass. So a write of our own is tried where writes are allowed. A single miss is
 * no sickness; several in a row are, and then the node is not fit to serve.
 */
import type {
  ReplicatedStore,
  StoreFault,
  StoreReport,
  StoreResult,
} from '../resources/replicated-store.ts'

export interface StoreWatchTiming {
  /** Between two looks at where the data is. */
  lookMs: number
  /** Between two probes, from the end of the one before. */
  probeMs: number
  /** Limit of a look and of a probe. */
  limitMs: number
  /**
   * Probes missed in a row before a store counts as sick, where nothing else was configured. With these
   * times a pause of 4.4 s never makes it sick, and one of 6.2 s always does.
   */
  missesMax: number
}

export const STORE_WATCH_TIMING: StoreWatchTiming = {
  lookMs: 250,
  probeMs: 1_000,
  limitMs: 800,
  missesMax: 3,
}

/** What is known of one store. */
export interface StoreView {
  readonly store: ReplicatedStore
  /** Of the newest look; null when it failed. */
  report: StoreReport | null
  lookedMs: number
  /** When it began: what it found was so then or later. */
  begunMs: number
  /** Why the newest look or probe failed, of a sick one the newest probe; null when it did not. */
  fault: StoreFault | null
  misses: number
  sick: boolean
}

export interface StoreWatchOptions {
  stores: readonly ReplicatedStore[]
  timing: StoreWatchTiming
  /** As configured, by name of the store. */
  missesMax?: ReadonlyMap<string, number>
  /** Whether applications write here now; then the probe writes as well. */
  writable: () => boolean
  now: () => number
  wait: (ms: number) => Promise<void>
  /** A look is done. */
  looked: (view: StoreView) => void
  /** A store became sick or well again. */
  changed: (view: StoreView) => void
}

export class StoreWatch {
  readonly #options: StoreWatchOptions
  readonly #views: readonly StoreView[]
  readonly #looking = new Map<StoreView, { again: boolean }>()
  #stopped = false

  constructor(options: StoreWatchOptions) {
    this.#options = options
    this.#views = options.stores.map((store) => ({
      store,
      report: null,
      lookedMs: Number.NEGATIVE_INFINITY,
      begunMs: Number.NEGATIVE_INFINITY,
      fault: null,
      misses: 0,
      sick: false,
    }))
  }

  get views(): readonly Readonly<StoreView>[] {
    return this.#views
  }

  get healthy(): boolean {
    return this.#views.every((view) => !view.sick)
  }

  viewOf(store: ReplicatedStore): Readonly<StoreView> | undefined {
    return this.#views.find((view) => view.store === store)
  }

  /** Runs until stopped. */
  start(): void {
    for (const view of this.#views) {
      void this.#repeat(this.#options.timing.lookMs, () => this.#look(view))
      void this.#repeat(this.#options.timing.probeMs, () => this.#probe(view))
    }
  }

  stop(): void {
    this.#stopped = true
  }

  /** Looks at every store without waiting for its turn; at one that is looked at now, once more. */
  lookNow(): void {
    for (const view of this.#views) void this.#look(view)
  }

  async #repeat(pauseMs: number, work: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      await work()
      await this.#options.wait(pauseMs)
    }
  }

  async #look(view: StoreView): Promise<void> {
    const looking = this.#looking.get(view)
    if (looking !== undefined) {
      looking.again = true
      return
    }
    const mine = { again: false }
    this.#looking.set(view, mine)
    do {
      mine.again = false
      await this.#lookOnce(view)
    } while (mine.again && !this.#stopped)
    this.#looking.delete(view)
  }

  async #lookOnce(view: StoreView): Promise<void> {
    const begunMs = this.#options.now()
    const result = await view.store.monitor(this.#options.timing.limitMs)
    view.begunMs = begunMs
    view.report = result.ok ? result.value : null
    view.lookedMs = this.#options.now()
    // Of a sick one the probes say why: two sentences in turn would be an alarm that comes and goes.
    if (!result.ok && !view.sick) view.fault = result.fault
    this.#options.looked(view)
  }

  async #probe(view: StoreView): Promise<void> {
    const { timing, missesMax, writable, changed } = this.#options
    const role = writable() ? 'writable' : 'read-only'
    const result: StoreResult<void> = await view.store.probe(role, timing.limitMs)
    // A store that changed its role meanwhile was asked the wrong thing.
    if (!result.ok && role !== (writable() ? 'writable' : 'read-only')) return
    view.misses = result.ok ? 0 : view.misses + 1
    view.fault = result.ok ? null : result.fault
    const sick = view.misses >= (missesMax?.get(view.store.name) ?? timing.missesMax)
    if (sick === view.sick) return
    view.sick = sick
    changed(view)
  }
}
