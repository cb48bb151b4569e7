/**
 * How is a figure described: its name, its unit, and where its rows come from? Shared by the tables of
 * metrics; what they mean is `metrics.ts`.
 */
import type { Labels, Metric } from './exposition.ts'
import type { StatusDocument, TransitionRecord } from './schema.ts'

export interface Facts {
  status: StatusDocument
  /** Since the start of the agent. */
  transitions: readonly { to: string; reason: string; count: number }[]
  /** The newest that is remembered, also from before the start. */
  lastTakeover: TransitionRecord | null
  /** Wall time in ms; null without TLS. */
  certificateEndsMs: number | null
}

/** Null: not known, no sample. */
export type Value = number | boolean | null
export type Row = readonly [labels: Labels, value: Value]
/** The name comes without its prefix `tandem_`. */
export type Definition = readonly [
  name: string,
  type: Metric['type'],
  help: string,
  rows: (facts: Facts) => Value | readonly Row[],
]

/** Null stays null. */
export function seconds(ms: number | null): number | null {
  return ms === null || !Number.isFinite(ms) ? null : ms / 1000
}

/** One row per word: 1 for the one it is now, 0 for the others. */
export function stateSet(label: string, words: readonly string[], now: string): Row[] {
  return words.map((word) => [{ [label]: word }, word === now])
}
