/** Goal: a figure is called worse when it is worse, and not for what both measurements explain by themselves. */
import { expect, it } from 'vitest'
import { compareWith } from '../../src/drill/compare.ts'
import type { DrillReport, Figure } from '../../src/drill/report.ts'
import { figure, reportWith } from '../fixtures/drill-report.ts'

const NOW = '20261207T120000Z-switchover'
const with1 = (id: string, one: Figure, changes: Partial<DrillReport> = {}): DrillReport =>
  reportWith({ id, phases: [{ name: 'sp1>sp2', fromMs: 0, toMs: 1, figures: [one] }], ...changes })
const verdict = (before: number, now: number, unit: Figure['unit'] = 'ms', noiseMs = 2): string => {
  const report = with1(NOW, figure({ value: now, unit }), { noiseMs })
  const [compared] = compareWith(report, [with1('earlier', figure({ value: before, unit }))])
  return `${compared?.delta} ${compared?.verdict}`
}

it('calls small differences the same, larger ones better or worse', () => {
  expect(verdict(10, 24)).toBe('14 same')
  expect(verdict(10, 26)).toBe('16 worse')
  expect(verdict(26, 10)).toBe('-16 better')
  // A fifth of what takes long anyway.
  expect(verdict(300, 370)).toBe('70 same')
  expect(verdict(300, 400)).toBe('100 worse')
})

it('holds its own lateness against nobody', () => {
  expect(verdict(10, 60, 'ms', 60)).toBe('50 same')
})

it('calls one lost write more worse', () => {
  expect(verdict(0, 1, 'writes')).toBe('1 worse')
})

it('takes the newest of the same kind that has the figure', () => {
  const report = with1(NOW, figure({ value: 50 }))
  const earlier = [
    with1('other-kind', figure({ value: 1 }), { kind: 'agent-kill' }),
    with1('other-way', figure({ key: 'outage 10.0.0.50 sp2>sp1', value: 2 })),
    with1('not-measured', figure({ value: null })),
    with1('this', figure({ value: 10 })),
    with1('older', figure({ value: 100 })),
  ]
  expect(compareWith(report, [report, ...earlier])).toEqual([
    { key: 'outage 10.0.0.50 sp1>sp2', with: 'this', before: 10, delta: 40, verdict: 'worse' },
  ])
  expect(compareWith(report, [])).toEqual([])
  expect(compareWith(with1(NOW, figure({ value: null })), earlier)).toEqual([])
})
