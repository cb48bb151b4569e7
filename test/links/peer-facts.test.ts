/** Goal: what the peer tells counts once it came whole; strangers and recordings do not get through. */
import { expect, test } from 'vitest'
import { FactHearing, PeerFacts } from '../../src/links/peer-facts.ts'
import { encodeFactList, type Fact } from '../../src/wire/fact-list.ts'
import { makeKey } from '../../src/wire/key.ts'

const key = makeKey(7, Buffer.alloc(32, 5))
const BOOT = '0123456789abcdef'
const facts = (count: number): Fact[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ kind: 'file' as const, fingerprint: '1'.repeat(16), neutral: '1'.repeat(16) },
    name: `/etc/file-${index}`,
  }))
const list = (number: number, count: number, node: 'sp1' | 'sp2' = 'sp2', boot = BOOT) =>
  encodeFactList({ node, boot, number }, { topic: 'configuration', facts: facts(count) }, key)

test('parts get through once each, in any order, and count when all are there', () => {
  const hearing = new FactHearing('sp1', [key])
  const heard = new PeerFacts()
  const newest = (nowMs: number) => heard.of('configuration', { nowMs, maxAgeMs: 100 })
  const datagrams = list(5, 100)
  expect(datagrams.length).toBeGreaterThan(2)
  for (const [index, bytes] of datagrams.toReversed().entries()) {
    expect(newest(10)).toBe(null)
    const part = hearing.hear(bytes, BOOT)
    // The same again, as by a second path or from a recording.
    expect([part === null, hearing.hear(bytes, BOOT)]).toEqual([false, null])
    if (part !== null) heard.take(part, 10 + index)
  }
  const atMs = 10 + datagrams.length - 1
  expect(newest(atMs)).toEqual({ boot: BOOT, atMs, facts: facts(100) })
  expect(newest(atMs + 101)).toBe(null)
})

test('a part that was lost leaves the list before in force', () => {
  const hearing = new FactHearing('sp1', [key])
  const heard = new PeerFacts()
  const take = (datagrams: readonly Buffer[]) => {
    for (const bytes of datagrams) {
      const part = hearing.hear(bytes, BOOT)
      if (part !== null) heard.take(part, 0)
    }
    return heard.of('configuration', { nowMs: 0, maxAgeMs: 1 })?.facts.length
  }
  expect(take(list(5, 100))).toBe(100)
  expect(take(list(6, 60).slice(1))).toBe(100)
  expect(take(list(7, 3))).toBe(3)
  // Older than what was heard.
  expect(take(list(6, 60))).toBe(3)
})

test('nothing of another start, another key, of ours, or before the peer was heard gets through', () => {
  const hearing = new FactHearing('sp1', [key])
  const [bytes = Buffer.alloc(0)] = list(5, 1)
  expect(hearing.hear(bytes, null)).toBe(null)
  expect(hearing.hear(bytes, 'ffffffffffffffff')).toBe(null)
  expect(hearing.hear(list(5, 1, 'sp1')[0] ?? bytes, BOOT)).toBe(null)
  expect(new FactHearing('sp1', [makeKey(7, Buffer.alloc(32, 6))]).hear(bytes, BOOT)).toBe(null)
  expect(hearing.hear(bytes, BOOT)).not.toBe(null)
})
