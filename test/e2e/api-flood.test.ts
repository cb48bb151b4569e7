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
import { askTandem, type PairDriver } from '../../src/lab/pair.ts'
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
  const floods: Running[] = []
  let floodLog = ''
  let requestLog = ''
  beforeAll(async () => {
    pair = await apiPair('tandemflood')
    await pair.driver.prepare(pair.lab)
    floodLog = `${pair.lab.plan.workDir}/flood.log`
    requestLog = `${pair.lab.plan.workDir}/requests.log`
    const hosts = [pair.lab.plan.machines.sp1.ipv4, pair.lab.plan.machines.sp2.ipv4]
    // In life it comes from machines of others, and takes no processor from the nodes.
    const begin = (
      machine: 'viasp1' | 'viasp2',
      kinds: Record<string, number>,
      logFile: string,
    ) => {
      const argument = JSON.stringify({ hosts, port: API_PORT, kinds })
      const command = ['nice', '-n', '5', process.execPath, FLOOD, argument]
      floods.push(startProgram(inside(namespaceOf(pair.lab.plan, machine), command), { logFile }))
    }
    begin('viasp1', { junk: 64, stranger: 16, silent: 32 }, floodLog)
    // From an address of its own, whose connections are not taken by the others.
    begin('viasp2', { pipelined: 16 }, requestLog)
  })
  afterAll(async () => {
    signalAll(
      floods.map(({ pid }) => pid),
      'SIGKILL',
    )
    await pair?.destroy()
  })

  type Count = Record<string, number>
  const counts = (file: string): Count[] => {
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Count)
  }
  const counted = (): Count => counts(floodLog).at(-1) ?? {}

  /** Between two moments of the wall clock. */
  function perSecond(fromMs: number, untilMs: number): number {
    const between = counts(requestLog).filter(({ atMs = 0 }) => atMs >= fromMs && atMs <= untilMs)
    const [first, last] = [between[0], between.at(-1)]
    const sent = (last?.['requests'] ?? 0) - (first?.['requests'] ?? 0)
    const rate = sent / (((last?.['atMs'] ?? 0) - (first?.['atMs'] ?? 0)) / 1000)
    return Number.isNaN(rate) ? 0 : rate
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
    const fromMs = Date.now()
    for (let n = 0; n < 20; n += 1) {
      const atMs = performance.now()
      expect((await askTandem(pair.bench.nodes[active], 'status')).ok).toBe(true)
      took.push(performance.now() - atMs)
      await sleep(250)
    }
    expect(perSecond(fromMs, Date.now())).toBeGreaterThan(FLOOD_PER_SECOND)
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
    // Not before the API listens again, and the flood is what it shall be.
    const flooded: PairDriver = {
      ...pair.driver,
      settlesWithinMs: 60_000,
      ready: (node) =>
        pair.driver.ready?.(node) !== false &&
        perSecond(Date.now() - 1_500, Date.now()) > FLOOD_PER_SECOND,
    }
    const result = await measureRun(pair.bench, flooded, scenario, { run: 1 })
    console.log(`silence ${result.during?.outageMs} ms`)
    expect(result.failures).toEqual([])
    const { fault = 0, wallAhead = 0 } = result.atMs ?? {}
    const faultMs = fault + wallAhead
    // Before the power is cut both nodes are flooded, afterwards the one that takes over.
    const rates = [perSecond(faultMs - 1_500, faultMs), perSecond(faultMs, faultMs + 1_500)]
    console.log(`requests a second before and after: ${rates.map(Math.round).join(', ')}`)
    for (const rate of rates) expect(rate).toBeGreaterThan(FLOOD_PER_SECOND)
  })
})
