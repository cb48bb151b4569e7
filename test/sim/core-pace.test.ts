/** Is the pace of the core that of its own steps, whatever else the machine does meanwhile? */
import { expect, test } from 'vitest'
import { measureCore } from '../../src/sim/core-pace.ts'
import { runSchedule } from '../../src/sim/schedule.ts'

const OPTIONS = { virtualMs: 4000, profile: 'fast' } as const
const SEEDS = [1, 2]

/** A clock on which the passes take these times, one after the other. */
function clockOf(passesMs: readonly number[]): () => number {
  let readings = 0
  let nowMs = 0
  return () => {
    if (readings > 0) nowMs += passesMs[readings - 1] ?? Number.NaN
    readings += 1
    return nowMs
  }
}

test('every step of both nodes is measured', () => {
  const steps = SEEDS.reduce((sum, seed) => sum + runSchedule(seed, OPTIONS).steps, 0)
  expect(measureCore(SEEDS, OPTIONS, clockOf([1000])).steps).toBe(steps)
})

test('passes that were slow to begin with or disturbed do not count', () => {
  const { steps, stepsPerSecond } = measureCore(SEEDS, OPTIONS, clockOf([90, 10, 10, 10, 700]))
  expect(stepsPerSecond).toBeCloseTo(steps / 0.01)
})
