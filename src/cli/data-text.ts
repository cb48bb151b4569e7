/**
 * How does `tandem data show` look? The stores first, then every archive, newest first.
 *
 * Pure: a document and a way to paint become text.
 */
import type { DataDocument } from '../control/data-schema.ts'
import { formatBytes } from '../control/space-sentence.ts'
import type { Paint } from './paint.ts'
import { type Cell, cell, printable, table } from './table.ts'

type StoreData = DataDocument['stores'][number]

export function dataText(document: DataDocument, paint: Paint): string {
  const { node, state, behind, stores } = document
  const blocks = [`${node} is ${state}\n`]
  if (behind !== null) blocks.push(`${paint('May lack data', 'bad')}: ${printable(behind)}\n`)
  if (stores.length === 0) {
    blocks.push('No store is configured under tandem.stores.\n')
    return blocks.join('\n')
  }
  blocks.push(storesTable(stores, paint), ...stores.map((store) => archives(store, paint)))
  return blocks.join('\n')
}

function storesTable(stores: readonly StoreData[], paint: Paint): string {
  return table(
    [
      ['store', 'state', 'offset', 'backlog', 'last return'].map((title) => cell(title, 'title')),
      ...stores.map((store) => [
        `${store.name} (${store.kind})`,
        stateOf(store),
        store.offset === null ? '?' : String(store.offset),
        store.backlog === null ? '-' : String(store.backlog),
        store.rejoin === null ? '-' : `${store.rejoin.atIso}  ${store.rejoin.sentence}`,
      ]),
    ],
    paint,
  )
}

function stateOf({ role, following, waiting }: StoreData): Cell {
  if (role === null) return cell('does not answer', 'bad')
  if (role === 'writable') return cell('writable')
  if (following) return cell('follows the peer')
  return cell(waiting === null ? 'read-only, alone' : `alone: ${waiting}`, 'warn')
}

function archives({ name, archives: kept, archivesKept }: StoreData, paint: Paint): string {
  if (kept.length === 0) return `Nothing of ${name} was set aside.\n`
  const bytes = kept.reduce((sum, archive) => sum + archive.bytes, 0)
  const title = `Set aside of ${name}: ${kept.length} of at most ${archivesKept}, ${formatBytes(bytes)}`
  const rows = kept.map(({ atIso, verdict, count, bytes: size, sentence, directory }) => [
    `  ${atIso}`,
    count === null ? '?' : String(count),
    formatBytes(size),
    verdict === 'unknown' ? cell('not known whether it is elsewhere', 'dim') : '',
    sentence ?? '',
    directory,
  ])
  const heads = ['  when', 'lacking', 'size', '', 'what', 'where'].map((text) =>
    cell(text, 'title'),
  )
  return `${paint(title, 'title')}\n${table([heads, ...rows], paint)}`
}
