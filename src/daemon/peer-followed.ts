/**
 * Did the peer's store follow ours while ours still worked? Asked before a server that hangs is ended: with
 * it goes what only it holds, and a copy that had stopped following may lack anything.
 *
 * What the peer says while ours hangs does not count, for who asks a hung server for its position cannot
 * call itself up to date.
 */
import type { ReplicatedStore } from '../resources/replicated-store.ts'

/** The peer's word comes a look later, and each look may be a slow one. */
const LATE_MS = 2_000

interface Last {
  wellMs: number
  followedMs: number | null
}

export class PeerFollowed {
  readonly #last = new Map<string, Last>()

  /** Our store was looked at and answered, with the newest that the peer said of its own; null: nothing yet. */
  note({ name }: ReplicatedStore, following: boolean | null, nowMs: number): void {
    const before = this.#last.get(name)?.followedMs ?? null
    this.#last.set(name, { wellMs: nowMs, followedMs: following === true ? nowMs : before })
  }

  /** This node did not serve until now; what was is no measure. */
  forget(): void {
    this.#last.clear()
  }

  /** @returns true also where ours never answered: then it holds nothing that we let anybody write */
  has({ name }: ReplicatedStore): boolean {
    const last = this.#last.get(name)
    if (last === undefined) return true
    return last.followedMs !== null && last.wellMs - last.followedMs <= LATE_MS
  }
}
