/**
 * What do answers say of the time between them? Silences, who answered when. Pure arithmetic.
 *
 * Every figure is conservative: a silence ends with an answer that came. All moments are of one monotonic clock.
 */
import type { NodeName } from '../core/policy.ts'
import type { Span } from './report.ts'

/** A question that was answered. */
export interface Answer {
  sentMs: number
  atMs: number
  by: NodeName
}

export interface Window {
  fromMs: number
  toMs: number
}

/** Spans that are kept of one thing; more is a flapping that the silences tell of. */
const SPANS_MAX = 60

/**
 * The longest time without an answer that touches the window; the last answer before it begins the first one.
 *
 * @returns null when there was no answer at all until the window's end
 */
export function longestSilence(answers: readonly Answer[], window: Window): number | null {
  const heardMs = answers.map(({ atMs }) => atMs).sort((a, b) => a - b)
  let lastMs: number | null = null
  let longest = 0
  let any = false
  for (const atMs of heardMs) {
    if (atMs > window.toMs) {
      any ||= lastMs !== null
      longest = Math.max(longest, window.toMs - (lastMs ?? window.fromMs))
      return any ? longest : null
    }
    any = true
    if (atMs >= window.fromMs) longest = Math.max(longest, atMs - (lastMs ?? window.fromMs))
    lastMs = atMs
  }
  if (!any) return null
  return Math.max(longest, window.toMs - (lastMs ?? window.fromMs))
}

/** Unbroken stretches; a pause longer than `bridgeMs`, or another answering, ends one. */
export function spansOf(answers: readonly Answer[], bridgeMs: number): Span[] {
  const spans: Span[] = []
  for (const { atMs, by } of [...answers].sort((a, b) => a.atMs - b.atMs)) {
    const last = spans.at(-1)
    if (last !== undefined && last.by === by && atMs - last.toMs <= bridgeMs) last.toMs = atMs
    else spans.push({ by, fromMs: atMs, toMs: atMs })
  }
  return spans.slice(-SPANS_MAX)
}

/** The first answer of a node after a moment. */
export function firstOf(answers: readonly Answer[], by: NodeName, afterMs: number): Answer | null {
  let first: Answer | null = null
  for (const answer of answers) {
    if (answer.by !== by || answer.atMs < afterMs) continue
    if (first === null || answer.atMs < first.atMs) first = answer
  }
  return first
}

/**
 * Answers that a client elsewhere could have had, too.
 *
 * Where this node has the floating IP, its own questions never leave it and are answered behind a shut gate. So
 * what this node answered itself counts only while the address was proven to be reached over the network.
 *
 * @param proven  answers of the address, those of this node over the network
 */
export function countable(
  answers: readonly Answer[],
  us: NodeName,
  proven: readonly Answer[],
  bridgeMs: number,
): Answer[] {
  const ours = spansOf(proven, bridgeMs).filter(({ by }) => by === us)
  return answers.filter(
    ({ by, atMs }) =>
      by !== us || ours.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs + bridgeMs),
  )
}
