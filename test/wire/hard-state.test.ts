// How the hard state is written: bytes, slots in turn, and which of them is believed.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  decodeFile,
  encodeSlot,
  FILE_SIZE,
  isBlank,
  SLOT_STRIDE,
  slotOffset,
} from '../../src/wire/hard-state.ts'

const slot = (counter: number, term: number, sole = false) => ({ counter, hard: { term, sole } })

function fileOf(...slots: ReturnType<typeof slot>[]): Buffer {
  const file = Buffer.alloc(FILE_SIZE)
  for (const one of slots) encodeSlot(one).copy(file, slotOffset(one.counter))
  return file
}

describe('a slot', () => {
  test('is 64 bytes: name, version, flags, counter, term, checksum', () => {
    const bytes = encodeSlot(slot(258, 0x1_0000_0007, true))
    const head = `${Buffer.from('TANDEMHS').toString('hex')}01000000010000000201000000000000`
    expect(bytes.length).toBe(64)
    expect(bytes.toString('hex', 0, 32)).toBe(`${head}0700000001000000`)
    const sum = createHash('sha256').update(bytes.subarray(0, 32)).digest('hex')
    expect(bytes.toString('hex', 32)).toBe(sum)
  })

  test('is written in turn with the other, a disk block apart', () => {
    expect([1, 2, 3, 4].map(slotOffset)).toEqual([SLOT_STRIDE, 0, SLOT_STRIDE, 0])
    expect(FILE_SIZE).toBe(2 * SLOT_STRIDE)
  })
})

describe('a file', () => {
  test('says what its newer slot says, wherever that lies', () => {
    expect(decodeFile(fileOf(slot(1, 3)))).toEqual(slot(1, 3))
    expect(decodeFile(fileOf(slot(1, 3), slot(2, 5, true)))).toEqual(slot(2, 5, true))
    expect(decodeFile(fileOf(slot(3, 7), slot(2, 5, true)))).toEqual(slot(3, 7))
  })

  test('with the newer slot torn at any byte says what the older says', () => {
    for (let kept = 0; kept < 64; kept += 1) {
      const file = fileOf(slot(3, 7), slot(4, 9, true))
      file.fill(0xee, slotOffset(4) + kept, slotOffset(4) + 64)
      expect(decodeFile(file)).toEqual(slot(3, 7))
    }
  })

  test('with one flipped bit anywhere in its only slot says nothing', () => {
    for (let bit = 0; bit < 512; bit += 1) {
      const file = fileOf(slot(2, 9))
      file[bit >> 3] = (file[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(decodeFile(file)).toBeNull()
    }
  })

  test('of another version, or cut short, says nothing', () => {
    const later = encodeSlot(slot(2, 9))
    later.writeUInt32LE(2, 8)
    createHash('sha256').update(later.subarray(0, 32)).digest().copy(later, 32)
    expect(decodeFile(Buffer.concat([later, Buffer.alloc(FILE_SIZE - 64)]))).toBeNull()
    expect(decodeFile(Buffer.alloc(0))).toBeNull()
    expect(decodeFile(fileOf(slot(2, 9)).subarray(0, 63))).toBeNull()
    expect(decodeFile(fileOf(slot(2, 9), slot(3, 11)).subarray(0, SLOT_STRIDE + 63))).toEqual(
      slot(2, 9),
    )
  })

  test('with a number that cannot be counted on says nothing', () => {
    const file = fileOf(slot(2, 9))
    file.writeBigUInt64LE(2n ** 53n, 24)
    createHash('sha256').update(file.subarray(0, 32)).digest().copy(file, 32)
    expect(decodeFile(file)).toBeNull()
  })

  test('of zeroes, or of nothing, is blank; one other byte and it is not', () => {
    const file = Buffer.alloc(FILE_SIZE)
    expect([isBlank(file), isBlank(Buffer.alloc(0))]).toEqual([true, true])
    file[FILE_SIZE - 1] = 1
    expect(isBlank(file)).toBe(false)
    expect(decodeFile(Buffer.alloc(FILE_SIZE))).toBeNull()
  })
})
