/**
 * Goal: after a real failover of a real pair both nodes have a record of it, which tells what happened, and
 * which today's core decides the same. Method: the active is stopped for longer than its lease and goes on, so
 * that both nodes live to tell of it; everything is asked with the operator's commands.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LabNode } from '../../src/lab/node.ts'
import { askTandem, type Nodes, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, otherNode, planLab } from '../../src/lab/plan.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'
import { allowLogin, typedWithSsh } from '../helpers/ssh-pair.ts'
import { until } from '../helpers/until.ts'

const run = promisify(execFile)
const TANDEM = join(import.meta.dirname, '..', '..', 'dist/cli/tandem.js')

interface Listed {
  id: string
  node: string
  what: string
  outageMs: number | null
}

let lab: Lab
let nodes: Nodes

async function asked(node: LabNodeName, command: string, ...args: string[]): Promise<string> {
  const result = await askTandem(nodes[node], command, ...args)
  if (!result.ok) throw new Error(result.message)
  return result.stdout
}

async function isActive(node: LabNodeName): Promise<boolean> {
  const text = await asked(node, 'status', '--json').catch(() => '{}')
  return (JSON.parse(text) as { local?: { state: string } }).local?.state === 'active'
}

async function all(node: LabNodeName): Promise<Listed[]> {
  const text = await asked(node, 'record', 'list', '--json')
  return (JSON.parse(text) as { records: Listed[] }).records
}

/** Has a node take ssh from the other one, which finds it there by this PATH. */
function letIn(node: LabNodeName): string {
  const address = lab.plan.crosslink[node].ipv4
  return allowLogin(nodes[node], { address, workDir: lab.plan.workDir })
}

async function listed(node: LabNodeName, what: string): Promise<Listed | undefined> {
  const text = await asked(node, 'record', 'list', '--json')
  return (JSON.parse(text) as { records: Listed[] }).records.find((one) => one.what === what)
}

/** A command about files, which asks no agent. */
async function offline(...args: string[]): Promise<{ code: number; stdout: string }> {
  try {
    const { stdout } = await run(process.execPath, [TANDEM, ...args], { timeout: 20_000 })
    return { code: 0, stdout }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout: stdout + stderr }
  }
}

function fileOf(node: LabNodeName, id: string): string {
  return join(nodes[node].directories.state, 'records', `${id}.record`)
}

