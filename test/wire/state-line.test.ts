import { describe, expect, test } from 'vitest'
import {
  believedWord,
  decodeStateLine,
  encodeStateLine,
  STATE_LINE_BYTES,
  type StateLine,
  stateLineOf,
  stateWordOf,
} from '../../src/wire/state-line.ts'

const LINE: StateLine = {
  stamp: 158_790_123,
  word: 'active',
  role: 'active',
  validUntilMs: 2_158_840,
  term: 7,
}

describe('the state line', () => {
  test('is written as documented, byte for byte', () => {
    const copy = '158790123 active active 215884 7'
    const expected = `${`tandem1 ${copy} ${copy}`.padEnd(126)}.\n`
    expect(encodeStateLine(LINE).toString('latin1')).toBe(expected)
    expect(expected.length).toBe(STATE_LINE_BYTES)
  })

  test('is read as it was written, for every word and role and the longest numbers', () => {
    for (const word of ['active', 'standby', 'transition', 'unknown'] as const) {
      for (const role of ['standby', 'elect', 'take', 'active', 'demoting'] as const) {
        for (const term of [0, 999_999_999_999_999]) {
          const line = { stamp: 999_999_999, word, role, term, validUntilMs: 9_999_999_999_990 }
          expect(decodeStateLine(encodeStateLine(line).toString('latin1'))).toStrictEqual(line)
        }
      }
    }
  })

  test('rounds its moment down, and never below zero', () => {
    const read = (validUntilMs: number) =>
      decodeStateLine(encodeStateLine({ ...LINE, validUntilMs }).toString('latin1'))?.validUntilMs
    expect(read(1009.99)).toBe(1000)
    expect(read(-5)).toBe(0)
  })

  test('leaves nothing of a longer line behind when the buffer is used again', () => {
    const buffer = Buffer.alloc(STATE_LINE_BYTES)
    encodeStateLine({ ...LINE, word: 'transition', role: 'demoting', term: 1e14 }, buffer)
    encodeStateLine(LINE, buffer)
    expect(buffer.equals(encodeStateLine(LINE))).toBe(true)
  })

  // Alternating words are the hard case: without the stamp the same mixture can show up twice.
  const HISTORY: StateLine[] = [
    { stamp: 1, word: 'standby', role: 'standby', validUntilMs: 2_000_000, term: 7 },
    { stamp: 2, word: 'unknown', role: 'standby', validUntilMs: 3_000_000, term: 7 },
    { stamp: 3, word: 'standby', role: 'standby', validUntilMs: 2_000_000, term: 7 },
    { stamp: 4, word: 'unknown', role: 'standby', validUntilMs: 3_000_000, term: 7 },
    { stamp: 10, word: 'active', role: 'active', validUntilMs: 3_000_000, term: 9 },
  ]
  const written = HISTORY.map((line) => encodeStateLine(line).toString('latin1'))

  test('is refused or read whole when it is written once while being read, at any byte', () => {
    for (const before of written) {
      for (const after of written) {
        for (let tear = 0; tear <= STATE_LINE_BYTES; tear += 1) {
          const read = decodeStateLine(before.slice(0, tear) + after.slice(tear))
          if (read !== null) expect(HISTORY).toContainEqual(read)
        }
      }
    }
  })

  test('is refused or read whole when it is written at every byte while being read', () => {
    // The line a reader sees at each byte only moves forward in the history.
    let wholeLines = 0
    for (let seed = 1; seed <= 20_000; seed += 1) {
      const tears = [3, 5, 7, 11].map((prime) => (seed * prime * 7919) % (STATE_LINE_BYTES + 60))
      const torn = Array.from({ length: STATE_LINE_BYTES }, (_, at) => {
        return written[tears.filter((tear) => tear <= at).length]?.[at] ?? '?'
      }).join('')
      const read = decodeStateLine(torn)
      if (read === null) continue
      wholeLines += 1
      expect(HISTORY).toContainEqual(read)
    }
    expect(wholeLines).toBeGreaterThan(0)
  })

  test('is refused when it is cut short, empty, foreign or changed in one byte', () => {
    const good = encodeStateLine(LINE).toString('latin1')
    for (let length = 0; length < good.length; length += 1) {
      expect(decodeStateLine(good.slice(0, length))).toBeNull()
    }
    for (let at = 0; at < good.trimEnd().indexOf('  '); at += 1) {
      const changed = `${good.slice(0, at)}x${good.slice(at + 1)}`
      expect(decodeStateLine(changed)).toBeNull()
    }
    expect(decodeStateLine('hello\n')).toBeNull()
  })
})

describe('what is said of a node', () => {
  const now = { role: 'active', serving: true, term: 7, nowMs: 1_000, leaseUntilMs: 1_100 } as const

  test('an active says so no longer than its lease', () => {
    expect(stateLineOf(now)).toStrictEqual({
      stamp: 1_000_000,
      word: 'active',
      role: 'active',
      validUntilMs: 1_100,
      term: 7,
    })
  })

  test('no word lives longer than two seconds without being written again', () => {
    expect(stateLineOf({ ...now, leaseUntilMs: 60_000 }).validUntilMs).toBe(3_000)
    expect(stateLineOf({ ...now, role: 'standby', leaseUntilMs: 0 }).validUntilMs).toBe(3_000)
  })

  test('an active that does not serve yet is in transition, and so is every candidate', () => {
    expect(stateWordOf('active', false)).toBe('transition')
    expect(stateWordOf('elect', false)).toBe('transition')
    expect(stateWordOf('take', false)).toBe('transition')
    expect(stateWordOf('demoting', false)).toBe('standby')
    expect(stateWordOf('standby', false)).toBe('standby')
  })

  test('is believed before its moment only, and not when it claims to hold for too long', () => {
    const line: StateLine = { ...LINE, validUntilMs: 20_000 }
    expect(believedWord(line, 1999)).toBe('active')
    expect(believedWord(line, 2000)).toBe('unknown')
    expect(believedWord(line, 1000)).toBe('active')
    expect(believedWord(line, 999)).toBe('unknown')
    expect(believedWord(null, 1999)).toBe('unknown')
  })
})
