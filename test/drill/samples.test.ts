/** Goal: silences and who answered are read off the answers as they came, and nothing is counted that proves nothing. */
import { describe, expect, it } from 'vitest'
import {
  type Answer,
  countable,
  firstOf,
  longestSilence,
  spansOf,
} from '../../src/drill/samples.ts'

const answer = (atMs: number, by: 'sp1' | 'sp2' = 'sp1'): Answer => ({ sentMs: atMs - 1, atMs, by })
const each = (fromMs: number, toMs: number, by: 'sp1' | 'sp2' = 'sp1'): Answer[] =>
  Array.from({ length: (toMs - fromMs) / 5 + 1 }, (_, at) => answer(fromMs + 5 * at, by))

describe('the longest silence', () => {
  it('reaches from answer to answer, also from one before the window', () => {
    const answers = [...each(0, 100), ...each(160, 300, 'sp2')]
    expect(longestSilence(answers, { fromMs: 110, toMs: 250 })).toBe(60)
    expect(longestSilence(answers, { fromMs: 180, toMs: 250 })).toBe(5)
  })

  it('lasts to the end of the window where nothing answers any more', () => {
    expect(longestSilence(each(0, 100), { fromMs: 90, toMs: 400 })).toBe(300)
  })

  it('is cut at the window, and reads answers in any order', () => {
    const answers = [...each(500, 600), ...each(0, 100)]
    expect(longestSilence(answers, { fromMs: 50, toMs: 300 })).toBe(200)
  })

  it('is not known where nothing answered until then', () => {
    expect(longestSilence([], { fromMs: 0, toMs: 10 })).toBeNull()
    expect(longestSilence(each(50, 60), { fromMs: 0, toMs: 10 })).toBeNull()
  })
})

it('puts answers of one node together, and breaks where it paused or the other answered', () => {
  const answers = [...each(0, 50), ...each(100, 120), ...each(125, 140, 'sp2')]
  expect(spansOf(answers, 20)).toEqual([
    { by: 'sp1', fromMs: 0, toMs: 50 },
    { by: 'sp1', fromMs: 100, toMs: 120 },
    { by: 'sp2', fromMs: 125, toMs: 140 },
  ])
  expect(firstOf(answers, 'sp2', 0)?.atMs).toBe(125)
  expect(firstOf(answers, 'sp2', 150)).toBeNull()
})

it('counts what this node answered itself only while its address was reached over the network', () => {
  // sp2 asks: its own server answers from 100 on, its address was reached from 130 on.
  const own = [...each(0, 90), ...each(100, 200, 'sp2')]
  const proven = [...each(0, 80), ...each(130, 200, 'sp2')]
  const counted = countable(own, 'sp2', proven, 20)
  expect(longestSilence(counted, { fromMs: 0, toMs: 200 })).toBe(40)
  expect(countable(own, 'sp2', [], 20)).toEqual(each(0, 90))
})
