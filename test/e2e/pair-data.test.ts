/**
 * Goal: after a double outage a node that may lack what the peer confirmed does not serve as if it had
 * everything, and an operator sees and does what there is to do about data that was set aside. Method:
 * real agents and real Redis servers on the lab's two nodes; machines lose power one after the other.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DataDocument } from '../../src/control/data-schema.ts'
import type { ExplainDocument, StatusDocument } from '../../src/control/schema.ts'
import { LabNode } from '../../src/lab/node.ts'
import { askTandem, type PairDriver, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, otherNode, planLab } from '../../src/lab/plan.ts'
import { killUntilGone } from '../../src/lab/process.ts'
import { LabRedis, redisConfigLines } from '../../src/lab/redis.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'

const isRoot = process.getuid?.() === 0
/** Much longer than everything that a busy machine makes of the steps before it ends. */
const STALE_WAIT_MS = 60_000

let lab: Lab
let nodes: Record<LabNodeName, LabNode>
let redis: Record<LabNodeName, LabRedis>
let driver: PairDriver

async function document<Shape>(node: LabNodeName, ...words: string[]): Promise<Shape | null> {
  const [command = '', ...rest] = words
  const asked = await askTandem(nodes[node], command, ...rest, '--json')
  return asked.ok ? (JSON.parse(asked.stdout) as Shape) : null
}

const statusOf = (node: LabNodeName) => document<StatusDocument>(node, 'status')
const dataOf = (node: LabNodeName) => document<DataDocument>(node, 'data', 'show')

async function until<Value>(ask: () => Promise<Value | null>, limitMs = 60_000): Promise<Value> {
  const endMs = Date.now() + limitMs
  for (;;) {
    const value = await ask()
    if (value !== null) return value
    if (Date.now() > endMs) throw new Error('did not come about in time')
    await sleep(100)
  }
}

const serves = (node: LabNodeName) => async () => {
  const status = await statusOf(node)
  return status?.local.state === 'active' && status.stores[0]?.role === 'writable' ? true : null
}

/** One node serves and takes writes, the other follows it. */
const settled = (): Promise<LabNodeName> =>
  until(async () => {
    for (const name of ['sp1', 'sp2'] as const) {
      if ((await serves(name)()) === null) continue
      const theirs = await statusOf(otherNode(name))
      if (theirs?.stores[0]?.following === true) return name
    }
    return null
  })

async function boot(node: LabNodeName): Promise<void> {
  await nodes[node].powerOn()
  await redis[node].start()
  await driver.start(nodes[node])
}

/** The standby dies, the active writes alone and dies too, the standby boots with what it had. */
async function doubleOutage(key: string): Promise<{ newer: LabNodeName; older: LabNodeName }> {
  const newer = await settled()
  const older = otherNode(newer)
  await nodes[older].powerOff()
  expect(await redis[newer].ask('SET', key, 'confirmed by the one that went on')).toBe('OK')
  await sleep(1_200)
  await nodes[newer].powerOff()
  await boot(older)
  return { newer, older }
}

