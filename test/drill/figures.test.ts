/** Goal: what was not measured is said and is no figure, and each figure stands beside its bound. */
import { describe, expect, it } from 'vitest'
import { figuresIn, type Measured } from '../../src/drill/figures.ts'
import type { Series } from '../../src/drill/instruments.ts'
import { isKept } from '../../src/drill/report.ts'
import type { Answer } from '../../src/drill/samples.ts'
import { figure } from '../fixtures/drill-report.ts'

const each = (fromMs: number, toMs: number, by: 'sp1' | 'sp2'): Answer[] =>
  Array.from({ length: (toMs - fromMs) / 5 + 1 }, (_, at) => ({
    ...{ sentMs: fromMs + 5 * at - 1, atMs: fromMs + 5 * at, by },
  }))
const MOVED = [...each(0, 1_000, 'sp1'), ...each(1_040, 4_000, 'sp2')]
const series = (changes: Partial<Series>): Series => ({
  ...{ kind: 'address', name: '10.0.0.50', answers: MOVED, bridgeMs: 20, blind: null },
  ...{ lost: null, confirmed: null, trouble: null },
  ...changes,
})
const measured = (changes: Partial<Measured>): Measured => ({
  leg: { from: 'sp1', to: 'sp2' },
  window: { fromMs: 990, toMs: 4_000 },
  series: [],
  bounds: { outageMs: 100, lost: new Map([['redis', 0]]) },
  lostBefore: new Map([['redis', 1]]),
  confirmedBefore: new Map([['redis', 100]]),
  call: 'none',
  ...changes,
})

describe('figures of a phase', () => {
  it('has the silence of an address and who answered', () => {
    expect(figuresIn(measured({ series: [series({})] }))).toEqual([
      figure({ value: 40, bound: 100, note: 'answered by sp1, then sp2' }),
    ])
  })

  it('does not judge what cannot be seen from here', () => {
    const [blind] = figuresIn(measured({ series: [series({ blind: 'sp2' })] }))
    expect([blind?.value, blind?.bound]).toEqual([null, null])
    expect(blind?.note).toContain('run it on the other node')
  })

  it('counts only what a phase lost itself', () => {
    const store = series({ kind: 'store', name: 'redis', lost: 3, confirmed: 700 })
    const [stall, lost] = figuresIn(measured({ series: [store] }))
    expect([stall?.key, stall?.value, stall?.bound]).toEqual(['stall redis sp1>sp2', 40, null])
    expect([lost?.key, lost?.value, lost?.bound]).toEqual(['lost redis sp1>sp2', 2, 0])
    expect(lost?.note).toBe('of 600 confirmed')
  })

  it('tells the longest gap of either direction of a call, and whether it lived on', () => {
    const count = { sent: 100, received: 99, lost: 1, bytes: 1, firstMs: 3 }
    const audio = {
      ...{ ok: true, why: 'audio in both directions' },
      ...{ caller: { ...count, gapMs: 61 }, callee: { ...count, gapMs: 84.26 } },
    }
    const call = { outcome: 'ok' as const, why: 'answered', steps: [], audio }
    const [gap, died] = figuresIn(measured({ call }))
    expect([gap?.value, died?.value, died?.bound]).toEqual([84.3, 0, 0])
    const ended = { ...call, outcome: 'no-answer' as const, why: 'BYE was not answered in time' }
    expect(figuresIn(measured({ call: ended }))[1]).toMatchObject({ value: 1 })
    const [none] = figuresIn(measured({ call: 'refused: 404' }))
    expect([none?.value, none?.note]).toEqual([null, 'no call stood: refused: 404'])
  })
})

it('holds a figure to its bound, less what the command itself was late', () => {
  expect(isKept(figure({ value: 110, bound: 100 }), 12)).toBe(true)
  expect(isKept(figure({ value: 113, bound: 100 }), 12)).toBe(false)
  expect(isKept(figure({ value: 1, unit: 'writes', bound: 0 }), 12)).toBe(false)
  expect(isKept(figure({ value: 9_999, bound: null }), 0)).toBe(true)
})
