/**
 * How well does one path carry heartbeats? Counts, loss over the last seconds, round trip.
 *
 * Pure bookkeeping for people: nothing here decides. Every heartbeat goes out on every path, so
 * numbers missing from what a path brought were lost on it. Loss is kept in buckets of a second: a
 * number skipped counts as lost when the next one shows the gap, and is given back when it was only
 * overtaken. Silence is loss too, judged by the interval at which heartbeats should come.
 */
import type { RejectReason } from '../wire/heartbeat.ts'

/** Loss is told over this many buckets of BUCKET_MS: 5 s. */
const BUCKETS = 5
const BUCKET_MS = 1000
/** Round trips remembered for median and maximum. */
const ROUND_TRIPS = 64
/** Numbers this far below the highest are still known as seen or not. Bits of one integer. */
const SEEN_SPAN = 31

export interface RoundTrip {
  medianMs: number
  minMs: number
  maxMs: number
}

/** A copy for status documents. */
export interface PathReport {
  sent: number
  sendErrors: number
  /** Datagrams of the peer's address, whatever they were. */
  received: number
  accepted: number
  /** Accepted ones that came twice on this path. */
  repeated: number
  rejected: Readonly<Record<RejectReason, number>>
  reopened: number
  /** Null when nothing was ever accepted. */
  lastHeardMs: number | null
  /** 0..1 over the last 5 s, null when there is nothing to judge by. */
  lossRatio: number | null
  roundTrip: RoundTrip | null
}

export class PathStats {
  readonly #intervalMs: number
  #sent = 0
  #sendErrors = 0
  #received = 0
  #accepted = 0
  #repeated = 0
  #reopened = 0
  readonly #rejected: Record<RejectReason, number> = {
    short: 0,
    magic: 0,
    version: 0,
    length: 0,
    key: 0,
    hmac: 0,
    field: 0,
  }
  #lastHeardMs: number | null = null
  #boot = ''
  #highest = 0
  /** Bit i: number `highest - i` has come. */
  #seen = 0
  #bucket = Number.NEGATIVE_INFINITY
  readonly #expected = new Array<number>(BUCKETS).fill(0)
  readonly #arrived = new Array<number>(BUCKETS).fill(0)
  readonly #roundTripsMs: number[] = []
  #roundTripNext = 0

  /** @param intervalMs  the peer's heartbeat interval */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  noteSent(): void {
    this.#sent += 1
  }

  noteSendError(): void {
    this.#sendErrors += 1
  }

  noteReopened(): void {
    this.#reopened += 1
  }

  noteRejected(reason: RejectReason): void {
    this.#received += 1
    this.#rejected[reason] += 1
  }

  /**
   * A heartbeat of the peer arrived on this path.
   *
   * @returns false when this very one has already come on this path
   */
  noteAccepted(boot: string, seq: number, atMs: number): boolean {
    this.#received += 1
    this.#accepted += 1
    this.#lastHeardMs = atMs
    this.#turnTo(atMs)
    if (boot !== this.#boot) {
      this.#boot = boot
      this.#highest = seq
      this.#seen = 1
      this.#count(1, 1)
      return true
    }
    const ahead = seq - this.#highest
    if (ahead > 0) {
      this.#highest = seq
      this.#seen = ahead > SEEN_SPAN ? 1 : (this.#seen << ahead) | 1
      this.#count(ahead, 1)
      return true
    }
    // Too old to know: better counted as overtaken than as a repeat nobody sent.
    const bit = -ahead > SEEN_SPAN ? 0 : 1 << -ahead
    if ((this.#seen & bit) !== 0) {
      this.#repeated += 1
      return false
    }
    this.#seen |= bit
    this.#count(0, 1)
    return true
  }

  /** From our sending to the peer's answer, less the time the peer held it. */
  noteRoundTrip(ms: number): void {
    this.#roundTripsMs[this.#roundTripNext] = ms
    this.#roundTripNext = (this.#roundTripNext + 1) % ROUND_TRIPS
  }

  report(nowMs: number): PathReport {
    return {
      sent: this.#sent,
      sendErrors: this.#sendErrors,
      received: this.#received,
      accepted: this.#accepted,
      repeated: this.#repeated,
      rejected: { ...this.#rejected },
      reopened: this.#reopened,
      lastHeardMs: this.#lastHeardMs,
      lossRatio: this.#lossRatio(nowMs),
      roundTrip: summarise(this.#roundTripsMs),
    }
  }

  #lossRatio(nowMs: number): number | null {
    if (this.#lastHeardMs === null) return null
    this.#turnTo(nowMs)
    const windowMs = BUCKETS * BUCKET_MS
    // One interval is the rhythm and one more is jitter; what is beyond should have been heard.
    const silentMs = Math.min(nowMs - this.#lastHeardMs, windowMs)
    const missing = Math.max(0, Math.floor(silentMs / this.#intervalMs) - 2)
    const expected = sum(this.#expected) + missing
    if (expected === 0) return null
    return Math.min(1, Math.max(0, 1 - sum(this.#arrived) / expected))
  }

  #count(expected: number, arrived: number): void {
    const index = this.#bucket % BUCKETS
    // A hole of hours (a path that was down) must not outweigh everything that follows.
    const most = Math.ceil((BUCKETS * BUCKET_MS) / this.#intervalMs)
    this.#expected[index] = (this.#expected[index] ?? 0) + Math.min(expected, most)
    this.#arrived[index] = (this.#arrived[index] ?? 0) + arrived
  }

  /** Empties the buckets of the time in which nothing was counted. */
  #turnTo(atMs: number): void {
    const bucket = Math.floor(atMs / BUCKET_MS)
    if (bucket <= this.#bucket) return
    for (let next = Math.max(this.#bucket + 1, bucket - BUCKETS + 1); next <= bucket; next += 1) {
      this.#expected[next % BUCKETS] = 0
      this.#arrived[next % BUCKETS] = 0
    }
    this.#bucket = bucket
  }
}

function sum(values: readonly number[]): number {
  let total = 0
  for (const value of values) total += value
  return total
}

/** Median, minimum and maximum; null of nothing. */
export function summarise(valuesMs: readonly number[]): RoundTrip | null {
  if (valuesMs.length === 0) return null
  const sorted = valuesMs.toSorted((a, b) => a - b)
  return {
    medianMs: sorted[sorted.length >> 1] ?? 0,
    minMs: sorted[0] ?? 0,
    maxMs: sorted.at(-1) ?? 0,
  }
}
