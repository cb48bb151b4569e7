/**
 * What does a drill leave behind? The document that is kept, printed, drawn and compared; shapes only.
 *
 * Moments are milliseconds of the run, counted from its first probe; `…Iso` is wall time for people.
 */
import type { NodeName } from '../core/policy.ts'

export const DRILL_SCHEMA = 1

export const DRILL_KINDS = ['switchover', 'agent-kill', 'crosslink-cut'] as const
export type DrillKind = (typeof DRILL_KINDS)[number]

export type Unit = 'ms' | 'writes' | 'calls' | 'changes'

/** One measured value. */
export interface Figure {
  /** The same thing in every report, for comparing: `outage 192.0.2.50 sp1>sp2`. */
  key: string
  /** For people. */
  what: string
  /** Null: it was to be measured and could not be; `note` says why. */
  value: number | null
  unit: Unit
  /** More is not within bounds; null: it is told and not judged. */
  bound: number | null
  note: string | null
}

/** Something that is not among the figures, and what would bring it there. */
export interface NotMeasured {
  what: string
  why: string
  mend: string
}

export interface DrillStep {
  /** Null: it is not known on this node's clock. */
  atMs: number | null
  /** Whose step it is; null: of the drill itself. */
  node: NodeName | null
  sentence: string
}

/** An unbroken stretch of answers. */
export interface Span {
  by: NodeName
  fromMs: number
  toMs: number
}

/** One thing that was watched all the time, for the drawing. */
export interface Strip {
  name: string
  spans: readonly Span[]
}

export interface Phase {
  /** `sp1>sp2`: the role is to go that way; `sp1`: it is to stay there. */
  name: string
  fromMs: number
  toMs: number
  figures: readonly Figure[]
}

/** How a figure stands beside the last one of its key. */
export interface Compared {
  key: string
  /** Id of the report that has it. */
  with: string
  before: number
  delta: number
  /** `same`: within the noise of both. */
  verdict: 'better' | 'same' | 'worse'
}

export interface DrillAlarm {
  atMs: number
  code: string
  sentence: string
}

export type DrillOutcome =
  /** Done, every figure within its bound. */
  | 'kept'
  /** Done, at least one is not. */
  | 'broken'
  /** Begun and not brought to its end. */
  | 'aborted'

export interface DrillReport {
  schema: typeof DRILL_SCHEMA
  /** Of its beginning, as `20261130T120000Z-switchover`. */
  id: string
  kind: DrillKind
  back: boolean
  /** Where it ran. */
  node: NodeName
  version: string
  profile: string
  startedIso: string
  finishedIso: string
  outcome: DrillOutcome
  /** Of an outcome that is not `kept`, else null. */
  reason: string | null
  /** What the pair was after it, in a sentence. */
  after: string
  phases: readonly Phase[]
  notMeasured: readonly NotMeasured[]
  steps: readonly DrillStep[]
  strips: readonly Strip[]
  alarms: readonly DrillAlarm[]
  /** Longest time by which the questions to the floating IPs came late: what is shorter proves nothing. */
  noiseMs: number
  /** The same of everything else: SIP, stores, calls. */
  lateMs: number
  compared: readonly Compared[]
}

/** Everything that was measured, of all phases. */
export function figuresOf(report: Pick<DrillReport, 'phases'>): readonly Figure[] {
  return report.phases.flatMap(({ figures }) => figures)
}

/** Whether a value is within its bound; what the command's own lateness explains is not held against the pair. */
export function isKept({ value, unit, bound }: Figure, noiseMs: number): boolean {
  if (bound === null || value === null) return bound === null
  return value - (unit === 'ms' ? noiseMs : 0) <= bound
}

export function isDrillKind(word: string): word is DrillKind {
  return DRILL_KINDS.some((kind) => kind === word)
}
