/** Goal: what is said about services that start before a move arrives, and silence or rubbish says nothing. */
import { describe, expect, it } from 'vitest'
import {
  EARLY_WORD_BYTES,
  type EarlyWord,
  earlyWordIn,
  encodeEarlyWord,
  NO_EARLY_WORD,
} from '../../src/wire/early-word.ts'
import { APPENDED_MAX_BYTES } from '../../src/wire/heartbeat.ts'
import { encodeStepWords } from '../../src/wire/step-words.ts'
import { STORE_WORDS_MAX_BYTES } from '../../src/wire/store-words.ts'

const ALL: readonly EarlyWord[] = [true, false].flatMap((wanted) =>
  [null, true, false].map((up) => ({ wanted, up })),
)

describe('a word about services that start before a move', () => {
  it('comes back as it was, and takes no room when there is nothing to say', () => {
    for (const word of ALL) {
      const bytes = encodeEarlyWord(word)
      expect(earlyWordIn(bytes ?? Buffer.alloc(0))).toEqual(word)
      expect(bytes === null).toBe(!word.wanted && word.up === null)
      expect(bytes?.length ?? EARLY_WORD_BYTES).toBe(EARLY_WORD_BYTES)
    }
  })

  it('is found among others, which leave room for it', () => {
    const steps = encodeStepWords({ term: 1, complete: false, steps: [] }, 100) ?? Buffer.alloc(0)
    const word = encodeEarlyWord({ wanted: true, up: false }) ?? Buffer.alloc(0)
    expect(earlyWordIn(Buffer.concat([steps, word]))).toEqual({ wanted: true, up: false })
    expect(earlyWordIn(steps)).toEqual(NO_EARLY_WORD)
    expect(STORE_WORDS_MAX_BYTES + word.length).toBeLessThanOrEqual(APPENDED_MAX_BYTES)
  })

  it('says nothing when it is cut short, and bits of later releases are passed over', () => {
    const word = encodeEarlyWord({ wanted: true, up: true }) ?? Buffer.alloc(0)
    for (let length = 0; length < word.length; length += 1) {
      expect(earlyWordIn(word.subarray(0, length))).toEqual(NO_EARLY_WORD)
    }
    expect(earlyWordIn(Buffer.from([3, 0, 0]))).toEqual(NO_EARLY_WORD)
    expect(earlyWordIn(Buffer.from([3, 0, 2, 0xf9, 1]))).toEqual({ wanted: true, up: null })
  })
})
