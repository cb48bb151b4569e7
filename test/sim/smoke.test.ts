/**
 * Are two gates ever open at once, and does the pair always come back? Ten thousand schedules of
 * thirty virtual seconds, about 83 hours of two nodes in all weathers, in two threads.
 */
import { expect, test } from 'vitest'
import { FAULT_KINDS } from '../../src/sim/faults.ts'
import { summary, swarm } from './swarm.mjs'

const SCHEDULES = 10_000
const SWARM_MAX_MS = 400_000

test(
  'in ten thousand schedules no two gates are open at once, and every pair settles',
  async () => {
    const options = { virtualMs: 30_000, profile: 'default' } as const
    const sum = await swarm({ first: 1, schedules: SCHEDULES, options })
    process.stdout.write(`\n${summary(sum)}\n`)
    expect(sum.bad).toEqual([])
    expect(sum.schedules).toBe(SCHEDULES)
    // A swarm that shows nothing proves nothing.
    expect(sum.openings).toBeGreaterThan(3 * SCHEDULES)
    expect(Object.keys(sum.kinds).sort()).toEqual([...FAULT_KINDS].sort())
    expect(Object.keys(sum.modes).sort()).toEqual(['fence', 'ping', 'witness'])
  },
  SWARM_MAX_MS,
)
