/**
 * Do the seeds that once failed still pass? A line each on what they found.
 *
 * A seed means something else once the order of draws has changed; what it found is then kept by the
 * claims in test/rules. It stays here for the cost of some milliseconds.
 */
import { describe, expect, test } from 'vitest'
import { runSchedule } from '../../src/sim/schedule.ts'

const FAST = { virtualMs: 30_000, profile: 'fast' } as const
const SHORT = { virtualMs: 8000, profile: 'fast' } as const

describe('a seed that once failed passes', () => {
  test('304, fast: a backlog of slow writes outlived the faults, and nobody was elected', () => {
    expect(runSchedule(304, FAST)).toMatchObject({ verdict: 'ok', what: '' })
  })

  test('6002292, fast: an elected node waited behind thirty writes of older attempts', () => {
    expect(runSchedule(6002292, SHORT)).toMatchObject({ verdict: 'ok', what: '' })
  })
})

describe('a seed', () => {
  test('always gives the same run', () => {
    for (const seed of [7, 77, 777]) expect(runSchedule(seed)).toEqual(runSchedule(seed))
  })
})
