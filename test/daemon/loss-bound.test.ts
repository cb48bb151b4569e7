/**
 * Goal: what may be lost is never told too small as long as nobody writes faster than promised, and
 * "unknown" is said where nothing can be known. Method: the cases by hand, and thousands of drawn ones
 * in which a writer, a wire and a death are played through.
 */
import { describe, expect, it } from 'vitest'
import { anchorOf, type BoundFacts, boundOf, exactOf } from '../../src/daemon/loss-bound.ts'

const facts: BoundFacts = {
  word: {
    role: 'writable',
    confirmsTogether: false,
    handedOver: false,
    position: { history: 'a', offset: 10_000 },
    rate: 1_000,
  },
  unplanned: true,
  lookedMs: 500,
  servedMs: null,
  ours: { history: 'a', offset: 9_700 },
  takenMs: 1_300,
  ownRate: null,
  inSync: null,
  holdsMs: 2_000,
}

describe('the bound of a loss', () => {
  it('is what is missing for sure and twice the highest rate since the word', () => {
    expect(boundOf(facts)).toEqual({ most: 300 + 1_600, overMs: 800, confirmedSafe: false })
  })

  it('takes the higher rate, that which the peer told or that which we saw ourselves', () => {
    expect(boundOf({ ...facts, ownRate: 2_000 }).most).toBe(300 + 3_200)
    expect(boundOf({ ...facts, word: { ...facts.word, rate: null }, ownRate: 10 }).most).toBe(316)
  })

  it('counts nothing as missing when we have more than was told', () => {
    expect(boundOf({ ...facts, ours: { history: 'a', offset: 10_500 } }).most).toBe(1_600)
  })

  it('is exactly what is missing when the peer took no writes any more', () => {
    const word = { ...facts.word, role: 'read-only' as const }
    expect(boundOf({ ...facts, word })).toEqual({ most: 300, overMs: 0, confirmedSafe: false })
  })

  it('is exactly what is missing when the peer handed over, but not when it fell silent instead', () => {
    const word = { ...facts.word, handedOver: true }
    expect(boundOf({ ...facts, word, unplanned: false }).most).toBe(300)
    // It may have taken the freeze back.
    expect(boundOf({ ...facts, word })).toEqual(boundOf(facts))
  })

  it('is unknown when a peer that stood by was not heard for long: it may have served since', () => {
    const word = { ...facts.word, role: 'read-only' as const }
    expect(boundOf({ ...facts, word, takenMs: 10_500 }).most).toBe(300)
    expect(boundOf({ ...facts, word, takenMs: 10_501 })).toEqual({
      ...{ most: null, overMs: null, confirmedSafe: false },
    })
    expect(boundOf({ ...facts, word, takenMs: 99_999, servedMs: 99_000 }).most).toBe(300)
  })

  it.each<[string, Partial<BoundFacts>]>([
    ['our own position is not known', { ours: null }],
    ['the peer counts in another history', { ours: { history: 'b', offset: 9_700 } }],
    ['no rate was ever seen', { word: { ...facts.word, rate: null } }],
    ['the peer never told a position', { word: { ...facts.word, position: null } }],
  ])('is unknown when %s', (_why, changes) => {
    expect(boundOf({ ...facts, ...changes })).toEqual({
      ...{ most: null, overMs: 800, confirmedSafe: false },
    })
  })

  it('is nothing confirmed where the pair keeps book and we had everything', () => {
    const word = { ...facts.word, confirmsTogether: true }
    expect(boundOf({ ...facts, word, inSync: true })).toEqual({
      ...{ most: 0, overMs: 800, confirmedSafe: true },
    })
    // The book says otherwise: the server may have been let go on alone since the word.
    expect(boundOf({ ...facts, word, inSync: false }).most).toBe(1_900)
  })

  it('is nothing confirmed without a book, only while the server still held writes back', () => {
    const word = { ...facts.word, confirmsTogether: true }
    expect(boundOf({ ...facts, word }).confirmedSafe).toBe(true)
    expect(boundOf({ ...facts, word, holdsMs: 800 }).confirmedSafe).toBe(false)
    expect(boundOf(facts).confirmedSafe).toBe(false)
  })

  it('is never below the exact figure, while nobody writes more than twice as fast as was seen', () => {
    let seed = 7
    const draw = (max: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
      return seed % max
    }
    for (let round = 0; round < 5_000; round += 1) {
      const peak = draw(50_000)
      const lookedMs = 1_000 + draw(1_000)
      const told = 100_000 + draw(100_000)
      const diedMs = lookedMs + draw(2_000)
      const end =
        told + Math.floor((2 * peak * (draw(1_001) / 1_000) * (diedMs - lookedMs)) / 1_000)
      const ours = Math.max(0, end - draw(60_000))
      const { most } = boundOf({
        ...facts,
        word: { ...facts.word, position: { history: 'a', offset: told }, rate: peak },
        // Told to have been looked at a little earlier than it was: never later.
        lookedMs: lookedMs - draw(30),
        ours: { history: 'a', offset: ours },
        takenMs: diedMs + draw(800),
      })
      expect(most).toBeGreaterThanOrEqual(end - ours)
    }
  })
})

describe('the exact figure', () => {
  const word = { position: { history: 'a', offset: 10_000 }, logBytes: 4_000, rate: 100 }
  const ours = { history: 'a', offset: 9_700 }
  const loss = { term: 8, most: 1_900, ...anchorOf(word, ours) }

  it('is what the servers tell', () => {
    expect(exactOf(loss, { ours: 42, logBytes: 99_999 })).toEqual({ term: 8, exact: 42 })
  })

  it('is read off the log of a server that lost count in a crash', () => {
    // 500 bytes more than at the word, which was 300 ahead of us.
    expect(exactOf(loss, { ours: null, logBytes: 4_500 })).toEqual({ term: 8, exact: 800 })
  })

  it('is less than was told where the crash took the end of the log', () => {
    expect(exactOf(loss, { ours: null, logBytes: 3_800 })).toEqual({ term: 8, exact: 100 })
    expect(exactOf(loss, { ours: null, logBytes: 3_700 })).toEqual({ term: 8, exact: 0 })
  })

  it.each<[string, Parameters<typeof exactOf>]>([
    ['the log was begun anew', [loss, { ours: null, logBytes: 3_699 }]],
    ['the log is another one, longer than can be', [loss, { ours: null, logBytes: 9_999 }]],
    ['there is no log', [loss, { ours: null, logBytes: null }]],
    [
      'the takeover knew of no log',
      [
        { ...loss, anchor: null },
        { ours: null, logBytes: 4_500 },
      ],
    ],
  ])('is unknown when %s', (_why, [against, found]) => {
    expect(exactOf(against, found)).toEqual({ term: 8, exact: null })
  })

  it('is never negative: the log lacks what the server counts of its own pings', () => {
    const ahead = anchorOf(word, { history: 'a', offset: 10_014 })
    expect(exactOf({ ...loss, ...ahead }, { ours: null, logBytes: 4_000 }).exact).toBe(0)
  })

  it('has no anchor across histories', () => {
    expect(anchorOf(word, { history: 'b', offset: 9_700 })).toEqual({ anchor: null, from: null })
  })
})
