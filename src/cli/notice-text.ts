/**
 * How do the ways to the operators look in a status?
 */
import type { StatusDocument } from '../control/schema.ts'
import type { Paint } from './paint.ts'
import { cell, printable, table } from './table.ts'

/** Empty where nobody is told. */
export function noticesTable({ notices }: Pick<StatusDocument, 'notices'>, paint: Paint): string {
  if (notices.length === 0) return ''
  return table(
    [
      ['ALARMS GO BY', 'TO', 'STATE', 'WAITING', 'GIVEN UP', 'LAST THROUGH'].map((title) =>
        cell(title, 'title'),
      ),
      ...notices.map(({ kind, target, state, why, queued, dropped, deliveredIso }) => [
        kind,
        target,
        state === 'failing' ? cell(`failing: ${printable(why ?? 'unknown')}`, 'bad') : cell(state),
        String(queued),
        dropped === 0 ? '0' : cell(String(dropped), 'bad'),
        deliveredIso ?? 'none since the start',
      ]),
    ],
    paint,
  )
}
