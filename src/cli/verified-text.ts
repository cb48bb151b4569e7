/**
 * What does `tandem status` tell of the last comparison of each store?
 */

import { formatMs } from '../control/duration.ts'
import type { StatusDocument } from '../control/schema.ts'
import type { Paint } from './paint.ts'
import { cell, table } from './table.ts'

/** Empty where no store was ever compared on this node. */
export function verifiedTable({ stores }: StatusDocument, paint: Paint): string {
  const rows = stores.flatMap(({ name, verified }) => {
    if (verified === null) return []
    const { sentence, finishedIso, durationMs, differences } = verified
    const found = cell(sentence, differences === 0 ? 'plain' : 'bad')
    return [[name, found, finishedIso, formatMs(durationMs)]]
  })
  if (rows.length === 0) return ''
  const titles = ['STORE', 'BOTH NODES COMPARED', 'WHEN', 'TOOK'].map((word) => cell(word, 'title'))
  return table([titles, ...rows], paint)
}
