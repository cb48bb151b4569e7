/**
 * Is there room left where the stores keep their data? Looks every few seconds, whatever the servers do.
 *
 * Where a store keeps its files is asked of it now and then; the look itself goes to the kernel and
 * not to the server, so it tells of a full disk also when the server hangs on it. One look at a time
 * for all stores: one that hangs with its file system keeps a thread of the pool that the hard state is
 * written with, and must not take the others too. What follows from being full is not decided here.
 */
import type { ReplicatedStore } from '../resources/replicated-store.ts'
import type { FreeSpace } from '../system/free-space.ts'
import { SpaceGauge, type SpaceReading, type SpaceState } from './space-gauge.ts'

const LOOK_MS = 2_000
const ASK_LIMIT_MS = 800
/** Between two questions where a store keeps its files. */
const ASK_AGAIN_MS = 600_000
/** The same after one without an answer; a refusal comes again, and stands in the server's log. */
const ASK_SILENT_AGAIN_MS = 10_000

const MIB = 1024 ** 2
/** With less than this the next write hangs or fails, whatever a probe that needs no room still finds. */
const FULL_BYTES = MIB

/** The fullest file system of one store. */
export interface StoreSpace extends SpaceReading {
  directory: string
}

export interface StoreSpaceWatchOptions {
  stores: readonly ReplicatedStore[]
  /** The critical level as configured, MiB; null: by the size of the file system; 0: not watched. */
  minFreeMb: ReadonlyMap<string, number | null>
  look: (directory: string) => Promise<FreeSpace | null>
  now: () => number
  wait: (ms: number) => Promise<void>
  /** The state of one store's space changed. */
  changed: (store: ReplicatedStore, space: StoreSpace) => void
}

interface Watched {
  store: ReplicatedStore
  directories: readonly string[]
  askAtMs: number
  gauges: Map<string, SpaceGauge>
  readings: Map<string, SpaceReading>
  state: SpaceState
}

const RANK: Readonly<Record<SpaceState, number>> = { enough: 0, low: 1, critical: 2 }

export class StoreSpaceWatch {
  readonly #options: StoreSpaceWatchOptions
  readonly #watched: readonly Watched[]
  #stopped = false

  constructor(options: StoreSpaceWatchOptions) {
    this.#options = options
    this.#watched = options.stores
      .filter(({ name }) => options.minFreeMb.get(name) !== 0)
      .map((store) => ({
        ...{ store, directories: [], askAtMs: 0, state: 'enough' },
        ...{ gauges: new Map(), readings: new Map() },
      }))
  }

  /** The fullest place of a store; null when none could be looked at. */
  of(store: ReplicatedStore): StoreSpace | null {
    const watched = this.#watched.find((candidate) => candidate.store === store)
    return watched === undefined ? null : fullest(watched.readings)
  }

  /** Nothing more can be written: whoever waits for this store to finish its writes waits in vain. */
  isFull(store: ReplicatedStore): boolean {
    const space = this.of(store)
    return space !== null && space.freeBytes < FULL_BYTES
  }

  /** Runs until stopped. */
  start(): void {
    void this.#repeat()
  }

  stop(): void {
    this.#stopped = true
  }

  async #repeat(): Promise<void> {
    while (!this.#stopped) {
      for (const watched of this.#watched) await this.#round(watched)
      await this.#options.wait(LOOK_MS)
    }
  }

  async #round(watched: Watched): Promise<void> {
    const { changed } = this.#options
    if (this.#options.now() >= watched.askAtMs) await this.#ask(watched)
    for (const directory of watched.directories) await this.#look(watched, directory)
    const space = fullest(watched.readings)
    if (this.#stopped || space === null || space.state === watched.state) return
    watched.state = space.state
    changed(watched.store, space)
  }

  /** What is not told keeps what was told before. */
  async #ask(watched: Watched): Promise<void> {
    const { now } = this.#options
    const asked = await watched.store.directories(ASK_LIMIT_MS)
    const answered = asked.ok || !/TIMEOUT|UNREACHABLE/.test(asked.fault.code)
    watched.askAtMs = now() + (answered ? ASK_AGAIN_MS : ASK_SILENT_AGAIN_MS)
    if (!asked.ok) return
    watched.directories = [...new Set(asked.value)]
    for (const known of watched.readings.keys()) {
      if (!watched.directories.includes(known)) watched.readings.delete(known)
    }
  }

  async #look(watched: Watched, directory: string): Promise<void> {
    const { look, now, minFreeMb } = this.#options
    const free = await look(directory)
    if (free === null || free.totalBytes === 0) {
      watched.readings.delete(directory)
      return
    }
    const configured = minFreeMb.get(watched.store.name) ?? null
    const minFreeBytes = configured === null ? null : configured * MIB
    const gauge = watched.gauges.get(directory) ?? new SpaceGauge(minFreeBytes)
    watched.gauges.set(directory, gauge)
    watched.readings.set(directory, gauge.note(free, now()))
  }
}

function fullest(readings: ReadonlyMap<string, SpaceReading>): StoreSpace | null {
  let worst: StoreSpace | null = null
  for (const [directory, reading] of readings) {
    const worse =
      worst === null ||
      RANK[reading.state] > RANK[worst.state] ||
      (reading.state === worst.state && reading.freeBytes < worst.freeBytes)
    if (worse) worst = { directory, ...reading }
  }
  return worst
}
