// Which word of an operator counts, what load-balancers are to have, and when they are told.
import { describe, expect, test } from 'vitest'
import {
  type DrainWord,
  mustTell,
  NO_WORD,
  newerWord,
  nextWord,
  type SeenState,
  type Standing,
  type Wish,
  wishOf,
} from '../../src/core/drain.ts'

const ON: DrainWord = { count: 4, drained: true }
const OFF: DrainWord = { count: 4, drained: false }

describe('of two words', () => {
  test('the later one counts, whoever has it', () => {
    const later = nextWord(ON, false)
    expect(later).toEqual({ count: 5, drained: false })
    expect([newerWord(ON, later), newerWord(later, ON)]).toEqual([later, later])
    expect(newerWord(NO_WORD, ON)).toBe(ON)
  })

  test('given at once the one to drain counts, on both nodes', () => {
    expect([newerWord(ON, OFF), newerWord(OFF, ON)]).toEqual([ON, ON])
  })
})

describe('load-balancers are to have', () => {
  const standing: Standing = { serving: true, unfit: false, released: false, word: OFF }
  test.each<[string, Partial<Standing>, Wish | null]>([
    ['the pair active while this node serves', {}, { state: 'active', why: 'serves' }],
    ['it drained as an operator says', { word: ON }, { state: 'drained', why: 'operator' }],
    ['it drained while it serves badly', { unfit: true }, { state: 'drained', why: 'unfit' }],
    ['nothing of ours while we do not serve', { serving: false }, null],
    [
      'nothing of ours then, even drained or unfit',
      { serving: false, unfit: true, word: ON },
      null,
    ],
    [
      'it drained when we gave up and nobody came',
      { serving: false, released: true },
      { state: 'drained', why: 'released' },
    ],
  ])('%s', (_what, change, wish) => {
    expect(wishOf({ ...standing, ...change })).toEqual(wish)
  })
})

describe('one is told', () => {
  const SERVES: Wish = { state: 'active', why: 'serves' }
  const OPERATOR: Wish = { state: 'drained', why: 'operator' }
  const RELEASED: Wish = { state: 'drained', why: 'released' }
  test.each<[Wish, SeenState, boolean, boolean]>([
    [SERVES, 'active', true, false],
    [SERVES, 'drained', true, true],
    [SERVES, 'drained', false, true],
    // Its own probes are overruled once, by who has just begun to serve.
    [SERVES, 'down', true, true],
    [SERVES, 'down', false, false],
    [OPERATOR, 'active', false, true],
    [OPERATOR, 'down', false, true],
    [OPERATOR, 'drained', true, false],
    // Who does not serve says its word once.
    [RELEASED, 'active', true, true],
    [RELEASED, 'active', false, false],
  ])('%o, seen %s, first time %s: %s', (wish, seen, first, told) => {
    expect(mustTell(wish, seen, first)).toBe(told)
  })
})
