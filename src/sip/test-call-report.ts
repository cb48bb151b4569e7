/**
 * How did a test call end, in a word, in a sentence and step by step?
 *
 * The words are what scripts decide by (the exit codes of `tandem check-sip`), the sentence is for people.
 */
import type { AudioReport } from './audio-verdict.ts'
import type { TransactionEnd } from './client-transaction.ts'
import type { CallEnd } from './outgoing-call.ts'
import type { Trouble, TroubleKind } from './trouble.ts'

export type StepName = 'connect' | 'register' | 'invite' | 'cancel' | 'bye' | 'unregister'

export interface Step {
  who: 'caller' | 'callee'
  step: StepName
  /** Null when there was no final answer. */
  status: number | null
  /** Words of the answer, or why there was none. */
  reason: string
  durationMs: number
}

export type Outcome =
  | 'ok'
  /** A final answer that says no. */
  | 'refused'
  | 'no-answer'
  /** No connection: closed port, no route, TLS. */
  | 'unreachable'
  /** The call stood, and audio did not flow, or one way only. */
  | 'no-audio'
  /** Our own side, or stopped by the operator. */
  | 'failed'

export interface TestCallReport {
  outcome: Outcome
  /** One sentence without a full stop. */
  why: string
  steps: readonly Step[]
  /** Null when no audio was to flow, or the call did not stand. */
  audio: AudioReport | null
}

export type Verdict = Pick<TestCallReport, 'outcome' | 'why'>

const OUTCOMES: Readonly<Record<TroubleKind, Outcome>> = {
  'port-closed': 'unreachable',
  unreachable: 'unreachable',
  tls: 'unreachable',
  ended: 'unreachable',
  silent: 'no-answer',
  local: 'failed',
}

/** Of a request that had to succeed; null when it did. */
export function verdictOfEnd(end: TransactionEnd, what: string): Verdict | null {
  switch (end.type) {
    case 'failed':
      return verdictOf(end.trouble, what)
    case 'silent':
      return { outcome: 'no-answer', why: `${what} was not answered in time` }
    case 'answered':
      return end.response.status < 300 ? null : refusedBy(end.response, what)
  }
}

export function verdictOf({ kind, sentence }: Trouble, what: string): Verdict {
  return { outcome: OUTCOMES[kind], why: `${what}: ${sentence}` }
}

export function refusedBy(
  { status, reason }: { status: number; reason: string },
  what: string,
): Verdict {
  return { outcome: 'refused', why: `${what} was answered ${status} ${reason}`.trimEnd() }
}

/** One request as a step. */
export function stepOf(
  who: Step['who'],
  step: StepName,
  end: TransactionEnd,
  durationMs: number,
): Step {
  switch (end.type) {
    case 'answered': {
      const { status, reason } = end.response
      return { who, step, status, reason, durationMs }
    }
    case 'silent':
      return { who, step, status: null, reason: 'no answer', durationMs }
    case 'failed':
      return { who, step, status: null, reason: end.trouble.sentence, durationMs }
  }
}

/** INVITE, and CANCEL where there was one, as steps. */
export function stepsOf(end: CallEnd, durationMs: number): Step[] {
  const who = 'caller'
  if (end.type === 'failed') return [stepOf(who, 'invite', end, durationMs)]
  if (end.type !== 'silent') {
    const { response } = end
    return [stepOf(who, 'invite', { type: 'answered', response }, durationMs)]
  }
  const { cancelled } = end
  const invite = stepOf(who, 'invite', end, durationMs - (cancelled?.durationMs ?? 0))
  if (cancelled === null) return [invite]
  const { status, finalStatus, durationMs: cancelMs } = cancelled
  const rest = finalStatus === null ? 'INVITE did not end' : `INVITE ended with ${finalStatus}`
  const reason = status === null ? `no answer, ${rest}` : rest
  return [invite, { who, step: 'cancel', status, reason, durationMs: cancelMs }]
}
