/**
 * The command rules of the gate as one table, run against the model and against the kernel.
 *
 * Times are milliseconds after the row's start. A step happens at `at`; `until` is its deadline;
 * `gate` is what must be in force afterwards: 'shut', or 'occupied'/'open' with its deadline. Steps
 * lie 60 ms or more apart, so that a busy machine does not change what a row says.
 */

import type { GateOperation } from '../../src/gate/command-gate.ts'
import type { GateRefusal } from '../../src/gate/gate.ts'

export interface RuleStep {
  at?: number
  do: GateOperation
  until?: number
  /** Begin for `occupy`, takeover for `open`. */
  flag?: boolean
  /** Default: the session that the row claimed. */
  session?: number
  /** Default: the next. */
  sequence?: number
  wrongKey?: boolean
  refusal?: GateRefusal
  gate: string
}

export interface Rule {
  promise: string
  steps: RuleStep[]
}

/** Deadlines further ahead than this are refused in every run of the table. */
export const AHEAD_MAX_MS = 5000

const first = true
const takeover = true

export const RULES: Rule[] = [
  {
    promise: 'a claim shuts an open gate and voids the commands of the session before',
    steps: [
      { do: 'open', until: 1000, gate: 'open 1000' },
      { do: 'claim', session: 8, gate: 'shut' },
      { do: 'open', until: 1000, session: 7, refusal: 'session', gate: 'shut' },
      { do: 'open', until: 1000, session: 8, gate: 'open 1000' },
      { do: 'close', session: 7, refusal: 'session', gate: 'open 1000' },
    ],
  },
  {
    promise: 'a claim shuts an occupation',
    steps: [
      { do: 'occupy', flag: first, until: 1000, gate: 'occupied 1000' },
      { do: 'claim', session: 8, gate: 'shut' },
    ],
  },
  {
    promise: 'a wrong key moves nothing, whatever the operation',
    steps: [
      { do: 'open', until: 1000, wrongKey: true, refusal: 'key', gate: 'shut' },
      { do: 'occupy', flag: first, until: 1000, wrongKey: true, refusal: 'key', gate: 'shut' },
      { do: 'open', until: 1000, gate: 'open 1000' },
      { do: 'extend', until: 2000, wrongKey: true, refusal: 'key', gate: 'open 1000' },
      { do: 'close', wrongKey: true, refusal: 'key', gate: 'open 1000' },
      { do: 'claim', session: 8, wrongKey: true, refusal: 'key', gate: 'open 1000' },
    ],
  },
  {
    promise: 'a query needs no key and no session and moves nothing',
    steps: [
      { do: 'query', wrongKey: true, session: 99, gate: 'shut' },
      { do: 'occupy', flag: first, until: 1000, gate: 'occupied 1000' },
      { do: 'query', wrongKey: true, session: 99, sequence: 1, gate: 'occupied 1000' },
    ],
  },
  {
    promise: 'a command with a number that was used, or is lower, is refused',
    steps: [
      { do: 'open', until: 1000, sequence: 10, gate: 'open 1000' },
      { do: 'close', sequence: 10, refusal: 'replay', gate: 'open 1000' },
      { do: 'close', sequence: 9, refusal: 'replay', gate: 'open 1000' },
      { do: 'close', sequence: 11, gate: 'shut' },
      { do: 'open', until: 1000, sequence: 10, refusal: 'replay', gate: 'shut' },
    ],
  },
  {
    promise: 'a refused command has used its number up',
    steps: [
      { do: 'open', until: -1, sequence: 10, refusal: 'past', gate: 'shut' },
      { do: 'open', until: 1000, sequence: 10, refusal: 'replay', gate: 'shut' },
    ],
  },
  {
    promise: 'a deadline that has passed is refused (K2)',
    steps: [
      { do: 'open', until: -1, refusal: 'past', gate: 'shut' },
      { do: 'occupy', flag: first, until: -1, refusal: 'past', gate: 'shut' },
      { at: 60, do: 'open', until: 50, refusal: 'past', gate: 'shut' },
      { at: 60, do: 'open', until: 1000, gate: 'open 1000' },
      { at: 120, do: 'extend', until: 100, refusal: 'past', gate: 'open 1000' },
    ],
  },
  {
    promise: 'a deadline further ahead than any lease is a mistake of units and refused',
    steps: [
      { do: 'open', until: 60_000, refusal: 'far', gate: 'shut' },
      { do: 'occupy', flag: first, until: 60_000, refusal: 'far', gate: 'shut' },
      { do: 'open', until: 1000, gate: 'open 1000' },
      { do: 'extend', until: 60_000, refusal: 'far', gate: 'open 1000' },
    ],
  },
  {
    promise: 'an occupation begins only by "first" and is renewed only while it lives',
    steps: [
      { do: 'occupy', until: 100, refusal: 'lapsed', gate: 'shut' },
      { do: 'occupy', flag: first, until: 200, gate: 'occupied 200' },
      { at: 80, do: 'occupy', until: 300, gate: 'occupied 300' },
      { at: 380, do: 'occupy', until: 900, refusal: 'lapsed', gate: 'shut' },
      { at: 380, do: 'occupy', flag: first, until: 900, gate: 'occupied 900' },
    ],
  },
  {
    promise: 'the deadline of an occupation never moves back',
    steps: [
      { do: 'occupy', flag: first, until: 900, gate: 'occupied 900' },
      { do: 'occupy', until: 500, gate: 'occupied 900' },
      { do: 'occupy', flag: first, until: 500, gate: 'occupied 900' },
    ],
  },
  {
    promise: 'an open gate cannot be occupied or opened again',
    steps: [
      { do: 'open', until: 1000, gate: 'open 1000' },
      { do: 'occupy', flag: first, until: 2000, refusal: 'state', gate: 'open 1000' },
      { do: 'open', until: 2000, refusal: 'state', gate: 'open 1000' },
      { do: 'open', flag: takeover, until: 2000, refusal: 'state', gate: 'open 1000' },
    ],
  },
  {
    promise: 'a gate shuts by itself and may then be opened anew',
    steps: [
      { do: 'open', until: 100, gate: 'open 100' },
      { at: 180, do: 'query', gate: 'shut' },
      { at: 180, do: 'open', until: 900, gate: 'open 900' },
    ],
  },
  {
    promise: 'a takeover opens only over an occupation that lives (K3)',
    steps: [
      { do: 'open', flag: takeover, until: 1000, refusal: 'lapsed', gate: 'shut' },
      { do: 'occupy', flag: first, until: 100, gate: 'occupied 100' },
      { at: 180, do: 'open', flag: takeover, until: 1000, refusal: 'lapsed', gate: 'shut' },
      { at: 180, do: 'occupy', flag: first, until: 900, gate: 'occupied 900' },
      { at: 180, do: 'open', flag: takeover, until: 1000, gate: 'open 1000' },
    ],
  },
  {
    promise: 'opening ends the occupation, with or without takeover',
    steps: [
      { do: 'occupy', flag: first, until: 2000, gate: 'occupied 2000' },
      { do: 'open', until: 100, gate: 'open 100' },
      { at: 180, do: 'query', gate: 'shut' },
      { at: 180, do: 'occupy', until: 900, refusal: 'lapsed', gate: 'shut' },
    ],
  },
  {
    promise: 'only an open gate is extended, and its deadline never moves back',
    steps: [
      { do: 'extend', until: 1000, refusal: 'lapsed', gate: 'shut' },
      { do: 'occupy', flag: first, until: 1000, gate: 'occupied 1000' },
      { do: 'extend', until: 1000, refusal: 'lapsed', gate: 'occupied 1000' },
      { do: 'open', flag: takeover, until: 200, gate: 'open 200' },
      { do: 'extend', until: 150, gate: 'open 200' },
      { at: 80, do: 'extend', until: 300, gate: 'open 300' },
      { at: 380, do: 'extend', until: 1000, refusal: 'lapsed', gate: 'shut' },
    ],
  },
  {
    promise: 'closing works always and twice',
    steps: [
      { do: 'close', gate: 'shut' },
      { do: 'occupy', flag: first, until: 1000, gate: 'occupied 1000' },
      { do: 'close', gate: 'shut' },
      { do: 'open', until: 1000, gate: 'open 1000' },
      { do: 'close', gate: 'shut' },
      { do: 'close', gate: 'shut' },
      { do: 'extend', until: 1000, refusal: 'lapsed', gate: 'shut' },
    ],
  },
]

