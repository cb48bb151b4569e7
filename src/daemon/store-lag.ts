/**
 * Has each store followed the peer since that began to serve? Until then the peer may have confirmed what
 * we lack.
 *
 * Right after a switchover the stores of the new active take writes before ours are linked to them. Should
 * its agent die in that moment and start again, both nodes talk and neither serves, and the ranking would
 * not know who has more where no store proves it. So this node is not fit to serve meanwhile. It counts only
 * while the peer is heard: from one that is silent nothing is to be had, and service goes on with what we
 * have, as the policy says. A link that breaks later is no lag; the ranking knows nothing of it.
 */
export class StoreLag {
  readonly #names: readonly string[]
  readonly #tell: (name: string, why: string | null) => void
  readonly #lagging = new Set<string>()
  #serves = false

  /** @param tell  a store began to lag, with a clause for people, or no longer does (null) */
  constructor(names: readonly string[], tell: (name: string, why: string | null) => void) {
    this.#names = names
    this.#tell = tell
  }

  /**
   * What is heard of the peer.
   *
   * @param standby  this node does not serve
   */
  peer({ heard, serves }: { heard: boolean; serves: boolean }, standby: boolean): void {
    if (!heard) this.#end(this.#names)
    else if (serves && !this.#serves && standby) this.#begin()
    this.#serves = serves
  }

  /** Our store was seen to follow. */
  followed(name: string): void {
    if (this.#serves) this.#end([name])
  }

  /** This node is to serve: whoever decided that knew. */
  weServe(): void {
    this.#end(this.#names)
  }

  #begin(): void {
    for (const name of this.#names) {
      this.#lagging.add(name)
      this.#tell(name, `store ${name} has not followed the peer since that began to serve`)
    }
  }

  #end(names: readonly string[]): void {
    for (const name of names) if (this.#lagging.delete(name)) this.#tell(name, null)
  }
}
