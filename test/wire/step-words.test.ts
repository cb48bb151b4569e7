/** Goal: what a new active tells of its steps arrives, in the room that is left, and nothing breaks the reader. */
import { describe, expect, it } from 'vitest'
import { decodeStepWords, encodeStepWords, stepWordsIn } from '../../src/wire/step-words.ts'
import { encodeStoreWords, storeWordsIn } from '../../src/wire/store-words.ts'
import type { StepWords } from '../../src/wire/told-step.ts'

const WORDS: StepWords = {
  term: 4_711,
  complete: true,
  steps: [
    { kind: 'gate-open', afterMs: 1, subject: '' },
    { kind: 'store-writable', afterMs: 33, subject: 'redis' },
    { kind: 'service-told', afterMs: 65_535, subject: 'rtpengine' },
    { kind: 'all-serving', afterMs: 70, subject: '' },
  ],
}

function sent(words: StepWords, maxBytes = 404): StepWords | null {
  const section = encodeStepWords(words, maxBytes)
  return section === null ? null : decodeStepWords(section)
}

describe('words of steps', () => {
  it('come back as they were', () => {
    expect(sent(WORDS)).toEqual(WORDS)
    expect(sent({ term: 0, complete: false, steps: [] })).toEqual({
      ...{ term: 0, complete: false, steps: [] },
    })
  })

  it('are found behind those of the stores, and those before them', () => {
    const stores = encodeStoreWords({ number: 1, stores: [], configured: 1, promotedMs: 12 })
    const steps = encodeStepWords(WORDS, 200) ?? Buffer.alloc(0)
    const appended = Buffer.concat([stores, steps])
    expect(stepWordsIn(appended)).toEqual(steps)
    expect(storeWordsIn(appended)).toEqual(stores)
    expect(stepWordsIn(stores)).toBe(null)
  })

  it('leave out the last ones where the room is short, and everything where there is none', () => {
    const whole = encodeStepWords(WORDS, 404) ?? Buffer.alloc(0)
    for (let room = whole.length - 1; room >= 10; room -= 1) {
      const section = encodeStepWords(WORDS, room)
      expect(section?.length ?? 0).toBeLessThanOrEqual(room)
      const read = decodeStepWords(section ?? Buffer.alloc(0))
      expect(read?.steps).toEqual(WORDS.steps.slice(0, read?.steps.length))
    }
    expect(encodeStepWords(WORDS, 9)).toBe(null)
  })

  it('pass over kinds of later releases, and are nothing when cut short', () => {
    const section = encodeStepWords(WORDS, 404) ?? Buffer.alloc(0)
    const later = Buffer.from(section)
    later[10] = 200
    expect(decodeStepWords(later)?.steps).toEqual(WORDS.steps.slice(1))
    for (let length = 0; length < section.length; length += 1) {
      const cut = decodeStepWords(section.subarray(0, length))
      expect(cut === null || cut.steps.length < WORDS.steps.length).toBe(true)
    }
  })
})