describe.skipIf(!isRoot)('a double outage', () => {
  beforeAll(async () => {
    lab = await buildLab(planLab('tandemdata'))
    nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    redis = { sp1: new LabRedis(nodes.sp1), sp2: new LabRedis(nodes.sp2) }
    // Not the quick times: a pause of a busy machine lets the wait begin anew.
    driver = tandemPair('default', undefined, redisConfigLines(lab.plan.workDir), [
      `data: {stale_wait_ms: ${STALE_WAIT_MS}}`,
    ])
    mkdirSync(lab.plan.workDir, { recursive: true })
    await driver.prepare(lab)
    for (const name of ['sp1', 'sp2'] as const) {
      await nodes[name].reinstall()
      await redis[name].start()
      await driver.start(nodes[name])
    }
    await settled()
  }, 120_000)

  afterAll(async () => {
    for (const node of Object.values(nodes)) await killUntilGone(() => node.processes())
    await lab.destroy()
    rmSync(lab.plan.workDir, { recursive: true, force: true })
  }, 120_000)

  it('leaves the node with older data waiting, says why, and an operator may accept it', async () => {
    const { newer, older } = await doubleOutage('first')
    const startedMs = Date.now()
    await until(() => statusOf(older))
    // Long enough for a takeover by all other rules, and well before stale data may serve.
    while (Date.now() < startedMs + 4_000) {
      const local = (await statusOf(older))?.local
      expect([local?.able, ['demoting', 'standby'].includes(local?.role ?? '')]).toEqual([
        false,
        true,
      ])
      await sleep(200)
    }
    const status = await statusOf(older)
    expect(status?.alarms.map(({ code }) => code)).toContain('data-behind')
    const explain = await document<ExplainDocument>(older, 'explain')
    expect(explain?.blockers.map(({ code }) => code)).toContain('data-may-be-stale')
    expect((await dataOf(older))?.behind).toContain('the peer served last')

    const forced = await askTandem(nodes[older], 'make-active', '--force')
    expect([forced.ok, forced.stderr]).toEqual([true, ''])
    expect(Date.now() - startedMs).toBeLessThan(STALE_WAIT_MS)
    await until(serves(older))
    expect(await redis[older].ask('SET', 'second', 'of the older data')).toBe('OK')
    expect((await statusOf(older))?.alarms.map(({ code }) => code)).not.toContain('data-behind')

    // What the other had confirmed is set aside when it comes back, and is nowhere in the live data.
    await boot(newer)
    expect(await settled()).toBe(older)
    expect(await redis[newer].keys('*')).not.toContain('first')
    const [store] = (await dataOf(newer))?.stores ?? []
    const [archive] = store?.archives ?? []
    expect(archive?.bytes).toBeGreaterThan(100)
    expect(existsSync(`${archive?.directory}/dump.rdb`)).toBe(true)
    const shown = await askTandem(nodes[newer], 'data', 'show')
    expect(shown.stdout).toContain(archive?.directory)
    expect(shown.stdout).toContain('follows the peer')
  }, 240_000)

  it('ends by itself after the wait that the policy says', async () => {
    const { newer, older } = await doubleOutage('third')
    const startedMs = Date.now()
    await until(serves(older), 2 * STALE_WAIT_MS + 20_000)
    const tookMs = Date.now() - startedMs
    expect(tookMs).toBeGreaterThan(STALE_WAIT_MS - 1_000)
    await boot(newer)
    expect(await settled()).toBe(older)
  }, 240_000)

  it('of both at once ends with the one that served last', async () => {
    let active = await settled()
    // By name alone it would be sp1.
    if (active === 'sp1') {
      expect((await askTandem(nodes.sp1, 'make-standby')).ok).toBe(true)
      active = await settled()
    }
    expect(active).toBe('sp2')
    await sleep(1_000)
    await Promise.all([nodes.sp1.powerOff(), nodes.sp2.powerOff()])
    await Promise.all([boot('sp1'), boot('sp2')])
    expect(await settled()).toBe('sp2')
  }, 240_000)

  it('is not what an agent that restarts on a standby has: it follows again and is able', async () => {
    const active = await settled()
    const standby = otherNode(active)
    const pid = (await statusOf(standby))?.self.pid ?? 0
    process.kill(pid, 'SIGTERM')
    await until(async () => (nodes[standby].processes().includes(pid) ? null : true))
    await driver.start(nodes[standby])
    await settled()
    const status = await until(async () => {
      const now = await statusOf(standby)
      return now?.alarms.some(({ code }) => code === 'data-behind') ? null : now
    })
    expect(status?.local).toMatchObject({ able: true, healthy: true })
  }, 120_000)

  it('asks for nothing that an operator cannot do: archives and returns by hand', async () => {
    const active = await settled()
    const standby = otherNode(active)
    const refused = await askTandem(nodes[active], 'data', 'archive', 'redis')
    expect([refused.ok, refused.stderr]).toEqual([
      false,
      expect.stringMatching(
        /^tandem data: refused: sp\d serves, .*\(serves-here\)\n {2}mend: ask on/,
      ),
    ])
    const unknown = await askTandem(nodes[standby], 'data', 'rejoin', 'mysql')
    expect([unknown.ok, unknown.stderr]).toEqual([
      false,
      'tandem data: refused: there is no store mysql (store-unknown)\n  mend: name one of: redis\n',
    ])
    const archived = await askTandem(nodes[standby], 'data', 'archive', 'redis')
    expect([archived.ok, archived.stderr]).toEqual([true, ''])
    expect(archived.stdout).toMatch(
      /redis: Set aside \d+ keys of redis; .*\n.*wrote .*\/dump\.rdb\n/,
    )
    const following = await askTandem(nodes[standby], 'data', 'rejoin', 'redis')
    expect(following.stdout).toMatch(
      /redis follows the peer already\ndone: the store follows the peer\n$/,
    )
    const fullSyncs = async () =>
      Number(/^sync_full:(\d+)/m.exec(await redis[active].ask('INFO', 'stats'))?.[1])
    const before = await fullSyncs()
    const copied = await askTandem(nodes[standby], 'data', 'rejoin', 'redis', '--copy')
    expect([copied.ok, copied.stderr]).toEqual([true, ''])
    expect(copied.stdout).toMatch(
      /the peer sends everything\n.*done: the store follows the peer\n$/s,
    )
    expect((await fullSyncs()) - before).toBe(1)
    expect(await settled()).toBe(active)
  }, 120_000)
})
