/**
 * What has a comparison of two nodes' data found so far?
 *
 * Names of rows and keys only, never their values. The list is bounded, the count is not. A tally is
 * plain values, so that it can be written down with the place that was reached and taken up again.
 */
import type { StoreFault } from './replicated-store.ts'

/** One row, key or table that is not the same on both nodes. */
export interface Difference {
  /** `app.subscribers`, or the number of a Redis database as `db0`. */
  place: string
  /** As people read it: `id=17`, or the Redis key; null: the whole place. */
  key: string | null
  /** Node that alone has it; null: both have it, not alike. */
  onlyOn: string | null
}

export interface VerifyTally {
  /** Rows or keys looked at on both nodes. */
  compared: number
  /** Tables or databases that were gone through. */
  places: number
  differences: number
  /** The first of them. */
  listed: Difference[]
  /** Keys that changed faster than they could be read on both nodes. */
  unsettled: number
  /** What was not compared, or not to the row, and why; each one sentence. */
  notes: string[]
}

export const LISTED_MAX = 500
const NOTES_MAX = 100

export function emptyTally(): VerifyTally {
  return { compared: 0, places: 0, differences: 0, listed: [], unsettled: 0, notes: [] }
}

export function addDifference(tally: VerifyTally, difference: Difference): void {
  tally.differences += 1
  if (tally.listed.length < LISTED_MAX) tally.listed.push(difference)
}

export function addNote(tally: VerifyTally, note: string): void {
  if (tally.notes.length < NOTES_MAX && !tally.notes.includes(note)) tally.notes.push(note)
}

/** How far a comparison is; told often. */
export interface VerifyProgress {
  /** 0 to 1, by estimates of the server. */
  ratio: number
  /** What is being looked at. */
  place: string
  tally: Readonly<VerifyTally>
}

/** Where to go on, to be written down; its shape is the business of who made it. */
export type VerifyPlace = Readonly<Record<string, unknown>>

export interface VerifyRequest {
  /** Names of the two nodes, for people. */
  names: { ours: string; theirs: string }
  /** Of an earlier run that was stopped; null begins anew. */
  from: { at: VerifyPlace; tally: VerifyTally } | null
  /** Asked between any two steps. */
  stopped: () => boolean
  /** After every step, with the place at which a later run can go on. */
  step: (progress: VerifyProgress, at: VerifyPlace) => void
  /** Waits, so that others have the machine. */
  pause: (ms: number) => Promise<void>
}

export type VerifyEnd =
  | { type: 'done'; tally: VerifyTally }
  | { type: 'stopped' }
  /** `begun`: some of it was compared, and a later run can go on. */
  | { type: 'failed'; fault: StoreFault; begun: boolean }

/** What compares one kind of store. */
export interface Verifier {
  run(request: VerifyRequest): Promise<VerifyEnd>
  close(): void
}

/** After work that took so long we wait so much longer; three quarters of the time are others'. */
export const PAUSE_FACTOR = 3
