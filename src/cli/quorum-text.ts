/**
 * How do those who guard the right beside the two nodes look in a status? Empty where there are none.
 */
import { formatMs } from '../control/duration.ts'
import type { StatusDocument } from '../control/schema.ts'
import type { Paint } from './paint.ts'
import { type Cell, cell, printable, table } from './table.ts'

export function quorumTables({ witness, fence }: StatusDocument, paint: Paint): string {
  if (witness !== null) return witnessTable(witness, paint)
  return fence === null ? '' : fenceTable(fence, paint)
}

function fenceTable(fence: NonNullable<StatusDocument['fence']>, paint: Paint): string {
  const { agent, power, lookedMsAgo, trouble, running, last } = fence
  const looked = lookedMsAgo === null ? 'not tried yet' : `usable, ${formatMs(lookedMsAgo)} ago`
  const titles = ['fence', 'state', 'the peer', 'last fencing']
  return table(
    [
      titles.map((word) => cell(word.toUpperCase(), 'title')),
      [
        printable(agent),
        running
          ? cell('switching the peer off', 'warn')
          : trouble === null
            ? cell(looked)
            : cell(printable(trouble), 'bad'),
        power === null ? '?' : `power ${power}`,
        last === null ? '-' : `${last.atIso}  ${printable(last.why)}`,
      ],
    ],
    paint,
  )
}

function witnessTable(witness: NonNullable<StatusDocument['witness']>, paint: Paint): string {
  const { record, endpoints } = witness
  const titles = ['witness', 'state', 'record', 'held by', 'call (99 of 100)']
  return table(
    [
      titles.map((word) => cell(word.toUpperCase(), 'title')),
      ...endpoints.map(({ url, state, why }, index) => [
        url,
        state === 'silent'
          ? cell(printable(why ?? 'silent'), 'bad')
          : cell(state === 'answering' ? 'answering' : 'not asked yet'),
        // Of the witness as a whole; said once.
        ...(index === 0 ? [printable(record), holderCell(witness), callText(witness)] : []),
      ]),
    ],
    paint,
  )
}

function holderCell({ holder, held, unchangedMs }: NonNullable<StatusDocument['witness']>): Cell {
  if (unchangedMs === null) return cell('?', 'dim')
  const whose = holder ?? 'nobody'
  return cell(`${whose}${held ? ' (this node)' : ''}, unchanged for ${formatMs(unchangedMs)}`)
}

function callText({ callMs }: NonNullable<StatusDocument['witness']>): string {
  return callMs === null ? '?' : `${formatMs(callMs.median)} (${formatMs(callMs.p99)})`
}
