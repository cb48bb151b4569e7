/**
 * Goal: a load-balancer in front of several pairs sends calls to this one only while it is to have them,
 * whatever it forgets and whichever node serves. Method: a real Kamailio with two destinations in front of a
 * real pair of the lab; requests are sent through it, and who answers says its name.
 */
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LabNodeName, NODE_NAMES, otherNode } from '../../src/lab/plan.ts'
import { EdgeLab } from '../helpers/edge-lab.ts'
import { until } from '../helpers/until.ts'

const runs = process.getuid?.() === 0 && existsSync('/usr/sbin/kamailio')

let edge: EdgeLab

/** Once those answer and nobody else, by turns. */
async function answeredBy(...names: string[]): Promise<void> {
  await until(async () => (await edge.answers()).join() === names.join(), 40_000)
}

async function alarmsOf(node: LabNodeName): Promise<string[]> {
  return (await edge.pair.statusOf(node))?.alarms.map(({ code }) => code) ?? []
}

describe.skipIf(!runs)('a load-balancer in front of the pair', () => {
  beforeAll(async () => {
    edge = await EdgeLab.build('tdedge')
  }, 120_000)

  afterAll(() => edge.destroy(), 60_000)

  it('sends requests to both pairs, and both nodes see that it does', async () => {
    const active = await edge.pair.whole()
    await edge.seen('active')
    await answeredBy('other', 'pair')
    expect(await edge.balancer(active)).toMatchObject({ wanted: 'active', trouble: null })
    expect(await edge.balancer(otherNode(active))).toMatchObject({ wanted: null, trouble: null })
  }, 90_000)

  it('sends none here once an operator drained the pair on either node, through reload, restart and a move', async () => {
    const active = await edge.pair.whole()
    const drained = await edge.pair.ask(otherNode(active), 'drain', 'on')
    expect([drained.ok, drained.stdout]).toEqual([
      true,
      expect.stringContaining('done: every load-balancer was seen to know it'),
    ])
    expect(await edge.answers()).not.toContain('pair')
    for (const name of NODE_NAMES) expect(await alarmsOf(name)).toContain('drained')

    await edge.reload()
    await answeredBy('other')
    await edge.seen('drained')

    await edge.killBalancer()
    edge.startBalancer()
    await answeredBy('other')
    await edge.seen('drained')

    expect((await edge.pair.makeStandby(active)).ok).toBe(true)
    await edge.reload()
    await answeredBy('other')
    await edge.seen('drained')
    expect(await edge.balancer(otherNode(active))).toMatchObject({
      wanted: 'drained',
      why: 'operator',
    })

    const ended = await edge.pair.ask(active, 'drain', 'off')
    expect([ended.ok, ended.stderr]).toEqual([true, ''])
    await answeredBy('other', 'pair')
  }, 240_000)

  it('that cannot be told is an alarm on both nodes, and is told when it is back', async () => {
    const active = await edge.pair.whole()
    await edge.killBalancer()
    const asked = await edge.pair.ask(active, 'drain', 'on')
    expect([asked.ok, asked.stderr]).toEqual([
      false,
      expect.stringMatching(
        /edge1: JSON-RPC dispatcher\.list to .*: expected a result, the port is closed/,
      ),
    ])
    for (const name of NODE_NAMES) {
      await until(async () => (await alarmsOf(name)).includes('load-balancer'), 30_000)
    }
    edge.startBalancer()
    await edge.seen('drained')
    expect(await edge.answers()).not.toContain('pair')
    expect((await edge.pair.ask(active, 'drain', 'off')).ok).toBe(true)
  }, 180_000)

  it('loses the pair that is put into maintenance as a whole, and one whose last agent ends', async () => {
    const active = await edge.pair.whole()
    const standby = otherNode(active)
    await edge.pair.nodes[standby].powerOff()
    await until(async () => (await edge.pair.statusOf(active))?.peer.heard === false, 30_000)
    expect((await edge.pair.ask(active, 'maintenance', 'on', '--force')).ok).toBe(true)
    await edge.seen('drained', [active])
    expect((await edge.pair.ask(active, 'maintenance', 'off')).ok).toBe(true)
    await edge.seen('active', [active])

    const agent = (await edge.pair.statusOf(active))?.self.pid ?? 0
    process.kill(agent, 'SIGTERM')
    await until(async () => !edge.pair.nodes[active].processes().includes(agent), 30_000)
    // Told, not found out: its own probes would make it I.
    expect(await edge.flags()).toMatch(/^D/)
    expect(await edge.answers()).not.toContain('pair')
    await edge.pair.startAgent(active)
    await edge.seen('active', [active])
    await answeredBy('other', 'pair')
  }, 240_000)
})
