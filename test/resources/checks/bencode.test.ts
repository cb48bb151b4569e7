// Goal: what we write is read back to the same, and whatever comes by datagram is a value or nothing, never
// an exception. Method: values made by chance, and their bytes cut, changed and shuffled.
import { describe, expect, it } from 'vitest'
import {
  type Bencode,
  decodeBencode,
  encodeBencode,
} from '../../../src/resources/checks/bencode.ts'

/** Mulberry32: the same seed, the same values. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function randomValue(pick: (below: number) => number, depth = 0): Bencode {
  const shape = pick(depth < 5 ? 4 : 2)
  if (shape === 0) return pick(2) === 0 ? pick(1_000) : pick(2 ** 31) * (pick(2) === 0 ? -1 : 1)
  if (shape === 1) return randomText(pick)
  const items = Array.from({ length: pick(5) }, () => randomValue(pick, depth + 1))
  return shape === 2
    ? items
    : new Map(items.map((item, index) => [`${randomText(pick)}${index}`, item]))
}

function randomText(pick: (below: number) => number): string {
  return Array.from({ length: pick(12) }, () => 'abi:e0d\0é€😀\r\n'.split(/(?:)/u)[pick(13)]).join(
    '',
  )
}

const decode = (text: string) => decodeBencode(Buffer.from(text))

describe('bencode', () => {
  it('is what rtpengine writes', () => {
    expect(encodeBencode(new Map([['command', 'ping']])).toString()).toBe('d7:command4:pinge')
    expect(encodeBencode(new Map([['flags', ['a', 'bé']]])).toString()).toBe('d5:flagsl1:a3:béee')
    expect(encodeBencode(new Map([['delay', -0]])).toString()).toBe('d5:delayi0ee')
    expect(decode('d6:result4:ponge')).toEqual(new Map([['result', 'pong']]))
    expect(decode('d1:bi-7e1:ali0e0:ee')).toEqual(
      new Map<string, Bencode>([
        ['b', -7],
        ['a', [0, '']],
      ]),
    )
  })

  it.each([
    '',
    'i',
    'ie',
    'i-e',
    'i-0e',
    'i01e',
    'i1',
    'i99999999999999999e',
    '3:ab',
    '-1:a',
    '01:a',
    ':a',
    '4294967296:a',
    'l',
    'li1e',
    'd',
    'd1:a',
    'd1:ae',
    'di1e1:ae',
    'd1:a1:b1:a1:ce',
    'i1ei2e',
    'd1:a1:bex',
    'x',
    'e',
    '1e3:abc',
    ' 4:ping',
    '99999999999999999999999999:',
  ])('is not %j', (text) => {
    expect(decode(text)).toBeNull()
  })

  it('does not follow nesting without end', () => {
    expect(decode(`${'l'.repeat(30)}${'e'.repeat(30)}`)).not.toBeNull()
    expect(decode(`${'l'.repeat(40)}${'e'.repeat(40)}`)).toBeNull()
    expect(decode('l'.repeat(1_000_000))).toBeNull()
    expect(decode('d1:a'.repeat(200_000))).toBeNull()
  })

  it('reads back what it wrote, and gives a value or nothing for everything else', () => {
    const pick = randomFrom(20_261_123)
    let nothing = 0
    for (let round = 0; round < 3_000; round += 1) {
      const value = randomValue(pick)
      const bytes = encodeBencode(value)
      expect(decodeBencode(bytes)).toEqual(value)
      // Each value ends where it ends: a part of it is none.
      expect(decodeBencode(bytes.subarray(0, pick(bytes.length)))).toBeNull()
      const spoilt = Buffer.from(bytes)
      for (let count = 1 + pick(3); count > 0; count -= 1) spoilt[pick(spoilt.length)] = pick(256)
      const read = decodeBencode(spoilt)
      if (read === null) nothing += 1
      else expect(decodeBencode(encodeBencode(read))).toEqual(read)
    }
    expect(nothing).toBeGreaterThan(500)
    for (let round = 0; round < 3_000; round += 1) {
      decodeBencode(Buffer.from(Array.from({ length: pick(40) }, () => pick(256))))
    }
  })

  it('refuses a number that would not come back the same', () => {
    expect(() => encodeBencode(1.5)).toThrow(RangeError)
    expect(() => encodeBencode([2 ** 53])).toThrow(RangeError)
  })
})
