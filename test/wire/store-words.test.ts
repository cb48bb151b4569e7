/**
 * Goal: what a node tells of its stores arrives as it was said, fits its place, and garbage harms nobody.
 * Method: encode, look at the bytes, decode; random bytes and cut ones.
 */
import { describe, expect, it } from 'vitest'
import {
  decodeStoreWords,
  encodeStoreWords,
  historyToken,
  STORE_WORDS_MAX_BYTES,
  type StoreWord,
  type StoreWords,
  sameStoreWords,
  stampStoreWords,
} from '../../src/wire/store-words.ts'

const HISTORY = '0123456789abcdef0123456789abcdef01234567'

const full: StoreWord = {
  name: 'redis-calls',
  role: 'writable',
  following: true,
  confirmsTogether: true,
  handedOver: true,
  applied: true,
  position: { history: historyToken(HISTORY), offset: 2 ** 52 + 1 },
  lookedAgoMs: 17,
  rate: 31_000,
  logBytes: 2 ** 40,
  loss: { term: 8, most: 41_000, anchor: -1_099_511_627_776, from: 2 ** 40 },
  compared: { term: 6, exact: 1_200 },
}
const bare: StoreWord = {
  name: 'mariadb',
  role: null,
  following: false,
  confirmsTogether: false,
  handedOver: false,
  applied: false,
  position: null,
  lookedAgoMs: 0,
  rate: null,
  logBytes: null,
  loss: null,
  compared: null,
}
const unknown: StoreWord = {
  ...bare,
  role: 'read-only',
  loss: { term: 8, most: null, anchor: null, from: null },
  compared: { term: 8, exact: null },
}

const wordsOf = (...stores: StoreWord[]): StoreWords => ({
  number: 513,
  stores,
  configured: stores.length,
  promotedMs: 12,
})

describe('words about stores as bytes', () => {
  it.each([
    ['full', full],
    ['bare', bare],
    ['unknown', unknown],
  ])('come back as they were said: %s', (_name, store) => {
    const words = wordsOf(store)
    expect(decodeStoreWords(encodeStoreWords(words))).toEqual({ ageMs: 0, words })
  })

  it('say so when the stores were never told to take writes', () => {
    const words = { ...wordsOf(bare), promotedMs: null }
    expect(decodeStoreWords(encodeStoreWords(words))?.words).toEqual(words)
  })

  it('begin as the table in the file header says', () => {
    expect(encodeStoreWords(wordsOf(bare)).toString('hex')).toBe(
      [
        '01',
        '0014',
        '0000',
        '01',
        '01',
        '000c',
        '0201',
        '0000',
        '07',
        '6d617269616462',
        '0000',
      ].join(''),
    )
  })

  it('leave out the last stores when not all fit, and tell how many there are', () => {
    const many = Array.from({ length: 20 }, (_, index) => ({ ...full, name: `store-${index}` }))
    const section = encodeStoreWords(wordsOf(...many))
    expect(section.length).toBeLessThanOrEqual(STORE_WORDS_MAX_BYTES)
    const read = decodeStoreWords(section)
    expect(read?.words.configured).toBe(20)
    expect(read?.words.stores).toEqual(many.slice(0, read?.words.stores.length))
  })

  it('have room for seven stores with names of twelve letters', () => {
    const usual = { ...full, loss: null, compared: null }
    const stores = Array.from({ length: 7 }, (_, index) => ({
      ...usual,
      name: `redis-call-${index}`,
    }))
    expect(decodeStoreWords(encodeStoreWords(wordsOf(...stores)))?.words.stores).toEqual(stores)
  })

  it('carry their age, which alone does not make them different', () => {
    const one = encodeStoreWords(wordsOf(full))
    const other = Buffer.from(one)
    stampStoreWords(other, 250.2)
    expect([decodeStoreWords(other)?.ageMs, sameStoreWords(one, other)]).toEqual([251, true])
    stampStoreWords(other, 1e9)
    expect(decodeStoreWords(other)?.ageMs).toBe(65_535)
    expect(sameStoreWords(one, encodeStoreWords({ ...wordsOf(full), number: 514 }))).toBe(false)
    expect(sameStoreWords(one, encodeStoreWords(wordsOf(full, bare)))).toBe(false)
  })

  it('are found behind sections with tags that nobody knows yet', () => {
    const foreign = Buffer.from([9, 0, 2, 0xaa, 0xbb])
    const section = encodeStoreWords(wordsOf(full))
    expect(decodeStoreWords(Buffer.concat([foreign, section]))?.words).toEqual(wordsOf(full))
    expect(decodeStoreWords(foreign)).toBe(null)
    expect(decodeStoreWords(Buffer.alloc(0))).toBe(null)
  })

  it('are nothing when they are cut off or changed, wherever that is', () => {
    const section = encodeStoreWords(wordsOf(full, bare))
    for (let length = 0; length < section.length; length += 1) {
      expect(decodeStoreWords(section.subarray(0, length))).toBe(null)
    }
    for (let at = 0; at < section.length; at += 1) {
      const changed = Buffer.from(section)
      changed[at] = changed.readUInt8(at) ^ 0xff
      expect(() => decodeStoreWords(changed)).not.toThrow()
    }
  })
})