/** A raw command and what came back, both in milliseconds of one clock. */
export interface RuleKernel {
  nowMs(): number
  waitUntil(ms: number): void
  obey(command: {
    operation: GateOperation
    flag: boolean
    keyRight: boolean
    session: number
    sequence: number
    deadlineMs: number
  }): { refusal: GateRefusal | null; serveUntilMs: number; occupiedUntilMs: number }
}

/** What happened at each step, to be compared with the row as a whole. */
export function runRule(rule: Rule, kernel: RuleKernel): unknown[] {
  const startMs = Math.ceil(kernel.nowMs())
  let session = 7
  let sequence = 1
  const send = (step: RuleStep) =>
    kernel.obey({
      operation: step.do,
      flag: step.flag ?? false,
      keyRight: step.wrongKey !== true,
      session: step.session ?? session,
      sequence: step.sequence ?? sequence,
      deadlineMs: step.until === undefined ? 0 : startMs + step.until,
    })
  send({ do: 'claim', gate: 'shut' })
  return rule.steps.map((step) => {
    kernel.waitUntil(startMs + (step.at ?? 0))
    sequence += 1
    const answer = send(step)
    if (step.do === 'claim' && answer.refusal === null) session = step.session ?? session
    return { ...step, refusal: answer.refusal, gate: inForce(answer, startMs, kernel.nowMs()) }
  })
}

function inForce(
  answer: { serveUntilMs: number; occupiedUntilMs: number },
  startMs: number,
  nowMs: number,
): string {
  const { serveUntilMs, occupiedUntilMs } = answer
  if (nowMs < serveUntilMs) return `open ${Math.round(serveUntilMs - startMs)}`
  if (nowMs < occupiedUntilMs) return `occupied ${Math.round(occupiedUntilMs - startMs)}`
  return 'shut'
}

/** The same shape as `runRule` gives. */
export function expected(rule: Rule): unknown[] {
  return rule.steps.map((step) => ({ ...step, refusal: step.refusal ?? null }))
}
