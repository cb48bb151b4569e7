/**
 * How does a store that stood alone come to follow the peer, without losing in silence what only it has?
 *
 * Compare; set aside what the peer never saw; only then link. Nothing is linked when setting aside did
 * not work. What fails is tried again, after longer and longer pauses: a store that does not follow is
 * shown, and keeps this node from taking over as if it were up to date.
 */
import type {
  RejoinWay,
  ReplicatedStore,
  StoreArchive,
  StoreComparison,
  StoreFault,
} from '../resources/replicated-store.ts'
import type { StoreKeeper } from './store-keeper.ts'

/** Limits of single calls, in milliseconds. Copying itself goes on in the servers. */
const COMPARE_MS = 2_000
const ARCHIVE_MS = 600_000
const LINK_MS = 10_000

const PAUSE_FIRST_MS = 250
const PAUSE_LAST_MS = 30_000
/** Said from this pause on: right after a switchover the peer's store may not be ready yet. */
const SAID_FROM_MS = 1_000

/** One rejoining, for the operator and for good. */
export interface RejoinRecord {
  store: string
  atMs: number
  comparison: StoreComparison
  archive: StoreArchive | null
  way: RejoinWay
}

export interface StoreRejoinOptions {
  keeper: Pick<StoreKeeper, 'whenStill'>
  /** Below it each rejoining gets a directory of its own. */
  archiveDirectory: (store: ReplicatedStore) => string
  now: () => number
  done: (record: RejoinRecord) => void
  trouble: (store: ReplicatedStore, text: string) => void
}

interface Pause {
  untilMs: number
  nextMs: number
  busy: boolean
}

export class StoreRejoin {
  readonly #options: StoreRejoinOptions
  readonly #pauses = new Map<ReplicatedStore, Pause>()

  constructor(options: StoreRejoinOptions) {
    this.#options = options
  }

  /** The store is read-only, does not follow, and the peer serves: one try, unless it is too soon. */
  async consider(store: ReplicatedStore): Promise<void> {
    const pause = this.#pauses.get(store) ?? { untilMs: 0, nextMs: PAUSE_FIRST_MS, busy: false }
    this.#pauses.set(store, pause)
    if (pause.busy || this.#options.now() < pause.untilMs) return
    pause.busy = true
    const failed = await this.#try(store)
    pause.busy = false
    if (failed === null) {
      pause.nextMs = PAUSE_FIRST_MS
      // Following shows only at a later look.
      pause.untilMs = this.#options.now() + PAUSE_FIRST_MS
      return
    }
    if (pause.nextMs >= SAID_FROM_MS) this.#options.trouble(store, failed)
    pause.untilMs = this.#options.now() + pause.nextMs
    pause.nextMs = Math.min(2 * pause.nextMs, PAUSE_LAST_MS)
  }

  /** @returns what went wrong; null when nothing did, or the role changed meanwhile */
  async #try(store: ReplicatedStore): Promise<string | null> {
    const { keeper, archiveDirectory, done, now } = this.#options
    const first = await store.compare(COMPARE_MS)
    if (!first.ok) return say('could not be compared with the peer', first.fault)
    let archive: StoreArchive | null = null
    if (first.value.verdict !== 'same') {
      const archived = await store.archive(archiveDirectory(store), ARCHIVE_MS)
      if (!archived.ok) {
        return say('is not linked: what only it holds could not be set aside', archived.fault)
      }
      archive = archived.value
    }
    const linked = await keeper.whenStill('read-only', store, () =>
      store.rejoin(first.value, LINK_MS),
    )
    if (linked === null) return null
    if (!linked.ok) return say('could not be linked to the peer', linked.fault)
    const record = { store: store.name, atMs: now(), way: linked.value }
    done({ ...record, comparison: first.value, archive })
    return null
  }
}

function say(what: string, fault: StoreFault): string {
  return `${what}: ${fault.message}`
}