describe.skipIf(process.getuid?.() !== 0)('records of a failover', () => {
  beforeAll(async () => {
    lab = await buildLab(planLab('tandemrecord'))
    nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    const driver = tandemPair('default')
    await driver.prepare(lab)
    for (const node of Object.values(nodes)) {
      await node.reinstall()
      await driver.start(node)
    }
  }, 60_000)

  afterAll(async () => {
    await lab?.destroy()
  }, 60_000)

  it('are kept by both nodes, tell one story, and replay to the same decisions', async () => {
    let active: LabNodeName = 'sp1'
    await until(async () => {
      for (const name of ['sp1', 'sp2'] as const) {
        if (!(await isActive(name))) continue
        active = name
        return true
      }
      return false
    }, 20_000)
    const standby = otherNode(active)
    await until(async () => {
      const text = await asked(standby, 'status', '--json').catch(() => '{}')
      return (JSON.parse(text) as { peer?: { heard: boolean } }).peer?.heard === true
    }, 20_000)
    // Started, elected, and nothing else: the record of that is its own.
    await until(async () => (await listed(active, 'became active')) !== undefined, 30_000)

    nodes[active].pause()
    await until(() => isActive(standby), 20_000)
    nodes[active].resume()

    await until(async () => {
      const took = await listed(standby, 'took over')
      const gave = await listed(active, 'gave up the role')
      return took !== undefined && gave !== undefined
    }, 60_000)
    const took = await listed(standby, 'took over')
    const gave = await listed(active, 'gave up the role')
    if (took === undefined || gave === undefined) throw new Error('a record is gone')
    expect(took.outageMs).toBeGreaterThan(0)

    const told = await asked(standby, 'record', 'show', took.id)
    expect(told).toMatch(new RegExp(`^${standby} took over at `))
    expect(told).toMatch(/the last heartbeat of sp[12] on path crosslink/)
    expect(told).toMatch(/the last heartbeat of sp[12] on path lan/)
    expect(told).toContain('it is called silent')
    expect(told).toMatch(/a condition holds, T3: nobody answers for the floating IPs/)
    expect(told).toContain('the gate is open')
    expect(told).toContain('the floating IPs are on their interfaces')

    const files = [fileOf(standby, took.id), fileOf(active, gave.id)]
    for (const file of files) {
      const replayed = await offline('replay', file)
      expect(replayed).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/\d decisions, the same/),
      })
    }
    const both = join(lab.plan.workDir, 'both.record')
    expect((await offline('record', 'export', ...files, '--out', both)).code).toBe(0)
    const shown = await offline('record', 'show', both, '--json')
    const story = JSON.parse(shown.stdout) as {
      order: { boundMs: number | null }
      records: unknown[]
    }
    expect(story.records).toHaveLength(2)
    expect(story.order.boundMs).not.toBeNull()
    expect(story.order.boundMs).toBeLessThan(100)
    expect((await offline('replay', both)).code).toBe(0)
    const drawing = join(lab.plan.workDir, 'both.svg')
    expect((await offline('record', 'show', both, '--svg', drawing)).code).toBe(0)
    expect(await readFile(drawing, 'utf8')).toMatch(/^<svg [\s\S]*nobody serves[\s\S]*<\/svg>\n$/)

    // The same without carrying files: the other node is asked.
    const path = letIn(active)
    const fetched = await typedWithSsh(
      nodes[standby],
      path,
      'record',
      'show',
      took.id,
      '--peer',
      '--timeout',
      '50',
    )
    expect([fetched.exitCode, fetched.err]).toEqual([0, ''])
    expect(fetched.out).toBe((await offline('record', 'show', both)).stdout)
    expect(fetched.out).toMatch(/fit by the heartbeats of both to \d+\.\d ms/)
  }, 170_000)

  it('are joined with what the dead node tells after its return, and stand alone before', async () => {
    let active: LabNodeName = 'sp1'
    await until(async () => {
      active = (await isActive('sp1')) ? 'sp1' : 'sp2'
      return await isActive(active)
    }, 20_000)
    const survivor = otherNode(active)
    const known = new Set((await all(survivor)).map(({ id }) => id))
    const knownThere = new Set((await all(active)).map(({ id }) => id))
    const whileAlive = letIn(active)
    await nodes[active].powerOff()
    const took = await until(async () => {
      const found = (await all(survivor)).find(({ id }) => !known.has(id))
      return found?.what === 'took over' ? found : null
    }, 60_000)

    const show = ['record', 'show', took.id, '--peer', '--timeout']
    const alone = await typedWithSsh(nodes[survivor], whileAlive, ...show, '4')
    expect(alone.exitCode).toBe(0)
    expect(alone.out).toMatch(new RegExp(`^${survivor} took over at `))
    expect(alone.out).toMatch(new RegExp(`\nOf ${survivor} alone: ${active} does not answer: `))

    await nodes[active].powerOn()
    await tandemPair('default').start(nodes[active])
    await until(async () => {
      const fresh = (await all(active).catch(() => [])).filter(({ id }) => !knownThere.has(id))
      return fresh.some(({ what }) => what === 'started')
    }, 60_000)
    const path = letIn(active)
    const both = await typedWithSsh(nodes[survivor], path, ...show, '50')
    expect([both.exitCode, both.err]).toEqual([0, ''])
    expect(both.out).toMatch(new RegExp(`^${survivor} took over at `, 'm'))
    expect(both.out).toMatch(new RegExp(`^${active} started at `, 'm'))
    expect(both.out).toMatch(
      new RegExp(
        `^${active} kept nothing of that moment: its record begins [0-9.]+ m?s after it`,
        'm',
      ),
    )
    const json = await typedWithSsh(nodes[survivor], path, ...show, '50', '--json')
    const story = JSON.parse(json.out) as { records: unknown[]; lines: { node: string }[] }
    expect(story.records).toHaveLength(2)
    const tellers = new Set(story.lines.map(({ node }) => node))
    expect([tellers.has('sp1'), tellers.has('sp2')]).toEqual([true, true])
  }, 170_000)

  it('are kept when an operator asks', async () => {
    const kept = JSON.parse(await asked('sp1', 'record', 'now', '--json')) as { id: string }
    expect(await asked('sp1', 'record', 'show', kept.id)).toContain('was kept by hand')
    expect((await offline('replay', fileOf('sp1', kept.id))).code).toBe(0)
  }, 60_000)
})
