/**
 * How often is the heart asked what it knows? Once for all who ask at about the same time.
 *
 * A snapshot costs the heart a fraction of a millisecond. Whoever watches from outside may be many, and
 * must not become its load; whoever follows an operation asks for himself, and what he got is never newer
 * than what the others are told.
 */
import type { Snapshot } from '../control/snapshot.ts'

/** As long as the shortest interval between heartbeats that is advised. */
const FRESH_MS = 20

export class SnapshotShare {
  readonly #ask: () => Promise<Snapshot>
  readonly #now: () => number
  #asking: Promise<Snapshot> | null = null
  #newest: { snapshot: Snapshot; atMs: number } | null = null

  /** @param ask  asks the heart; rejects when it does not answer */
  constructor(ask: () => Promise<Snapshot>, now: () => number) {
    this.#ask = ask
    this.#now = now
  }

  /** Asks the heart, whoever else does. */
  async own(): Promise<Snapshot> {
    const snapshot = await this.#ask()
    this.#newest = { snapshot, atMs: this.#now() }
    return snapshot
  }

  /** A snapshot of a moment ago. */
  shared(): Promise<Snapshot> {
    const newest = this.#newest
    if (newest !== null && this.#now() - newest.atMs < FRESH_MS) {
      return Promise.resolve(newest.snapshot)
    }
    this.#asking ??= this.own().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }
}
