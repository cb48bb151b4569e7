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
  StoreResult,
} from '../resources/replicated-store.ts'
import type { ArchiveKeeper } from './archive-keeper.ts'
import type { StoreKeeper } from './store-keeper.ts'

/** Limits of single calls, in milliseconds. Copying itself goes on in the servers. */
export const COMPARE_MS = 2_000
export const ARCHIVE_MS = 600_000
const LINK_MS = 10_000
/** Of everything; several hundred gigabytes on a slow disk. */
const COPY_MS = 12 * 3_600_000

/** No trouble for a try of our own: what the new role wants is being done. */
const ROLE_CHANGED = 'is not linked: the role changed meanwhile'
const LINKING = 'is being compared and linked'
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
  archives: Pick<ArchiveKeeper, 'setAside' | 'around'>
  now: () => number
  done: (record: RejoinRecord) => void
  trouble: (store: ReplicatedStore, text: string) => void
}

interface Pause {
  untilMs: number
  nextMs: number
  /** What is being done; null while nothing is. */
  doing: string | null
  /** Why the last try failed; null when it did not. */
  failed: string | null
  /** Our own try; null while there is none. */
  trying: Promise<unknown> | null
}

export class StoreRejoin {
  readonly #options: StoreRejoinOptions
  readonly #pauses = new Map<ReplicatedStore, Pause>()
  /** What was set aside and is not given up yet. */
  readonly #setAsideBefore = new Map<ReplicatedStore, { content: string; archive: StoreArchive }>()

  constructor(options: StoreRejoinOptions) {
    this.#options = options
  }

  /** What is being done about a store, or what its return waits for; null when nothing is known. */
  waiting(store: ReplicatedStore): string | null {
    const pause = this.#pauses.get(store)
    return pause?.doing ?? pause?.failed ?? null
  }

  /** The store is read-only, does not follow, and the peer serves: one try, unless it is too soon. */
  async consider(store: ReplicatedStore): Promise<void> {
    const pause = this.#pauseOf(store)
    if (pause.doing !== null || this.#options.now() < pause.untilMs) return
    const trying = this.#alone(pause, LINKING, () => this.#try(store, () => undefined))
    pause.trying = trying
    const found = await trying
    const failed = found === ROLE_CHANGED ? null : found
    pause.trying = null
    pause.failed = failed
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

  /** What a try waited for has come: the next one need not wait. */
  hurry(): void {
    for (const pause of this.#pauses.values()) {
      pause.untilMs = 0
      pause.nextMs = PAUSE_FIRST_MS
    }
  }

  /**
   * An operator wants it now.
   *
   * @param copy  set everything aside and copy it anew, whatever a comparison says
   * @param tell  how far it is
   * @returns what went wrong; null when the store follows
   */
  async now(
    store: ReplicatedStore,
    copy: boolean,
    tell: (progress: string) => void,
  ): Promise<string | null> {
    const pause = this.#pauseOf(store)
    return this.exclusively(
      store,
      copy ? 'is being copied anew from the peer' : LINKING,
      async () => {
        const failed = await (copy ? this.#copy(store, tell) : this.#try(store, tell))
        pause.failed = failed
        pause.nextMs = PAUSE_FIRST_MS
        pause.untilMs = this.#options.now() + PAUSE_FIRST_MS
        return failed
      },
    )
  }

  /**
   * Does something with a store while nothing else is done about its return. A try of our own is waited
   * for; what an operator began is not.
   *
   * @param doing  a clause for people
   * @returns what went wrong; null when nothing did
   */
  async exclusively(
    store: ReplicatedStore,
    doing: string,
    work: () => Promise<string | null>,
  ): Promise<string | null> {
    const pause = this.#pauseOf(store)
    await pause.trying
    if (pause.doing !== null) return `it ${pause.doing} at this moment; wait for its end`
    return this.#alone(pause, doing, work)
  }

  #pauseOf(store: ReplicatedStore): Pause {
    const known = this.#pauses.get(store)
    if (known !== undefined) return known
    const never = { doing: null, failed: null, trying: null }
    const pause: Pause = { untilMs: 0, nextMs: PAUSE_FIRST_MS, ...never }
    this.#pauses.set(store, pause)
    return pause
  }

  async #alone(
    pause: Pause,
    doing: string,
    work: () => Promise<string | null>,
  ): Promise<string | null> {
    pause.doing = doing
    try {
      return await work()
    } finally {
      pause.doing = null
    }
  }

  /** @returns what went wrong; null when nothing did */
  async #try(store: ReplicatedStore, tell: (progress: string) => void): Promise<string | null> {
    const { keeper, done, now } = this.#options
    const first = await store.compare(COMPARE_MS)
    if (!first.ok) return say('could not be compared with the peer', first.fault)
    tell(`compared: ${first.value.sentence}`)
    let archive: StoreArchive | null = null
    if (first.value.verdict !== 'same') {
      const archived = await this.#setAside(store, first.value)
      if (!archived.ok) {
        return say('is not linked: what only it holds could not be set aside', archived.fault)
      }
      archive = archived.value
      tell(archive.sentence)
    }
    const linked = await keeper.whenStill('read-only', store, () =>
      store.rejoin(first.value, LINK_MS),
    )
    if (linked === null) return ROLE_CHANGED
    if (!linked.ok) return say('could not be linked to the peer', linked.fault)
    this.#setAsideBefore.delete(store)
    const record = { store: store.name, atMs: now(), way: linked.value }
    done({ ...record, comparison: first.value, archive })
    return null
  }

  /**
   * Once for one content: a link that fails is tried again for hours, and must not push out of the
   * archives what was there before.
   */
  async #setAside(
    store: ReplicatedStore,
    comparison: StoreComparison,
  ): Promise<StoreResult<StoreArchive>> {
    const look = await store.monitor(COMPARE_MS)
    const { verdict, sentence } = comparison
    const content = look.ok
      ? JSON.stringify([verdict, sentence, look.value.role, look.value.position])
      : null
    const known = this.#setAsideBefore.get(store)
    if (content !== null && known?.content === content) {
      return { ok: true, value: known.archive, durationMs: 0 }
    }
    const archived = await this.#options.archives.setAside(store, comparison, ARCHIVE_MS)
    this.#setAsideBefore.delete(store)
    if (archived.ok && content !== null) {
      this.#setAsideBefore.set(store, { content, archive: archived.value })
    }
    return archived
  }

  /** @returns what went wrong; null when it follows */
  async #copy(store: ReplicatedStore, tell: (progress: string) => void): Promise<string | null> {
    const { keeper, archives, done, now } = this.#options
    const compared = await store.compare(COMPARE_MS)
    const comparison: StoreComparison = compared.ok
      ? compared.value
      : {
          verdict: 'unknown',
          ours: null,
          sentence: `It could not be compared: ${compared.fault.message}`,
        }
    const copied = await archives.around(store.name, comparison, (directory) =>
      store.copy(
        { directory, tell, whenStill: (work) => keeper.whenStill('read-only', store, work) },
        COPY_MS,
      ),
    )
    if (!copied.ok) return say('could not be copied anew', copied.fault)
    const record = { store: store.name, atMs: now(), way: 'copied' as const }
    done({ ...record, comparison, archive: copied.value })
    return null
  }
}

function say(what: string, fault: StoreFault): string {
  return `${what}: ${fault.message}`
}
