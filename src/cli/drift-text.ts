/**
 * How do the differences between the nodes look in a status?
 */
import type { StatusDocument } from '../control/schema.ts'
import type { Paint } from './paint.ts'
import { cell, table } from './table.ts'

/** More are counted: `tandem config diff` has them all. */
const SHOWN_MAX = 10

export const WHERE_WORDS = {
  differs: 'differs',
  'only-here': 'only on this node',
  'only-there': 'only on the peer',
} as const

/** Empty where nothing differs. */
export function differencesTable({ drift }: StatusDocument, paint: Paint): string {
  const { differences } = drift
  if (differences.length === 0) return ''
  const more = differences.length - SHOWN_MAX
  return table(
    [
      ['NOT ALIKE', 'IS', 'HOW', 'SINCE'].map((title) => cell(title, 'title')),
      ...differences
        .slice(0, SHOWN_MAX)
        .map(({ kind, name, where, sinceIso }) => [
          name,
          kind,
          cell(WHERE_WORDS[where], 'warn'),
          sinceIso,
        ]),
      ...(more > 0 ? [[`and ${more} more: tandem config diff`]] : []),
    ],
    paint,
  )
}
