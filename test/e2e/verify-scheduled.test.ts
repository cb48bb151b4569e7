/**
 * Goal: the standby of a calm pair has its stores compared without being asked, and status tells the result,
 * also after a restart of its agent. Method: a real pair with Redis and an interval that is over at once.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StatusDocument } from '../../src/control/schema.ts'
import { LabNode } from '../../src/lab/node.ts'
import { askTandem, type PairDriver, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, otherNode, planLab } from '../../src/lab/plan.ts'
import { killUntilGone } from '../../src/lab/process.ts'
import { LabRedis, redisConfigLines } from '../../src/lab/redis.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'

const isRoot = process.getuid?.() === 0

let lab: Lab
let nodes: Record<LabNodeName, LabNode>
let redis: Record<LabNodeName, LabRedis>
let driver: PairDriver

async function statusOf(node: LabNodeName): Promise<StatusDocument | null> {
  const asked = await askTandem(nodes[node], 'status', '--json')
  return asked.ok ? (JSON.parse(asked.stdout) as StatusDocument) : null
}

async function until<Value>(ask: () => Promise<Value | null>, limitMs: number): Promise<Value> {
  const endMs = Date.now() + limitMs
  for (;;) {
    const value = await ask()
    if (value !== null) return value
    if (Date.now() > endMs) throw new Error('did not come about in time')
    await sleep(200)
  }
}

/** The standby that follows. */
const standby = (): Promise<LabNodeName> =>
  until(async () => {
    for (const name of ['sp1', 'sp2'] as const) {
      const status = await statusOf(name)
      if (status?.local.state === 'standby' && status.stores[0]?.following === true) return name
    }
    return null
  }, 20_000)

const verifiedOn = async (node: LabNodeName) => (await statusOf(node))?.stores[0]?.verified ?? null

describe.skipIf(!isRoot)('a real pair that is to compare its stores every hour', () => {
  beforeAll(async () => {
    lab = await buildLab(planLab('teverify'))
    nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    redis = { sp1: new LabRedis(nodes.sp1), sp2: new LabRedis(nodes.sp2) }
    const account = [
      '  verify_user: tandem_verify',
      `  verify_password_file: ${lab.plan.workDir}/redis.password`,
      '  verify_every: 1h',
    ]
    driver = tandemPair('fast', undefined, [...redisConfigLines(lab.plan.workDir), ...account])
    mkdirSync(lab.plan.workDir, { recursive: true })
    await driver.prepare(lab)
    for (const name of ['sp1', 'sp2'] as const) {
      await nodes[name].reinstall()
      await redis[name].start()
      await driver.start(nodes[name])
    }
  }, 60_000)

  afterAll(async () => {
    for (const node of Object.values(nodes)) await killUntilGone(() => node.processes())
    await lab.destroy()
    rmSync(lab.plan.workDir, { recursive: true, force: true })
  }, 60_000)

  it('does so on the standby after a minute of calm, and tells it also after a restart', async () => {
    const node = await standby()
    await redis[otherNode(node)].ask('SET', 'application', '1')
    expect(await verifiedOn(node)).toBe(null)
    const verified = await until(() => verifiedOn(node), 90_000)
    expect(verified).toMatchObject({
      differences: 0,
      sentence: '1 key in 1 database: the same on both nodes',
    })
    // By the standby alone, so that the active does what it must.
    expect(await verifiedOn(otherNode(node))).toBe(null)
    await killUntilGone(() => nodes[node].processes())
    await redis[node].start()
    await driver.start(nodes[node])
    expect(await until(() => verifiedOn(node), 20_000)).toEqual(verified)
  }, 150_000)
})
