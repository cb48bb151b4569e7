/** Goal: what may be lost is said so that nobody takes a bound for a figure, or "unknown" for nothing. */
import { describe, expect, test } from 'vitest'
import { amountOf } from '../../src/control/amount.ts'
import {
  boundCell,
  exactCell,
  lossRecordOf,
  lossSentence,
} from '../../src/control/loss-sentence.ts'
import type { LossSnapshot } from '../../src/control/snapshot.ts'

const LOSS: LossSnapshot = {
  by: 'sp2',
  store: 'redis',
  kind: 'redis',
  term: 8,
  atMs: 5,
  most: 41_230,
  overMs: 819.6,
  confirmedSafe: false,
  settled: false,
  exact: null,
}

test.each([
  ['redis', 0, '0 B'],
  ['redis', 999, '999 B'],
  ['redis', 1_249, '1.2 kB'],
  ['redis', 41_230, '41.2 kB'],
  ['redis', 3_500_000, '3.5 MB'],
  ['mariadb', 1, '1 transaction'],
  ['mariadb', 12_000, '12000 transactions'],
] as const)('%s counts %i as %s', (kind, units, words) => {
  expect(amountOf(kind, units)).toBe(words)
})

describe('a loss', () => {
  test.each<[Partial<LossSnapshot>, string]>([
    [{}, 'at most 41.2 kB of redis of sp1 may be lost, with the writes of its last 820 ms'],
    [{ overMs: null }, 'at most 41.2 kB of redis of sp1 may be lost'],
    [{ most: null }, 'how much redis of sp1 held beyond ours is not known'],
    [
      { most: 0, confirmedSafe: true },
      'nothing confirmed of redis is lost: a write was confirmed only when both nodes had it',
    ],
    [
      { overMs: null, settled: true, exact: 1_200 },
      'at most 41.2 kB of redis of sp1 may be lost; exactly 1.2 kB',
    ],
    [
      { overMs: null, settled: true },
      'at most 41.2 kB of redis of sp1 may be lost; exactly: it could not be told, all it held was set aside',
    ],
    [
      { overMs: null, settled: true, exact: 50_000 },
      'at most 41.2 kB of redis of sp1 may be lost; exactly 50 kB, more than was thought possible: writes came faster than ever before',
    ],
    [
      { kind: 'mariadb', most: 0, confirmedSafe: true, settled: true, exact: 3 },
      'nothing confirmed of redis is lost: a write was confirmed only when both nodes had it; exactly 3 transactions that nobody was told of',
    ],
  ])('%j is said as a sentence', (changes, sentence) => {
    expect(lossSentence({ ...LOSS, ...changes })).toBe(sentence)
  })

  test('has words for a table', () => {
    const cells = (changes: Partial<LossSnapshot>): string[] => {
      const loss = { ...LOSS, ...changes }
      return [boundCell(loss), exactCell(loss)]
    }
    expect(cells({})).toEqual(['41.2 kB', 'not compared yet'])
    expect(cells({ most: null, settled: true })).toEqual(['unknown', 'unknown'])
    expect(cells({ most: 0, confirmedSafe: true, settled: true, exact: 0 })).toEqual([
      ...['none confirmed', '0 B'],
    ])
  })

  test('is recorded with its sentence and whole milliseconds', () => {
    const { atMs: _atMs, ...told } = LOSS
    expect(lossRecordOf(LOSS, '2026-11-21T12:00:00.000Z')).toEqual({
      ...told,
      atIso: '2026-11-21T12:00:00.000Z',
      overMs: 820,
      sentence: lossSentence(LOSS),
    })
  })
})
