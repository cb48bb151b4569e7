/**
 * Did the peer's store follow ours while ours still worked? Asked before a server that hangs is ended: with
 * it goes what only it holds, and a copy that had stopped following may lack anything.
 *
 * What the peer says while ours hangs does not count, for who asks a hung server for its position cannot
 * call itself up to date. Nor does a copy that follows have what a store that proves has confirmed alone.
 */
import type { StoreConfig } from '../config/config.ts'
import type { ReplicatedStore } from '../resources/replicated-store.ts'

/** The peer's word comes a look later, and each look may be a slow one. */
const LATE_MS = 2_000
/** A look that was done at most so long ago was begun after the try to make the server stand still. */
const LOOKED_MS = 450

interface Last {
  wellMs: number
  followedMs: number | null
  /** Since when ours stands still where the peer's is, as of every look; null when it does not. */
  reachedMs: number | null
}

/** What the peer said last of its own store. */
export interface PeerCopy {
  following: boolean
  /** By how much it is behind ours; null when that cannot be told. */
  behind: number | null
}

export class PeerFollowed {
  readonly #proving: ReadonlySet<string>
  readonly #last = new Map<string, Last>()

  constructor(configs: readonly Pick<StoreConfig, 'name' | 'semiSync'>[]) {
    this.#proving = new Set(configs.filter(({ semiSync }) => semiSync).map(({ name }) => name))
  }

  /** Our store was looked at and answered, with the newest that the peer said of its own; null: nothing yet. */
  note({ name }: ReplicatedStore, peer: PeerCopy | null, nowMs: number): void {
    const before = this.#last.get(name)
    const followedMs = peer?.following === true ? nowMs : (before?.followedMs ?? null)
    const reachedMs = peer?.behind === 0 ? (before?.reachedMs ?? nowMs) : null
    this.#last.set(name, { wellMs: nowMs, followedMs, reachedMs })
  }

  /** This node did not serve until now; what was is no measure. */
  forget(): void {
    this.#last.clear()
  }

  /**
   * @param sole  this node has confirmed what the peer lacks: of a store that proves, its own answers must
   *   say that the peer has reached it and that it stands still, as one does that hangs in a commit
   * @returns true also where ours never answered: then it holds nothing that we let anybody write
   */
  has({ name }: ReplicatedStore, sole: boolean, nowMs: number): boolean {
    const last = this.#last.get(name)
    if (sole && this.#proving.has(name)) {
      if (last?.reachedMs == null || nowMs - last.wellMs > LOOKED_MS) return false
      return last.wellMs - last.reachedMs >= LATE_MS
    }
    if (last === undefined) return true
    return last.followedMs !== null && last.wellMs - last.followedMs <= LATE_MS
  }
}
