/**
 * Is what was confirmed to a client still there after every change of the role? Schedules with pretend
 * stores under the policy `strict`, beside the ten thousand without data in smoke.test.ts.
 *
 * Whoever opens its gate must hold every write that was confirmed before. What the policy or the README
 * allows to be lost is counted apart, and bounded here where it has a bound. In the end the pair, whole and
 * calm, is served by one node and in sync.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FAULT_KINDS } from '../../src/sim/faults.ts'
import type { DataTally } from '../../src/sim/loss-checker.ts'
import { STORE_FAULT_KINDS } from '../../src/sim/store-strike.ts'
import { dataSummary, type Sum, summary, swarm } from './swarm.mjs'

const SWARM_MAX_MS = 200_000
/** As the mutants are hunted with (data-hunt.mjs). */
const OPTIONS = { virtualMs: 40_000, profile: 'default', data: 'strict' } as const
const FOCUS = JSON.parse(
  readFileSync(join(import.meta.dirname, 'data-focus.json'), 'utf8'),
) as string[]

/** Safety, sync in the end, and the losses that are allowed within their bounds. */
function judge(sum: Sum, schedules: number): DataTally {
  process.stdout.write(`\n${summary(sum)}\n${dataSummary(sum)}\n`)
  expect(sum.bad).toEqual([])
  expect(sum.schedules).toBe(schedules)
  const data = sum.data as DataTally
  // What a server does by itself is seen at the next look; a silent one holds out until `sole` is on disk.
  expect(data.itselfMaxMs).toBeLessThan(5_000)
  // A swarm that shows nothing proves nothing.
  expect(data.takeovers).toBeGreaterThan(schedules / 10)
  expect(data.steps.together).toBeGreaterThan(schedules)
  expect(data.steps.alone).toBeGreaterThan(schedules)
  expect(data.confirmed.peer).toBeGreaterThan(100 * schedules)
  expect(data.confirmed.ordered).toBeGreaterThan(50 * schedules)
  return data
}

test(
  'whatever goes wrong, no node serves without what was confirmed, and every pair comes into sync',
  async () => {
    const sum = await swarm({ first: 1, schedules: 1000, options: OPTIONS })
    judge(sum, 1000)
    expect(Object.keys(sum.kinds).sort()).toEqual([...FAULT_KINDS, ...STORE_FAULT_KINDS].sort())
  },
  SWARM_MAX_MS,
)

test(
  'nodes that are cut apart and die while they take turns lose nothing but what stale data may lack',
  async () => {
    const options = { ...OPTIONS, only: FOCUS }
    const sum = await swarm({ first: 1, schedules: 800, options })
    const { lost, vacant } = judge(sum, 800)
    expect(Object.keys(sum.kinds).sort()).toEqual([...FOCUS].sort())
    expect(lost).toMatchObject({ forced: 0, disk: 0 })
    expect(vacant).toMatchObject({ gone: 0, behind: 0, bothBehind: 0 })
  },
  SWARM_MAX_MS,
)
