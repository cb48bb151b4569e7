/**
 * One line of the log for a change of the role: from what, to what, why, and how long the peer was silent.
 */
import type { TransitionRecord } from '../control/schema.ts'
import type { Transition } from '../control/snapshot.ts'

/** A line that comes later than this after what it tells says when that was. */
const LATE_SHOWN_MS = 50

/** @param lateMs  since it happened */
export function transitionLine(
  { opened, peerSilentMs }: Pick<Transition, 'opened' | 'peerSilentMs'>,
  { from, to, term, reason, atIso }: TransitionRecord,
  lateMs: number,
): string {
  const served = opened ? ', serving' : ''
  const silent = peerSilentMs === null ? '' : `, peer heard ${Math.round(peerSilentMs)} ms ago`
  const at = lateMs > LATE_SHOWN_MS ? ` (at ${atIso})` : ''
  return `${from} -> ${to}${served}, term ${term}: ${reason.sentence}${silent}${at}`
}
