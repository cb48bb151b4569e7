/**
 * Goal: an operator is told once of what lasts, once a day while it does, once when it is over, and is not
 * drowned by what comes and goes. Method: looks every two seconds of a clock of ours.
 */
import { describe, expect, test } from 'vitest'
import type { Alarm } from '../../src/control/notice.ts'
import { alarmKey, NoticeBook } from '../../src/control/notice-book.ts'

const DAY_MS = 86_400_000
const START_MS = Date.parse('2026-11-21T12:00:00Z')

function alarm(about: string): Alarm {
  const sentence = `path ${about} is silent`
  return { code: 'path-silent', about, sentence, mend: 'look', sinceIso: 'then' }
}

/** Looks from one second to another; tells what was said, each with its second. */
function runner(book: NoticeBook, byPeer: (alarm: Alarm) => boolean = () => false, second = false) {
  return (fromS: number, toS: number, standing: readonly Alarm[]): string[] => {
    const said: string[] = []
    for (let at = fromS; at < toS; at += 2) {
      const nowMs = START_MS + at * 1_000
      const news = book.look({ nowMs, standing, toldByPeer: byPeer, second })
      if (news === null) continue
      const parts = news.alarms.map(({ what, about }) => `${what} ${about}`)
      said.push(
        `${at}: ${[...news.changes.map(({ term }) => `term ${term}`), ...parts].join(', ')}`,
      )
    }
    return said
  }
}

test('one alarm is told when it lasts, daily, and when it is over for a minute', () => {
  const run = runner(new NoticeBook(DAY_MS))
  expect(run(0, 100, [alarm('a')])).toEqual(['10: began a'])
  expect(run(100, 2 * 86_400 + 100, [alarm('a')])).toEqual([
    '86410: goes-on a',
    '172810: goes-on a',
  ])
  expect(run(172_900, 173_100, [])).toEqual(['172960: over a'])
})

test('what lasts for less than ten seconds is not told at all', () => {
  const run = runner(new NoticeBook(DAY_MS))
  expect(run(0, 10, [alarm('a')])).toEqual([])
  expect(run(10, 5_000, [])).toEqual([])
})

test('several at once are one notice, and notices keep half a minute apart', () => {
  const run = runner(new NoticeBook(DAY_MS))
  expect(run(0, 12, [alarm('a'), alarm('b')])).toEqual(['10: began a, began b'])
  expect(run(12, 60, ['a', 'b', 'c', 'd'].map(alarm))).toEqual(['40: began c, began d'])
})

test('the sentence may change while it is the same alarm', () => {
  const run = runner(new NoticeBook(DAY_MS))
  run(0, 12, [alarm('a')])
  expect(run(12, 300, [{ ...alarm('a'), sentence: 'it is even worse' }])).toEqual([])
})

test('one that comes and goes all day is told less and less often', () => {
  const book = new NoticeBook(DAY_MS)
  const run = runner(book)
  const said: string[] = []
  // Twenty seconds there, ninety seconds gone: longer than an end waits at first.
  for (let at = 0; at < 6 * 3_600; at += 110) {
    said.push(...run(at, at + 20, [alarm('a')]), ...run(at + 20, at + 110, []))
  }
  // Without damping two for each of 197 rounds.
  expect(said).toEqual(['10: began a', '80: over a', '120: began a'])
  expect(book.entries[0]?.returns).toBeGreaterThan(100)
  expect(run(22_000, 30_000, [])).toEqual(['25180: over a'])
})

test('a change of the role is told with the alarms that it brings', () => {
  const book = new NoticeBook(DAY_MS)
  const run = runner(book)
  const reason = { code: 'takeover-done', sentence: 'took over' }
  const atIso = new Date(START_MS).toISOString()
  book.serves({ atIso, from: 'take', to: 'active', term: 9, reason, outageMs: 1_100 }, START_MS)
  expect(run(0, 60, [alarm('a')])).toEqual(['10: term 9, began a'])
})

describe('of two nodes that see the same', () => {
  test('the second says nothing while the first tells, neither at its begin nor at its end', () => {
    const run = runner(new NoticeBook(DAY_MS), () => true, true)
    expect([...run(0, 90_000, [alarm('a')]), ...run(90_000, 91_000, [])]).toEqual([])
  })

  test('the second tells what only it sees, after the first had time to say that it sees it, too', () => {
    const run = runner(new NoticeBook(DAY_MS), ({ about }) => about === 'a', true)
    expect(run(0, 60, [alarm('a'), alarm('b')])).toEqual(['20: began b'])
  })

  test('the end is told by whoever speaks by then', () => {
    const book = new NoticeBook(DAY_MS)
    runner(book, () => true, true)(0, 60, [alarm('a')])
    const run = runner(book)
    expect(run(60, 90, [alarm('a')])).toEqual([])
    expect(run(90, 200, [])).toEqual(['150: over a'])
  })
})

test('after a restart nothing is told twice, and an end that came meanwhile is told', () => {
  const book = new NoticeBook(DAY_MS)
  runner(book)(0, 60, [alarm('a'), alarm('b')])
  const run = runner(new NoticeBook(DAY_MS, JSON.parse(JSON.stringify(book.entries))))
  expect(run(60, 300, [alarm('a')])).toEqual(['120: over b'])
})

test('a clock that was set back silences nobody', () => {
  const run = runner(new NoticeBook(DAY_MS))
  run(100_000, 100_004, [alarm('a')])
  expect(run(0, 60, [alarm('a'), alarm('b')])[0]).toBe('0: began a')
})

test('a storm of alarms is bounded', () => {
  const book = new NoticeBook(DAY_MS)
  const run = runner(book)
  run(
    0,
    60,
    Array.from({ length: 5_000 }, (_, index) => alarm(String(index))),
  )
  expect(book.entries.length).toBe(500)
  expect(alarmKey(alarm('a'))).toBe('path-silent a')
})
