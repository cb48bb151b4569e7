/** Goal: a difference is shown at once, is an alarm when it lasts, and what cannot be told is none. */
import { expect, test } from 'vitest'
import { DriftBook, differenceSentence } from '../../src/control/drift.ts'
import type { Fact } from '../../src/wire/fact-list.ts'

const fact = (kind: Fact['kind'], name: string, print: string, neutral = print): Fact => ({
  ...{ kind, name },
  ...{ fingerprint: print.repeat(16), neutral: neutral.repeat(16) },
})
const AFTER_MS = 900_000
const book = () => new DriftBook({ drift: { files: [], except: [], afterMs: AFTER_MS } })
const at = (nowMs: number) => ({ nowMs, nowIso: `at ${nowMs}` })

const OURS = [
  fact('version', 'tandem', '1'),
  fact('part', 'stores', '2'),
  fact('file', '/etc/a', '3', '4'),
  fact('file', '/etc/here', '5'),
  fact('setting', 'redis: version', '6'),
]
const THEIRS = [
  fact('version', 'tandem', '1'),
  fact('part', 'stores', '9'),
  // Alike but for the names of the nodes.
  fact('file', '/etc/a', '8', '4'),
  fact('file', '/etc/there', '7'),
  fact('alarm', 'service lb', '0'),
]

test('names what differs, where, and since when', () => {
  const drift = book()
  drift.compare({ ours: OURS, theirs: THEIRS }, at(0))
  drift.compare({ ours: OURS, theirs: THEIRS }, at(60_000))
  expect(drift.part).toEqual({
    // The alarm of the peer is told with the same list of kinds, and is counted with the rest.
    compared: 7,
    differences: [
      { kind: 'part', name: 'stores', where: 'differs', sinceIso: 'at 0' },
      { kind: 'file', name: '/etc/here', where: 'only-here', sinceIso: 'at 0' },
      { kind: 'file', name: '/etc/there', where: 'only-there', sinceIso: 'at 0' },
    ],
  })
  expect(drift.part.differences.map(differenceSentence)).toEqual([
    'stores differs (since at 0)',
    '/etc/here is only on this node (since at 0)',
    '/etc/there is only on the peer (since at 0)',
  ])
})

test('an upgrade of one node after the other is no alarm, one that stops half way is', () => {
  const drift = book()
  const older = THEIRS.map((told) =>
    told.kind === 'version' ? fact('version', 'tandem', 'a') : told,
  )
  const upgrading = {
    ours: [fact('version', 'tandem', '1')],
    theirs: [older[0]].filter((f) => f !== undefined),
  }
  drift.compare(upgrading, at(0))
  drift.compare(upgrading, at(AFTER_MS - 1))
  expect([drift.part.differences.length, drift.raised]).toEqual([1, []])
  drift.compare(upgrading, at(AFTER_MS))
  expect(drift.raised).toEqual([
    { code: 'drift', about: '', sentence: 'the nodes differ in tandem' },
  ])
  drift.compare({ ours: upgrading.ours, theirs: upgrading.ours }, at(AFTER_MS + 1))
  expect([drift.part.differences, drift.raised]).toEqual([[], []])
})

test('what was found stands while the peer is not heard, and says that nothing was compared', () => {
  const drift = book()
  drift.compare({ ours: OURS, theirs: THEIRS }, at(0))
  drift.compare({ ours: OURS, theirs: null }, at(1))
  expect([drift.part.compared, drift.part.differences.length]).toEqual([null, 3])
})

test('many differences are one alarm that names the first', () => {
  const drift = book()
  const ours = Array.from({ length: 300 }, (_, index) => fact('file', `/etc/${index}`, '1'))
  drift.compare({ ours, theirs: [] }, at(0))
  drift.compare({ ours, theirs: [] }, at(AFTER_MS))
  expect(drift.raised.map(({ sentence }) => sentence)).toEqual([
    'the nodes differ in /etc/0, /etc/1, /etc/2, /etc/3, /etc/4 and 195 more',
  ])
})
