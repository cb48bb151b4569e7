import { describe, expect, it } from 'vitest'
import { formatPingBudget, judgePingBudget, judgePingNode } from '../../src/config/ping-budget.ts'
import { TIMING_PROFILES } from '../../src/core/policy.ts'

/** Twenty requests with these round trips; the rest was lost. */
const sample = (address: string, roundTripsMs: number[]) => ({
  address,
  sentCount: 20,
  roundTripsMs,
})
const times = (count: number, ms: number): number[] => Array(count).fill(ms)

describe('a ping node', () => {
  it.each([
    ['that is near', times(20, 0.3), 'solid', 'solid'],
    ['just inside a third of the fast round', times(20, 6.6), 'solid', 'solid'],
    ['just outside a third of the fast round', times(20, 6.7), 'solid', 'tolerable'],
    ['with one slow answer', [...times(19, 1), 34], 'tolerable', 'tolerable'],
    ['that loses one in ten', times(18, 1), 'solid', 'solid'],
    ['that loses one in four', times(15, 1), 'tolerable', 'tolerable'],
    ['that loses half', times(10, 1), 'unfit', 'unfit'],
    ['as far as another continent', times(20, 150), 'unfit', 'unfit'],
    ['that never answers', [], 'silent', 'silent'],
  ])('%s is judged for each profile', (_what, roundTripsMs, byDefault, fast) => {
    expect(judgePingNode(sample('192.0.2.1', roundTripsMs), null).verdicts).toEqual({
      default: byDefault,
      fast,
    })
  })

  it('misses a round when all three requests do', () => {
    // Fast: answers of 10 ms come in time for the first two requests, not for the last.
    const judged = judgePingNode(sample('192.0.2.1', times(16, 10)), null)
    expect(judged.missRatios['fast']).toBeCloseTo(0.2 * 0.2 * 1)
    expect(judged.missRatios['default']).toBeCloseTo(0.2 ** 3)
    expect(judged).toMatchObject({ medianMs: 10, p99Ms: 10 })
    expect(judged.lossRatio).toBeCloseTo(0.2)
  })

  it('is also judged by numbers of the pair’s own', () => {
    const slow = { ...TIMING_PROFILES.default, heartbeatMs: 600 }
    expect(judgePingNode(sample('192.0.2.1', times(20, 150)), slow).verdicts).toEqual({
      default: 'unfit',
      fast: 'unfit',
      custom: 'solid',
    })
  })
})

describe('a set of ping nodes', () => {
  const used = { profile: 'fast', choice: TIMING_PROFILES.fast }
  const near = sample('192.0.2.1', times(20, 0.31))
  const far = sample('192.0.2.2', times(20, 25))
  const lossy = sample('2001:db8::3', times(18, 4))
  const silent = sample('192.0.2.4', [])

  it('is no concern while a majority is solid', () => {
    expect(judgePingBudget([near, lossy, silent], used).concern).toBeNull()
  })

  it('is a concern when the majority lives on repeats or is not there', () => {
    const slow = sample('192.0.2.5', times(20, 8))
    expect(judgePingBudget([near, slow, silent], used).concern).toBe(
      'Only 1 of 3 ping nodes are solid with the timing "fast"; a majority needs 2. Single rounds will be missed.',
    )
    expect(judgePingBudget([near, far, silent], used).concern).toBe(
      'Only 1 of 3 ping nodes can carry the timing "fast"; a majority needs 2. Without it no node takes over.',
    )
  })

  it('is shown as a table with the concern below', () => {
    expect(formatPingBudget(judgePingBudget([near, far, lossy, silent], used))).toBe(
      `  ping node    loss   median  p99     default  fast
  192.0.2.1    0 %    0.3 ms  0.3 ms  solid    solid
  192.0.2.2    0 %    25 ms   25 ms   solid    unfit
  2001:db8::3  10 %   4.0 ms  4.0 ms  solid    solid
  192.0.2.4    100 %  -       -       silent   silent

  WARNING  Only 2 of 4 ping nodes can carry the timing "fast"; a majority needs 3. Without it no node takes over.
`,
    )
  })
})
