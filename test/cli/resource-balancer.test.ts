// A load-balancer as a resource of OCF, over a pretended dispatcher.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type BalancerAction, BalancerResource } from '../../src/cli/resource-balancer.ts'
import type { BalancerLook } from '../../src/resources/load-balancer.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

let directory: string
let state: BalancerLook
let told: string[]
let refuses: string | null
let agentRuns: boolean

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'resource-balancer-'))
  state = { ok: true, seen: 'drained' }
  told = []
  refuses = null
  agentRuns = false
})
afterEach(() => rmSync(directory, { recursive: true }))

async function act(action: BalancerAction): Promise<[number, string]> {
  const io = capturedIo()
  const balancer = {
    look: async () => state,
    tell: async (seen: 'active' | 'drained') => {
      if (refuses !== null) return refuses
      told.push(seen)
      state = { ok: true, seen }
      return null
    },
  }
  const lockFile = (): boolean => !agentRuns
  const code = await new BalancerResource({ balancer, runDir: directory, io, lockFile }).act(action)
  return [code, io.err]
}

test('it runs while it may send calls here, each order twice', async () => {
  const codes: number[] = []
  const actions = ['monitor', 'start', 'start', 'monitor', 'stop', 'stop', 'monitor'] as const
  for (const action of actions) codes.push((await act(action))[0])
  expect(codes).toEqual([7, 0, 0, 0, 0, 0, 7])
  expect(told).toEqual(['active', 'active', 'drained', 'drained'])
})

test('it is failed where its own probes get no answer, it refuses or cannot be asked', async () => {
  state = { ok: true, seen: 'down' }
  expect(await act('monitor')).toEqual([
    1,
    'tandem resource: its own probes get no answer from this pair\n',
  ])
  state = { ok: false, message: 'silence' }
  expect(await act('monitor')).toEqual([1, 'tandem resource: silence\n'])
  refuses = 'State Update Failed'
  expect(await act('start')).toEqual([1, 'tandem resource: State Update Failed\n'])
})

test('it is not told beside an agent, but looked at', async () => {
  agentRuns = true
  expect((await act('stop'))[1]).toContain('it alone tells the load-balancers')
  expect([told, (await act('monitor'))[0]]).toEqual([[], 7])
})
