/** Goal: what the peer told of its stores is shown with its age, and what is not known as not known. */
import { expect, test } from 'vitest'
import { statusText } from '../../src/cli/status-text.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { STATUS } from '../fixtures/control-documents.ts'

type Store = StatusDocument['stores'][number]
type Peer = NonNullable<Store['peer']>

const PEER: Peer = {
  role: 'writable',
  following: false,
  offset: 41_200,
  behind: 1_200,
  lookedMsAgo: 180,
}
const STORE: Store = {
  name: 'redis',
  kind: 'redis',
  role: 'read-only',
  offset: 40_000,
  following: true,
  backlog: 0,
  applies: true,
  confirmsTogether: false,
  sick: false,
  trouble: null,
  hazards: [],
  version: '7.0.15',
  space: null,
  waiting: null,
  rejoin: null,
  peer: PEER,
  loss: null,
  verified: null,
}

/** The cell under "THE PEER'S". */
function shown(peer: Peer | null, changes: Partial<Store> = {}): string {
  const text = statusText({ ...STATUS, stores: [{ ...STORE, ...changes, peer }] }, (word) => word)
  const lines = text.split('\n')
  const title = lines.findIndex((line) => line.startsWith('STORE'))
  const from = lines[title]?.indexOf("THE PEER'S") ?? 0
  const to = lines[title]?.indexOf('BACKLOG') ?? 0
  return lines[title + 1]?.slice(from, to).trimEnd() ?? ''
}

test.each<[string, Peer | null, Partial<Store>]>([
  ['writable; this one is 1.2 kB behind, 180 ms ago', PEER, {}],
  [
    'follows; it is 3 transactions behind, 180 ms ago',
    { ...PEER, role: 'read-only', following: true, behind: 3 },
    { kind: 'mariadb', role: 'writable' },
  ],
  ['alone, 180 ms ago', { ...PEER, role: 'read-only', behind: null }, {}],
  ['could not be looked at, 180 ms ago', { ...PEER, role: null }, {}],
  ['not told', null, {}],
])('%s', (words, peer, changes) => {
  expect(shown(peer, changes)).toBe(words)
})

/** The row of the nodes that begins with "data"; null when there is none. */
function dataRow(
  local: Partial<StatusDocument['local']>,
  peer: Partial<StatusDocument['peer']>,
): string | null {
  const status = {
    ...STATUS,
    local: { ...STATUS.local, ...local },
    peer: { ...STATUS.peer, ...peer },
  }
  const lines = statusText(status, (word) => word).split('\n')
  const line = lines.find((candidate) => candidate.startsWith('data'))
  return line === undefined ? null : line.replaceAll(/ {2,}/g, ' | ').trimEnd()
}

test('who has which writes is shown where stores can prove it, and nowhere else', () => {
  expect(dataRow({ sync: true }, { inSync: true })).toBe('data | confirmed with the peer | in sync')
  expect(dataRow({ sole: true }, { inSync: false })).toBe('data | confirmed alone | -')
  expect(dataRow({ inSync: true }, { inSync: false })).toBe('data | in sync | -')
  expect(dataRow({}, {})).toBe(null)
})
