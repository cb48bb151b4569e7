/**
 * Which steps of a takeover are told to the peer? Their kinds, by the number that stands on the wire; the
 * bytes are `step-words.ts`.
 */

/** The number of a kind is its place, from 1 on: add at the end. */
export const KINDS = [
  'gate-open',
  'store-writable',
  'all-writable',
  'announced',
  'service-started',
  'service-told',
  'all-serving',
  'call-ok',
  'call-failed',
] as const

/** Kinds of steps that are told to the peer. */
export type ToldStepKind = (typeof KINDS)[number]

export interface ToldStep {
  kind: ToldStepKind
  /** Since it began. */
  afterMs: number
  /** A store or a service; empty where no single one is meant. */
  subject: string
}

export interface StepWords {
  term: number
  complete: boolean
  steps: readonly ToldStep[]
}

export function isToldKind(kind: string): kind is ToldStepKind {
  return KINDS.some((known) => known === kind)
}
