// Goal: every row of PROTOCOL, "Bounds", holds for both profiles. Method: many seeds per row, each with
// its own clocks (within 1 %), phases and active node; the longest virtual time from the fault to an
// open gate is compared with the bound, and the role may move at most once.
import { afterAll, describe, expect, test } from 'vitest'
import { deriveTiming, TIMING_PROFILES } from '../../src/core/policy.ts'
import { type Measured, play, ROWS, type Row } from './bound-row.ts'

const SEEDS = 300
/** The bounds are counted on the clock of a node, which here runs up to 0.5 % slow. */
const CLOCK_SLACK = 1.006

const table: string[] = []

function measure(row: Row, profile: keyof typeof TIMING_PROFILES): Measured[] {
  return Array.from({ length: SEEDS }, (_, index) => play(row, profile, index + 1))
}

function report(row: Row, profile: string, boundMs: number | null, took: readonly number[]): void {
  const sorted = took.toSorted((a, b) => a - b)
  const shown = (value: number | undefined): string => (value ?? Number.NaN).toFixed(0).padStart(8)
  const numbers =
    boundMs === null
      ? '  no change of role'
      : `${shown(boundMs)}${shown(sorted.at(-1))}${shown(sorted[sorted.length >> 1])}`
  table.push(`${profile.padEnd(8)} ${row.name.padEnd(54)}${numbers}`)
}

afterAll(() => {
  const head = `${'profile'.padEnd(8)} ${'row'.padEnd(54)}   bound longest  median  (ms, ${SEEDS} seeds)`
  console.log([head, ...table].join('\n'))
})

describe.each(['default', 'fast'] as const)('profile %s', (profile) => {
  const timing = deriveTiming(TIMING_PROFILES[profile])

  for (const row of ROWS) {
    const name =
      row.boundMs === null ? 'the role does not change' : 'a gate is open within the bound'
    const body = (): void => {
      const measured = measure(row, profile)
      const took = measured.flatMap(({ tookMs }) => (tookMs === null ? [] : [tookMs]))
      const boundMs = row.boundMs?.(timing) ?? null
      report(row, profile, boundMs, took)
      expect(Math.max(...measured.map(({ dualMs }) => dualMs))).toBe(0)
      if (boundMs === null) {
        expect(measured.filter(({ openings }) => openings > 0)).toEqual([])
        return
      }
      expect(took).toHaveLength(SEEDS)
      expect(Math.max(...took)).toBeLessThanOrEqual(CLOCK_SLACK * boundMs)
      expect(Math.max(...measured.map(({ moves }) => moves))).toBeLessThanOrEqual(1)
      if (row.outOfServiceMs === undefined) return
      const outOfService = measured.map(({ outOfServiceMs }) => outOfServiceMs ?? Infinity)
      const latestMs = CLOCK_SLACK * row.outOfServiceMs(timing)
      expect(Math.max(...outOfService)).toBeLessThanOrEqual(latestMs)
    }
    test(`${row.name}: ${name}`, body, 60_000)
  }
})
