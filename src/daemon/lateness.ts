/**
 * How late did the heart beat? What an operator asks after an odd night: the worst ever and when, the
 * worst of the last minute, and how often it stood still for longer than the gap rule allows.
 *
 * Only remembers; the gap rule itself is the core's.
 */

/** What is remembered, on the heart's clock. */
export interface LatenessReport {
  /** Latest beat since the start; null when none was late. */
  worst: { ms: number; atMs: number } | null
  /** Latest beat of the last minute, 0 when none was late. */
  lastMinuteMs: number
  /** Times from one beat to the next that were longer than the gap rule allows. */
  pauses: number
}

const MINUTE_MS = 60_000
const STRETCH_MS = 1_000
const STRETCHES = MINUTE_MS / STRETCH_MS

export class Lateness {
  readonly #gapMs: number
  #worst: LatenessReport['worst'] = null
  #pauses = 0
  #beatMs: number | null = null
  /** The worst of each of the last sixty seconds, and which second it belongs to. */
  readonly #worstOf = new Float64Array(STRETCHES)
  readonly #stretchOf = new Float64Array(STRETCHES).fill(Number.NEGATIVE_INFINITY)

  /** @param gapMs  G */
  constructor(gapMs: number) {
    this.#gapMs = gapMs
  }

  /** A beat came `lateMs` after it was due. */
  note(lateMs: number, nowMs: number): void {
    if (this.#beatMs !== null && nowMs - this.#beatMs > this.#gapMs) this.#pauses += 1
    this.#beatMs = nowMs
    if (lateMs > (this.#worst?.ms ?? 0)) this.#worst = { ms: lateMs, atMs: nowMs }
    const stretch = Math.floor(nowMs / STRETCH_MS)
    const place = stretch % STRETCHES
    const isNew = this.#stretchOf[place] !== stretch
    this.#stretchOf[place] = stretch
    this.#worstOf[place] = isNew ? lateMs : Math.max(lateMs, this.#worstOf[place] ?? 0)
  }

  report(nowMs: number): LatenessReport {
    const oldest = Math.floor(nowMs / STRETCH_MS) - STRETCHES
    let lastMinuteMs = 0
    for (const [place, stretch] of this.#stretchOf.entries()) {
      if (stretch > oldest) lastMinuteMs = Math.max(lastMinuteMs, this.#worstOf[place] ?? 0)
    }
    return { worst: this.#worst, lastMinuteMs, pauses: this.#pauses }
  }
}
