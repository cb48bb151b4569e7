/**
 * When does the loop tick? At due times on the boot clock, never two at once.
 *
 * A plain interval drifts by 0.15 to 0.2 ms a tick (measured, Node 20), and catches up in bursts
 * after a stop; this one aims at absolute times and skips what was missed.
 */
export interface PulseReport {
  /** How late this tick was, in milliseconds. */
  lateMs: number
  /** Due times that passed without a tick before this one. */
  missed: number
}

export class Pulse {
  readonly #intervalMs: number
  readonly #now: () => number
  readonly #beat: (report: PulseReport) => void
  #dueMs = 0
  #timer: NodeJS.Timeout | null = null
  #running = false

  /** @param now  milliseconds of a clock that counts sleep */
  constructor(intervalMs: number, now: () => number, beat: (report: PulseReport) => void) {
    this.#intervalMs = intervalMs
    this.#now = now
    this.#beat = beat
  }

  start(): void {
    this.#running = true
    this.#dueMs = this.#now() + this.#intervalMs
    this.#plan()
  }

  stop(): void {
    this.#running = false
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #plan(): void {
    const inMs = Math.max(0, this.#dueMs - this.#now())
    this.#timer = setTimeout(() => this.#fire(), inMs)
  }

  #fire(): void {
    const lateMs = this.#now() - this.#dueMs
    // A timer may fire a fraction of a millisecond early; that is as good as on time.
    const missed = Math.max(0, Math.floor(lateMs / this.#intervalMs))
    this.#dueMs += (missed + 1) * this.#intervalMs
    // B3: what waits in the sockets is read before timers are judged. The event loop polls sockets
    // between its timers and its immediates.
    setImmediate(() => {
      if (!this.#running) return
      this.#beat({ lateMs: Math.max(0, lateMs), missed })
      this.#plan()
    })
  }
}
