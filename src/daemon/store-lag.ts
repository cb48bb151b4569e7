/**
 * Has each store followed the peer since the peer's took writes? Until then that may have confirmed what
 * we lack.
 *
 * Right after a switchover the stores of the new active take writes before ours are linked to them. Should
 * its agent die in that moment and start again, both nodes talk and neither serves, and the ranking would
 * not know who has more where no store proves it. So this node is not fit to serve meanwhile. It counts only
 * while the peer is heard: from one that is silent nothing is to be had, and service goes on with what we
 * have, as the policy says. A link that breaks later is no lag; the ranking knows nothing of it.
 *
 * It begins with the peer's word that its stores take writes, not with its role: that word is sent when the
 * peer's disk says that it served (`last-served.ts`). One that dies before and comes back may have to leave
 * the service to us, for it counts itself behind.
 */
export class StoreLag {
  readonly #names: readonly string[]
  readonly #tell: (name: string, why: string | null) => void
  readonly #lagging = new Set<string>()
  /** As seen at the newest look. */
  readonly #following = new Set<string>()
  #serves = false
  #takesWrites = false

  /** @param tell  a store began to lag, with a clause for people, or no longer does (null) */
  constructor(names: readonly string[], tell: (name: string, why: string | null) => void) {
    this.#names = names
    this.#tell = tell
  }

  /**
   * What is heard of the peer.
   *
   * @param takesWrites  it serves, and said that its stores take writes
   * @param standby  this node does not serve
   */
  peer(
    { heard, serves, takesWrites }: { heard: boolean; serves: boolean; takesWrites: boolean },
    standby: boolean,
  ): void {
    if (!heard) this.#end(this.#names)
    else if (takesWrites && !this.#takesWrites && standby) this.#begin()
    this.#serves = serves
    this.#takesWrites = takesWrites
  }

  /** A look at our store is done. */
  looked(name: string, following: boolean): void {
    if (following) this.#following.add(name)
    else this.#following.delete(name)
    if (following && this.#serves) this.#end([name])
  }

  /** This node is to serve: whoever decided that knew. */
  weServe(): void {
    this.#end(this.#names)
  }

  #begin(): void {
    for (const name of this.#names) {
      if (this.#following.has(name)) continue
      this.#lagging.add(name)
      this.#tell(name, `store ${name} has not followed the peer since that took writes`)
    }
  }

  #end(names: readonly string[]): void {
    for (const name of names) if (this.#lagging.delete(name)) this.#tell(name, null)
  }
}
