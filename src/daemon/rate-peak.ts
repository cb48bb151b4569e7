/**
 * How fast was a store written at its fastest? The highest rate between two looks, of the last ten minutes.
 *
 * Offsets are those of a store that takes writes here. A rate needs two looks of the same history; what
 * goes backwards (a restart, another history) begins anew and does not forget what was seen before.
 */
const BUCKET_MS = 60_000
const BUCKETS = 10
/** Two looks closer than this say more of the clock than of the writers. */
const APART_MS = 50

export class RatePeak {
  #last: { history: string; offset: number; atMs: number } | null = null
  /** Peaks of the last minutes, by number of the minute. */
  readonly #peaks = new Map<number, number>()

  /** @param atMs  milliseconds of a clock that only goes forward */
  note(position: { history: string; offset: number }, atMs: number): void {
    const last = this.#last
    if (last !== null && atMs - last.atMs < APART_MS) return
    this.#last = { ...position, atMs }
    if (last === null || last.history !== position.history || position.offset < last.offset) return
    this.#raise((position.offset - last.offset) / ((atMs - last.atMs) / 1000), atMs)
  }

  /** The store takes no writes now; the time until it does is no time without writes. */
  pause(): void {
    this.#last = null
  }

  /** Units a second; null when no two looks were made in the last ten minutes. */
  peak(nowMs: number): number | null {
    this.#forget(nowMs)
    return this.#peaks.size === 0 ? null : Math.max(...this.#peaks.values())
  }

  #raise(rate: number, nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS)
    this.#peaks.set(bucket, Math.max(rate, this.#peaks.get(bucket) ?? 0))
    this.#forget(nowMs)
  }

  #forget(nowMs: number): void {
    const oldest = Math.floor(nowMs / BUCKET_MS) - BUCKETS
    for (const bucket of this.#peaks.keys()) if (bucket <= oldest) this.#peaks.delete(bucket)
  }
}
