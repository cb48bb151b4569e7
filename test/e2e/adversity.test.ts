/**
 * Goal: what befalls an agent besides faults of the network stays its own affair: a long stop, a second
 * start, a kill that spares its helpers, a run directory that is a disk of its own. Method: a real pair,
 * seen by clients; both serving is looked for in every case.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { NOISE_MS } from '../../src/lab/demand.ts'
import { observe, startPair, stopPair, type Workbench } from '../../src/lab/measure.ts'
import { LabNode } from '../../src/lab/node.ts'
import { type PairDriver, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, otherNode, planLab } from '../../src/lab/plan.ts'
import { labNowMs, Prober } from '../../src/lab/prober.ts'
import { must } from '../../src/lab/process.ts'
import { buildLab, type Lab, unmountBelow } from '../../src/lab/topology.ts'

const isRoot = process.getuid?.() === 0
/** Long enough for full sockets, whose reading once kept both real-time threads busy for a second. */
const LONG_STOP_MS = 12_000

let lab: Lab
let bench: Workbench
let driver: PairDriver

describe.skipIf(!isRoot)('a real pair in adversity', () => {
  beforeAll(async () => {
    lab = await buildLab(planLab('advtest'))
    const nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    bench = { lab, nodes, prober: new Prober(lab), profile: 'fast' }
    driver = tandemPair('fast')
    await driver.prepare(lab)
  }, 60_000)

  afterEach(async () => {
    await stopPair(bench)
  })

  afterAll(async () => {
    await lab.destroy()
  }, 60_000)

  /** What clients saw from a moment until now. Both serving is never forgiven. */
  async function seenSince(fromMs: number) {
    const window = { fromMs, toMs: labNowMs() }
    await bench.prober.settle(window)
    const seen = observe(bench.prober, driver, window)
    expect([seen.dualMs, seen.dualProofs]).toEqual([0, 0])
    return { ...seen, beyondMs: seen.outageMs - seen.controlMs }
  }

  const commandLine = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
    } catch {
      return ''
    }
  }

  const agentOf = (name: LabNodeName): number | undefined =>
    bench.nodes[name].processes().find((pid) => commandLine(pid).includes('tandem.js agent'))

  it('does not disturb the service when an agent goes on that was stopped for long', async () => {
    const stopped = await startPair(bench, driver)
    bench.nodes[stopped].pause()
    await sleep(LONG_STOP_MS)
    const resumedMs = labNowMs()
    bench.nodes[stopped].resume()
    await sleep(3_000)
    const seen = await seenSince(resumedMs)
    expect(seen.moves).toBe(0)
    expect(seen.beyondMs).toBeLessThan(NOISE_MS)
    expect(bench.prober.servingFor(500)).toBe(otherNode(stopped))
  }, 60_000)

  it('refuses a second agent of a node even when the run directory was taken away', async () => {
    const active = await startPair(bench, driver)
    const { run } = bench.nodes[active].directories
    const told = (): string => readFileSync(bench.nodes[active].logFile, 'utf8')
    // An agent that is still coming up ends when its run directory goes.
    while (!told().includes('operators are answered')) await sleep(50)
    const startMs = labNowMs()
    await unmountBelow(run)
    await rename(run, `${lab.plan.workDir}/away`)
    await driver.start(bench.nodes[active])
    const refused = `another agent of this node holds ${bench.nodes[active].directories.state}`
    const endMs = labNowMs() + 20_000
    while (!told().includes(refused) && labNowMs() < endMs) await sleep(50)
    expect(told()).toContain(refused)
    const seen = await seenSince(startMs)
    expect(seen.moves).toBe(0)
    expect(seen.beyondMs).toBeLessThan(NOISE_MS)
  }, 60_000)

  it('leaves no helper of an agent that was killed alone', async () => {
    const active = await startPair(bench, driver)
    const standby = otherNode(active)
    const monitors = (): string[] =>
      bench.nodes[standby]
        .processes()
        .map(commandLine)
        .filter((line) => / monitor/.test(line))
    const endMs = labNowMs() + 5_000
    while (monitors().length < 2 && labNowMs() < endMs) await sleep(50)
    expect(monitors()).toHaveLength(2)
    const pid = agentOf(standby)
    if (pid === undefined) throw new Error('no agent runs on the standby')
    process.kill(pid, 'SIGKILL')
    await sleep(500)
    expect(bench.nodes[standby].processes().map(commandLine)).toEqual([])
  }, 60_000)

  it('starts where the run directory is a disk of its own, and leaves nothing beside it', async () => {
    const active = await startPair(bench, driver)
    const standby = bench.nodes[otherNode(active)]
    const { run } = standby.directories
    standby.signal('SIGKILL')
    await sleep(300)
    await unmountBelow(run)
    await must('a disk of its own', ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', run])
    try {
      await driver.start(standby)
      const endMs = labNowMs() + 10_000
      while (!existsSync(`${run}/control.sock`) && labNowMs() < endMs) await sleep(50)
      expect(existsSync(`${run}/control.sock`)).toBe(true)
      const beside = readdirSync(`${run}/..`).filter((name) => name.startsWith('run'))
      expect(beside).toEqual(['run'])
    } finally {
      standby.signal('SIGKILL')
      await sleep(200)
      await unmountBelow(run)
      await must('take the disk away', ['umount', '-l', run])
    }
  }, 60_000)
})
