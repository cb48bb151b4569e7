// A word of the pair is read back as written, and whatever is none is refused.
import { expect, test } from 'vitest'
import { decodeDrainWord, encodeDrainWord, isDrainWord } from '../../src/wire/drain-word.ts'
import { makeKey } from '../../src/wire/key.ts'

const KEY = makeKey(3, Buffer.alloc(32, 7))
const OTHER = makeKey(3, Buffer.alloc(32, 8))
const WORD = { count: 0x0102_0304_0506, drained: true }
const BYTES = encodeDrainWord('sp2', WORD, KEY)

test('is read back', () => {
  expect(isDrainWord(BYTES)).toBe(true)
  expect(decodeDrainWord(BYTES, [makeKey(1, Buffer.alloc(32, 1)), KEY])).toEqual({
    node: 'sp2',
    word: WORD,
  })
  const off = encodeDrainWord('sp1', { count: 1, drained: false }, KEY)
  expect(decodeDrainWord(off, [KEY])).toEqual({ node: 'sp1', word: { count: 1, drained: false } })
})

test('has this layout', () => {
  expect(BYTES.subarray(0, 16).toString('hex')).toBe(
    '544e445701030030020101020304050600'.slice(0, 32),
  )
  expect(BYTES.length).toBe(48)
})

test('is none with any bit changed, cut, longer, or by another key', () => {
  for (let bit = 0; bit < BYTES.length * 8; bit += 1) {
    const bent = Buffer.from(BYTES)
    bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(decodeDrainWord(bent, [KEY])).toBeNull()
  }
  for (let length = 0; length < BYTES.length; length += 1) {
    expect(decodeDrainWord(BYTES.subarray(0, length), [KEY])).toBeNull()
  }
  expect(decodeDrainWord(Buffer.concat([BYTES, Buffer.alloc(1)]), [KEY])).toBeNull()
  expect([decodeDrainWord(BYTES, [OTHER]), decodeDrainWord(BYTES, [])]).toEqual([null, null])
})

test('is none with a count that nobody gives', () => {
  for (const count of [0, 0xffff_ffff_ffff]) {
    const bytes = encodeDrainWord('sp1', { count, drained: true }, KEY)
    expect(decodeDrainWord(bytes, [KEY])).toBeNull()
  }
})
