/**
 * How is a change of the role said in one line?
 */

import { formatMs } from '../control/duration.ts'
import type { TransitionRecord } from '../control/schema.ts'
import { printable } from './table.ts'

/** `standby -> active, term 7: the reason`, and how long nobody served where that is known. */
export function transitionSentence(transition: TransitionRecord): string {
  const { from, to, term, reason, outageMs } = transition
  const outage = outageMs === null ? '' : ` (nobody served for ${formatMs(outageMs)})`
  return `${from} -> ${to}, term ${term}: ${printable(reason.sentence)}${outage}`
}
