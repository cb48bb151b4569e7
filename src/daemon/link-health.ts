/**
 * Do the interfaces that carry floating IPs have a link? Our own carrier is evidence about
 * ourselves, never about the peer.
 *
 * Carrier loss is polled, not listened for: netlink tells of it up to 0.7 s late (linkwatch), the
 * driver's own answer takes 0.2 ms (measured on veth). It counts at once as unfitness: an active
 * without its LAN hands over to a peer that has one, without waiting for the ping nodes to say so.
 * A carrier that returns must stay for a while first, for a plug goes in with a stutter.
 */
export interface LinkHealthOptions {
  interfaces: readonly string[]
  /** What the driver said last; false also when the interface does not exist. */
  carrier: (name: string) => boolean
  /** Without carrier for this long it counts. */
  downAfterMs: number
  /** With carrier for this long it counts again. */
  upAfterMs: number
}

interface Link {
  name: string
  healthy: boolean
  /** Since when the driver says the opposite of `healthy`; null when it agrees. */
  changingSinceMs: number | null
}

export class LinkHealth {
  readonly #options: LinkHealthOptions
  readonly #links: Link[]

  constructor(options: LinkHealthOptions) {
    this.#options = options
    this.#links = options.interfaces.map((name) => ({ name, healthy: true, changingSinceMs: null }))
  }

  /** Every service interface has a link. */
  get healthy(): boolean {
    return this.#links.every((link) => link.healthy)
  }

  get withoutCarrier(): string[] {
    return this.#links.filter((link) => !link.healthy).map((link) => link.name)
  }

  /** @returns whether `healthy` changed */
  poll(nowMs: number): boolean {
    const before = this.healthy
    for (const link of this.#links) this.#judge(link, nowMs)
    return this.healthy !== before
  }

  #judge(link: Link, nowMs: number): void {
    if (this.#options.carrier(link.name) === link.healthy) {
      link.changingSinceMs = null
      return
    }
    link.changingSinceMs ??= nowMs
    const patienceMs = link.healthy ? this.#options.downAfterMs : this.#options.upAfterMs
    if (nowMs - link.changingSinceMs < patienceMs) return
    link.healthy = !link.healthy
    link.changingSinceMs = null
  }
}
