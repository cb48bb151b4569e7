/**
 * How well does one ping node answer? State, loss and round trip over the last hundred rounds.
 *
 * Pure bookkeeping for people: whether our network works is judged by the core from the answers.
 */
import { type RoundTrip, summarise } from './path-stats.ts'

/** Rounds remembered. */
const ROUNDS = 100
/** This many unanswered rounds in a row make a node silent: two may be plain loss. */
const SILENT_AFTER_ROUNDS = 3

export type PingNodeState = 'never-answered' | 'answering' | 'silent'

/** A copy for status documents. Ratios are over the last 100 rounds, null before the first ended. */
export interface PingNodeReport {
  state: PingNodeState
  /** Rounds with no answer in time, repeats included. */
  lossRatio: number | null
  /** Rounds whose first request had to be repeated, answered or not. */
  repeatRatio: number | null
  /** Of rounds that needed no repeat; others are ambiguous (Karn). */
  roundTrip: RoundTrip | null
  lastAnsweredMs: number | null
}

export class PingStats {
  /** 0 answered, 1 answered after a repeat, 2 missed. */
  readonly #ends = new Uint8Array(ROUNDS)
  #rounds = 0
  readonly #roundTripsMs: number[] = []
  #roundTripNext = 0
  #missedInARow = 0
  #lastAnsweredMs: number | null = null

  noteAnswered(roundTripMs: number, repeated: boolean, atMs: number): void {
    this.#lastAnsweredMs = atMs
    this.#missedInARow = 0
    this.#note(repeated ? 1 : 0)
    if (repeated) return
    this.#roundTripsMs[this.#roundTripNext] = roundTripMs
    this.#roundTripNext = (this.#roundTripNext + 1) % ROUNDS
  }

  noteMissed(): void {
    this.#missedInARow += 1
    this.#note(2)
  }

  report(): PingNodeReport {
    const known = Math.min(this.#rounds, ROUNDS)
    let missed = 0
    let repeated = 0
    for (let index = 0; index < known; index += 1) {
      const end = this.#ends[index] ?? 0
      if (end > 0) repeated += 1
      if (end > 1) missed += 1
    }
    return {
      state: this.#state(),
      lossRatio: known === 0 ? null : missed / known,
      repeatRatio: known === 0 ? null : repeated / known,
      roundTrip: summarise(this.#roundTripsMs),
      lastAnsweredMs: this.#lastAnsweredMs,
    }
  }

  #state(): PingNodeState {
    if (this.#lastAnsweredMs === null) return 'never-answered'
    return this.#missedInARow >= SILENT_AFTER_ROUNDS ? 'silent' : 'answering'
  }

  #note(end: 0 | 1 | 2): void {
    this.#ends[this.#rounds % ROUNDS] = end
    this.#rounds += 1
  }
}
