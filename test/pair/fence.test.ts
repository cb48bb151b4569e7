/**
 * Goal: in mode `fence` a silent active is switched off before the other takes over, which waits for the word that
 * it is; and while the fence fails nobody takes over. Method: a pair in network namespaces cut from each other by
 * every way, a fence agent that speaks as Debian's do and switches the lab's node off.
 */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { StatusDocument } from '../../src/control/schema.ts'
import { APART, heal, impose } from '../../src/lab/faults.ts'
import { startPair, stopPair, type Workbench } from '../../src/lab/measure.ts'
import { LabNode } from '../../src/lab/node.ts'
import { dualActive } from '../../src/lab/outage.ts'
import { askTandem, type PairDriver, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, namespaceOf, otherNode, planLab } from '../../src/lab/plan.ts'
import { labNowMs, Prober } from '../../src/lab/prober.ts'
import { buildLab, type Lab, portsOf } from '../../src/lab/topology.ts'

const isRoot = process.getuid?.() === 0
const AGENT = join(import.meta.dirname, '../fixtures/quorum/fence-lab')
/** What the agent takes before it switches off. */
const DELAY_MS = 1_500
/** D of the profile `default`. */
const SILENCE_MS = 1_100
const SECRET = 'fence-secret-7'

let lab: Lab
let bench: Workbench
let driver: PairDriver
let broken: string

async function statusOf(node: LabNodeName): Promise<StatusDocument> {
  const asked = await askTandem(bench.nodes[node], 'status', '--json')
  return JSON.parse(asked.stdout) as StatusDocument
}

async function until(what: string, holds: () => Promise<boolean>, limitMs = 15_000): Promise<void> {
  const endMs = labNowMs() + limitMs
  while (!(await holds().catch(() => false))) {
    if (labNowMs() > endMs) throw new Error(`not in time: ${what}`)
    await sleep(50)
  }
}

async function served(): Promise<LabNodeName> {
  const active = await startPair(bench, driver)
  const standby = otherNode(active)
  await until('the nodes talk', async () => (await statusOf(standby)).peer.heard)
  await until('the fence was tried', async () => (await statusOf(standby)).fence?.power === 'on')
  return active
}

async function bothServedMs(fromMs: number): Promise<number> {
  const { prober } = bench
  await prober.settle({ fromMs, toMs: labNowMs() })
  const [one, two] = (['vip4@sp1', 'vip4@sp2'] as const).map((target) => ({
    probes: prober.recorded(target).filter(({ sentMs }) => sentMs >= fromMs),
  }))
  if (one === undefined || two === undefined) throw new Error('two nodes are asked')
  const { ms, proofs } = dualActive(one, two)
  return ms + proofs
}

describe.skipIf(!isRoot)('a real pair with a fence', () => {
  beforeAll(async () => {
    lab = await buildLab(planLab('tandemfence'))
    const { plan } = lab
    broken = `${plan.workDir}/fence-broken`
    const password = `${plan.workDir}/fence.password`
    await writeFile(password, `${SECRET}\n`, { mode: 0o600 })
    const plug = (node: LabNodeName): string[] => [
      `  ${node}:`,
      `    plug: ${namespaceOf(plan, node)}`,
      `    lan: ${namespaceOf(plan, 'lan')}`,
      `    ports: '${portsOf(node).join(',')}'`,
      `    delay: ${DELAY_MS / 1000}`,
      `    broken: ${broken}`,
      `    password_file: ${password}`,
    ]
    const lines = ['mode: fence', 'fence:', `  agent: ${AGENT}`, ...plug('sp1'), ...plug('sp2')]
    const nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    bench = { lab, nodes, prober: new Prober(lab), profile: 'default' }
    // A machine that is busy otherwise takes long to start an agent; that is not what is measured.
    driver = { ...tandemPair('default', undefined, [], lines), settlesWithinMs: 60_000 }
    await driver.prepare(lab)
  }, 60_000)

  afterEach(async () => {
    await rm(broken, { force: true })
    await stopPair(bench)
  })

  afterAll(async () => {
    await lab.destroy()
  }, 60_000)

  it('has a silent active switched off, and takes over when it is', async () => {
    const active = await served()
    const standby = otherNode(active)
    const fromMs = labNowMs()
    await impose(lab, APART)
    await until('the other serves', async () => bench.prober.servingFor(500) === standby)
    await sleep(1_000)
    expect(await bothServedMs(fromMs)).toBe(0)
    const answersOf = (node: LabNodeName) =>
      bench.prober
        .recorded(`vip4@${node}`)
        .filter(({ sentMs, by }) => sentMs >= fromMs && by === node)
    const [last, first] = [answersOf(active).at(-1)?.sentMs, answersOf(standby)[0]?.sentMs]
    // The old active serves until its power is gone, for nothing else can end its right.
    expect((last ?? 0) - fromMs).toBeGreaterThan(SILENCE_MS + DELAY_MS - 300)
    expect(first ?? 0).toBeGreaterThan(last ?? 0)
    expect(bench.nodes[active].processes()).toEqual([])
    expect((await statusOf(standby)).fence).toMatchObject({ power: 'off', last: { off: true } })
    await heal(lab)
  })

  it('takes over from nobody while the fence fails, and says so', async () => {
    const active = await served()
    const standby = otherNode(active)
    await writeFile(broken, '')
    const fromMs = labNowMs()
    await impose(lab, APART)
    await until('it is an alarm', async () =>
      (await statusOf(standby)).alarms.some(({ code }) => code === 'fence-failed'),
    )
    await sleep(3_000)
    expect((await statusOf(standby)).local.state).toBe('standby')
    expect((await statusOf(active)).local.state).toBe('active')
    expect(bench.prober.servingFor(500)).toBe(active)
    const { stdout } = await askTandem(bench.nodes[standby], 'status', '--json')
    expect(stdout).toContain('action off: it ended with 1')
    expect(stdout).not.toContain(SECRET)
    // Tried on until it works.
    await rm(broken)
    await until('the other serves', async () => bench.prober.servingFor(500) === standby)
    expect(await bothServedMs(fromMs)).toBe(0)
    await heal(lab)
  })
})
