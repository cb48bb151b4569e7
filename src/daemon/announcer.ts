/**
 * When is a floating IP announced? At once, again soon, and then for as long as we serve.
 *
 * One gratuitous ARP is easily lost: a switch port that is not forwarding yet, a bridge that learns,
 * a firewall that limits them. Peers of other managers stay unreachable for half a minute after a
 * partition heals because nobody announces again; so every time we are alone again, the burst is
 * repeated (RFC 5227, 2.3 asks for two; keepalived sends five, then five again).
 */

/** After the beginning of a burst, in milliseconds. */
export const BURST_MS: readonly number[] = [0, 5, 20, 50, 100, 200, 500, 1000, 2000, 5000]
/** Steady repetition afterwards. */
export const REFRESH_MS = 30_000
/** Bursts are not begun more often than this, whoever quarrels about the address. */
const BURST_APART_MS = 100

export class Announcer {
  readonly #announce: () => void
  readonly #now: () => number
  #timer: NodeJS.Timeout | null = null
  #startedMs = 0
  #index = 0
  #active = false
  #lastMs: number | null = null

  constructor(announce: () => void, now: () => number) {
    this.#announce = announce
    this.#now = now
  }

  /** Moment of the last announcement, null when there was none. */
  get lastMs(): number | null {
    return this.#lastMs
  }

  /** Begins a burst: we serve, or we are the only one again. */
  burst(): void {
    const now = this.#now()
    if (this.#active && now - this.#startedMs < BURST_APART_MS) return
    this.stop()
    this.#active = true
    this.#startedMs = now
    this.#index = 0
    this.#next()
  }

  stop(): void {
    this.#active = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #next(): void {
    if (!this.#active) return
    this.#lastMs = this.#now()
    this.#announce()
    this.#index += 1
    const atMs = BURST_MS[this.#index]
    const inMs = atMs === undefined ? REFRESH_MS : this.#startedMs + atMs - this.#now()
    this.#timer = setTimeout(() => this.#next(), Math.max(0, inMs))
  }
}
