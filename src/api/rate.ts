/**
 * How often may somebody come? A bucket per address that fills at a steady rate.
 *
 * Bounded: a flood from many addresses must not fill our memory. What was full again is forgotten first,
 * and then whoever came longest ago.
 */

export interface Rate {
  perSecond: number
  burst: number
}

interface Bucket {
  left: number
  atMs: number
}

const BUCKETS_MAX = 4096

export class RateLimit {
  readonly #rate: Rate
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  /** @returns false: too often */
  take(key: string): boolean {
    const nowMs = this.#now()
    const { perSecond, burst } = this.#rate
    const known = this.#buckets.get(key)
    const filled =
      known === undefined ? burst : known.left + ((nowMs - known.atMs) / 1000) * perSecond
    const left = Math.min(burst, filled)
    const taken = left >= 1
    // At the end again: the map is in the order of coming.
    this.#buckets.delete(key)
    this.#buckets.set(key, { left: taken ? left - 1 : left, atMs: nowMs })
    if (this.#buckets.size > BUCKETS_MAX) this.#forget()
    return taken
  }

  get size(): number {
    return this.#buckets.size
  }

  #forget(): void {
    const fullAfterMs = (this.#rate.burst / this.#rate.perSecond) * 1000
    const beforeMs = this.#now() - fullAfterMs
    for (const [key, { atMs }] of this.#buckets) {
      if (atMs > beforeMs && this.#buckets.size <= BUCKETS_MAX / 2) return
      this.#buckets.delete(key)
      if (this.#buckets.size <= BUCKETS_MAX / 2) return
    }
  }
}

/** Whom an address counts as: an IPv6 network of 64 bits is one subscriber. */
export function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? []
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  return [...first, ...(tail === undefined ? [] : zeros), ...last].slice(0, 4).join(':')
}
