/**
 * What was it, in one line of a list? What happened, why, and for how long nobody served.
 */
import { REASONS } from '../core/reason.ts'
import type { RecordedChange, RecordSummary } from './file.ts'
import type { Lanes } from './lanes.ts'

/** @param changes  of the role, oldest first; none for a record that an operator asked for */
export function summaryOf(changes: readonly RecordedChange[], lanes: Lanes): RecordSummary {
  // What was before the first change belongs to another record.
  const firstMs = changes[0]?.atMs ?? Number.POSITIVE_INFINITY
  const closed = lanes.outages.flatMap(({ fromMs, untilMs }) =>
    untilMs === null || untilMs < firstMs ? [] : [untilMs - fromMs],
  )
  const outageMs = closed.length === 0 ? null : Math.max(...closed)
  const told = changes.findLast(({ opened }) => opened)
  if (told !== undefined) {
    const what = told.reason === 'takeover-done' ? 'took over' : 'became active'
    // The first of them says why it began at all: an operator, or a lease that ended.
    const gaveUp = changes.find(({ to }) => to === 'demoting')
    const back = gaveUp === undefined ? '' : 'gave up the role and '
    const reason = told.reason === 'takeover-done' ? 'peer-silent' : told.reason
    return { what: `${back}${what}`, why: REASONS[gaveUp?.reason ?? reason], outageMs }
  }
  const gaveUp = changes.find(({ to }) => to === 'demoting')
  if (gaveUp !== undefined) {
    return { what: 'gave up the role', why: REASONS[gaveUp.reason], outageMs }
  }
  const last = changes.at(-1)
  if (last === undefined) return { what: 'was kept by hand', why: 'an operator asked', outageMs }
  const what = changes[0]?.from === 'demoting' ? 'started' : `became ${last.to}`
  return { what, why: REASONS[last.reason], outageMs }
}
