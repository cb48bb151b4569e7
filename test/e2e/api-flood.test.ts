/**
 * Goal: whatever a stranger throws at the API, the pair keeps its bound after a power cut, nothing moves
 * before it, and an operator on the node is answered. Method: a flood from a client's machine that never
 * ends, against both nodes, and the bench's own power cut within it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measureRun } from '../../src/lab/measure.ts'
import { askTandem } from '../../src/lab/pair.ts'
import { namespaceOf } from '../../src/lab/plan.ts'
import { inside, type Running, signalAll, startProgram } from '../../src/lab/process.ts'
import { SCENARIOS } from '../../src/lab/scenario.ts'
import { API_PORT, type ApiPair, apiPair } from '../helpers/api-pair.ts'
import { until } from '../helpers/until.ts'

const FLOOD = join(import.meta.dirname, '../fixtures/api/flood.mjs')
const isRoot = process.getuid?.() === 0
/** Requests that the flood sends, to both nodes together. */
const FLOOD_PER_SECOND = 10_000
/** An operator waits no longer; ordinarily it is a tenth of it. */
const OPERATOR_MS = 5_000

describe.skipIf(!isRoot)('a flood of garbage', () => {
  let pair: ApiPair
  let flood: Running
  let floodLog = ''
  beforeAll(async () => {
    pair = await apiPair('tandemflood')
    await pair.driver.prepare(pair.lab)
    floodLog = `${pair.lab.plan.workDir}/flood.log`
    const hosts = [pair.lab.plan.machines.sp1.ipv4, pair.lab.plan.machines.sp2.ipv4]
    const argument = JSON.stringify({ hosts, port: API_PORT })
    // In life it comes from machines of others, and takes no processor from the nodes.
    const program = inside(namespaceOf(pair.lab.plan, 'viasp1'), [
      process.execPath,
      FLOOD,
      argument,
    ])
    flood = startProgram(['nice', '-n', '5', ...program], { logFile: floodLog })
  })
  afterAll(async () => {
    if (flood !== undefined) signalAll([flood.pid], 'SIGKILL')
    await pair?.destroy()
  })

  const counted = (): Record<string, number> => {
    const line = readFileSync(floodLog, 'utf8').trim().split('\n').at(-1) ?? ''
    return line === '' ? {} : (JSON.parse(line) as Record<string, number>)
  }

  /** Over everything that was done. @returns what it returned */
  async function flooded<T>(done: () => Promise<T>): Promise<T> {
    const [before, atMs] = [counted()['requests'] ?? 0, performance.now()]
    const result = await done()
    const perSecond = ((counted()['requests'] ?? 0) - before) / ((performance.now() - atMs) / 1000)
    console.log(`${Math.round(perSecond)} requests a second meanwhile`)
    expect(perSecond).toBeGreaterThan(FLOOD_PER_SECOND)
    return result
  }

  it('moves nothing, and operators are answered', async () => {
    for (const node of Object.values(pair.bench.nodes)) {
      await node.reinstall()
      await pair.driver.start(node)
    }
    const active = await until(async () => {
      for (const name of ['sp1', 'sp2'] as const) {
        const status = await pair.status(name).catch(() => null)
        if (status?.local.state === 'active' && status.peer.heard) return name
      }
      return null
    })
    const before = counted()
    const { local } = await pair.status(active)
    const took: number[] = []
    await flooded(async () => {
      for (let n = 0; n < 20; n += 1) {
        const atMs = performance.now()
        expect((await askTandem(pair.bench.nodes[active], 'status')).ok).toBe(true)
        took.push(performance.now() - atMs)
        await sleep(250)
      }
    })
    const after = await pair.status(active)
    const sent = counted()
    expect(Math.max(...took)).toBeLessThan(OPERATOR_MS)
    expect([after.local.state, after.local.term]).toEqual(['active', local.term])
    expect(after.alarms.map(({ code }) => code)).not.toContain('control-stalled')
    expect(sent['connections'] ?? 0).toBeGreaterThan((before['connections'] ?? 0) + 1_000)
    expect(sent['refused'] ?? 0).toBeGreaterThan(1_000)
  })

  it('does not lengthen a takeover', { timeout: 150_000 }, async () => {
    const scenario = SCENARIOS.find(({ name }) => name === 'power-cut')
    if (scenario === undefined) throw new Error('the bench has no power cut')
    const result = await flooded(() => measureRun(pair.bench, pair.driver, scenario, { run: 1 }))
    expect(result.failures).toEqual([])
  })
})
