/**
 * Goal: a real pair in network namespaces keeps its promises: one node serves, never two, and the
 * service is back within the bounds. Method: the bench's own scenarios, one run each; what must never
 * happen (two serving, a move too many) fails at once, what this machine may have delayed (a time) is
 * tried again.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StatusDocument } from '../../src/control/schema.ts'
import { measureRun, type RunResult, type Workbench } from '../../src/lab/measure.ts'
import { LabNode } from '../../src/lab/node.ts'
import { type PairDriver, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, namespaceOf, otherNode, planLab } from '../../src/lab/plan.ts'
import { Prober } from '../../src/lab/prober.ts'
import { SCENARIOS } from '../../src/lab/scenario.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'
import { LONG } from '../helpers/long.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const isRoot = process.getuid?.() === 0
/** L of the profile `fast`. */
const LEASE_MS = 100

let lab: Lab
let bench: Workbench
let driver: PairDriver

/** Runs a program in a node's namespace; resolves with its exit code and output. */
async function on(
  node: LabNodeName,
  command: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const place = `--net=/run/netns/${namespaceOf(lab.plan, node)}`
  try {
    const { stdout, stderr } = await run('nsenter', [place, ...command], { timeout: 20_000 })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

function tandem(node: LabNodeName, ...args: string[]) {
  const { run: runDir } = bench.nodes[node].directories
  return on(node, [process.execPath, join(ROOT, 'dist/cli/tandem.js'), ...args, '--run', runDir])
}

async function statusOf(node: LabNodeName): Promise<StatusDocument> {
  const { stdout } = await tandem(node, 'status', '--json')
  return JSON.parse(stdout) as StatusDocument
}

function checkActive(node: LabNodeName, ...flags: string[]) {
  const { run: runDir } = bench.nodes[node].directories
  return on(node, [join(ROOT, 'packaging/bin/ngcp-check-active'), '--run', runDir, ...flags])
}

/** Starts the pair and waits until one node serves and both answer operators. */
async function served(): Promise<LabNodeName> {
  await driver.prepare(lab)
  for (const node of Object.values(bench.nodes)) {
    await node.reinstall()
    await driver.start(node)
  }
  const active = await activeNode()
  await until(async () => (await tandem(otherNode(active), 'status')).code === 0, 15_000)
  return active
}

async function activeNode(limitMs = 15_000): Promise<LabNodeName> {
  const endMs = Date.now() + limitMs
  while (Date.now() < endMs) {
    for (const name of ['sp1', 'sp2'] as const) {
      if ((await checkActive(name)).code === 0 && (await tandem(name, 'status')).code === 0) {
        return name
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('no node became active')
}

async function until(holds: () => Promise<boolean>, limitMs = 5_000): Promise<void> {
  const endMs = Date.now() + limitMs
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error('did not come about in time')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function endAll(): Promise<void> {
  for (const node of Object.values(bench.nodes)) node.signal('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 200))
}

describe.skipIf(!isRoot)('a real pair', () => {
  beforeAll(async () => {
    lab = await buildLab(planLab('tandemtest'))
    const nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    bench = { lab, nodes, prober: new Prober(lab), profile: 'fast' }
    driver = tandemPair('fast')
    await driver.prepare(lab)
  }, 60_000)

  afterAll(async () => {
    await lab.destroy()
  }, 60_000)

  /**
   * Two serving must never happen, whatever the machine was doing meanwhile. A move too many must not
   * while the machine ran: a pause of all of it (the control address was silent as well) that is about
   * as long as the lease ends every lease.
   */
  function unforgivable({ failures, during, mended }: RunResult): string[] {
    const pausedMs = Math.max(during?.controlMs ?? 0, mended?.controlMs ?? 0)
    const pattern = pausedMs < LEASE_MS / 2 ? /both served|moved/ : /both served/
    return failures.filter((failure) => pattern.test(failure))
  }

  const NAMES = [
    'power-cut',
    'switchover',
    'agent-kill',
    'crosslink-cut',
    'lan-silent',
    'partition',
    'loss-30',
    ...(LONG ? ['lan-cut', 'partition-arp'] : []),
  ]
  for (const name of NAMES) {
    const scenario = SCENARIOS.find((candidate) => candidate.name === name)
    it(`keeps its promise: ${scenario?.title ?? name}`, {
      timeout: 150_000,
      retry: 0,
    }, async () => {
      if (scenario === undefined) throw new Error(`the bench has no fault ${name}`)
      const results: RunResult[] = []
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        const result = await measureRun(bench, driver, scenario, { run: attempt, watchMs: 8_000 })
        results.push(result)
        expect(unforgivable(result)).toEqual([])
        if (result.failures.length === 0) return
      }
      expect(results.map(({ failures }) => failures)).toContainEqual([])
    })
  }

  it('answers operators and scripts, and moves the role there and back', async () => {
    const first = await served()
    const second = otherNode(first)
    await until(async () => (await statusOf(first)).peer.heard)
    expect((await checkActive(first, '-v')).stdout).toBe('active\n')
    expect(await checkActive(second, '-v')).toMatchObject({ code: 1, stdout: 'standby\n' })
    expect((await checkActive(second, '-p')).stdout).toContain('.')

    const moved = await tandem(first, 'make-standby')
    expect(moved).toMatchObject({ code: 0 })
    expect((await checkActive(first)).code).toBe(1)
    expect((await checkActive(second)).code).toBe(0)
    expect(await tandem(first, 'make-standby')).toMatchObject({ code: 0 })

    expect(await tandem(first, 'make-active')).toMatchObject({ code: 0 })
    expect((await checkActive(first)).code).toBe(0)
    const status = await statusOf(first)
    expect(status.local).toMatchObject({ role: 'active', state: 'active', able: true })
    expect(status.pingNodes.map(({ state }) => state)).toEqual(Array(3).fill('answering'))
    expect(status.floatingIps.every(({ present }) => present)).toBe(true)

    const history = JSON.parse((await tandem(first, 'history', '--json')).stdout) as {
      transitions: { reason: { code: string } }[]
    }
    expect(history.transitions.map(({ reason }) => reason.code)).toContain('operator-asked')
    await endAll()
  }, 60_000)

  it('refuses a switchover that nobody could take over, and says why', async () => {
    const active = await served()
    const standby = otherNode(active)
    await until(async () => (await statusOf(active)).peer.heard)
    expect((await tandem(standby, 'maintenance', 'on')).code).toBe(0)
    const refused = await tandem(active, 'make-standby')
    expect(refused.code).toBe(3)
    expect(refused.stdout + refused.stderr).toContain('the peer could not serve')
    expect((await checkActive(active)).code).toBe(0)
    const kept = await tandem(active, 'maintenance', 'on')
    expect([kept.code, kept.stderr]).toEqual([
      3,
      expect.stringContaining('this node serves and cannot hand over: the peer could not serve'),
    ])
    expect((await statusOf(active)).local).toMatchObject({ state: 'active', maintenance: false })
    const forced = await tandem(active, 'maintenance', 'on', '--force')
    expect([forced.code, forced.stdout]).toEqual([0, expect.stringContaining('nobody serves')])
    expect((await checkActive(active)).code).toBe(1)
    expect((await tandem(active, 'maintenance', 'off')).code).toBe(0)
    await until(async () => (await checkActive(active)).code === 0)
    await endAll()
  }, 60_000)

  it('tells the truth when the agent is frozen or dead, and recovers when it goes on', async () => {
    const active = await served()
    const standby = otherNode(active)
    await until(async () => (await statusOf(standby)).peer.heard)
    bench.nodes[active].signal('SIGSTOP')
    await until(async () => (await checkActive(active)).code === 2)
    await until(async () => (await checkActive(standby)).code === 0)
    await new Promise((resolve) => setTimeout(resolve, 3_500))
    bench.nodes[active].signal('SIGCONT')
    await until(async () => (await checkActive(active)).code === 1)
    expect((await checkActive(standby)).code).toBe(0)

    bench.nodes[standby].signal('SIGKILL')
    await until(async () => (await checkActive(standby)).code === 2)
    await until(async () => (await checkActive(active)).code === 0)
    // The second lock: nobody renews the address of a dead agent.
    await until(async () => {
      const { stdout } = await on(standby, ['ip', '-br', 'address'])
      return lab.plan.floatingIps.every(({ address }) => !stdout.includes(`${address}/`))
    }, 2_500)
    await endAll()
  }, 60_000)

  it('hands over first when it is asked to stop', async () => {
    const active = await served()
    const standby = otherNode(active)
    await until(async () => (await statusOf(active)).peer.heard)
    bench.nodes[active].signal('SIGTERM')
    await until(async () => (await checkActive(standby)).code === 0)
    const { stdout } = await tandem(standby, 'history', '--json')
    const { transitions } = JSON.parse(stdout) as { transitions: { reason: { code: string } }[] }
    expect(transitions[0]?.reason.code).toBe('elected')
    await endAll()
  }, 60_000)

  it('counts random datagrams on the heartbeat port and does nothing else', async () => {
    const active = await served()
    const standby = otherNode(active)
    await until(async () => (await statusOf(active)).peer.heard)
    const termBefore = (await statusOf(active)).local.term
    // From the peer's own address and port's neighbour: what the kernel lets through to us.
    const flood = `
      const dgram = require('node:dgram'), { randomBytes } = require('node:crypto')
      const socket = dgram.createSocket('udp4'), end = Date.now() + 3000
      const send = () => {
        for (let i = 0; i < 200; i += 1) socket.send(randomBytes(1 + (i * 7) % 600), 694, process.argv[1])
        if (Date.now() < end) setTimeout(send, 5)
        else socket.close()
      }
      send()`
    const target = lab.plan.machines[active].ipv4
    await on(standby, [process.execPath, '-e', flood, target])
    expect((await checkActive(active)).code).toBe(0)
    const status = await statusOf(active)
    expect(status.local.term).toBe(termBefore)
    expect(status.peer.heard).toBe(true)
    await endAll()
  }, 60_000)

  it('starts with a corrupt hard state, keeps it aside and says so', async () => {
    const active = await served()
    const { state } = bench.nodes[active].directories
    bench.nodes[active].signal('SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await writeFile(join(state, 'hard-state'), Buffer.alloc(8192, 7))
    await driver.start(bench.nodes[active])
    await until(async () => (await checkActive(active)).code === 1, 10_000)
    await until(async () => {
      const log = await readFile(bench.nodes[active].logFile, 'utf8')
      return log.includes('the hard state is corrupt; it is kept as')
    })
    await endAll()
  }, 60_000)
})
