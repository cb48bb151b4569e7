/**
 * Goal: in mode `fence` nodes that boot and cannot reach each other by any way end with one of them, switched off by
 * the other before that serves; and while nobody can be switched off, nobody takes over. Method: two systems that boot,
 * the package, a fence agent on each whose controller takes the power of the other.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BootedPair } from '../../src/lab/booted/pair.ts'
import { FENCE_LINES, PowerSwitch } from '../../src/lab/booted/power-switch.ts'
import { APART, heal, impose } from '../../src/lab/faults.ts'
import {
  bootedPair,
  expectDone,
  figuresText,
  PROFILE,
  PROMISE,
  playbook,
  servedBy,
  statusOf,
  watched,
  whole,
} from '../helpers/booted-stage.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0
/** What the agent is waited for besides: two runs of it, and its controller, on a busy machine. */
const FENCING_MS = 2_000
/** `sp2` lets `sp1` shoot first. */
const SECOND_MS = 1_200
let pair: BootedPair
let controller: PowerSwitch

describe.skipIf(!isRoot)('a pair that boots, with a fence', { retry: 0 }, () => {
  beforeAll(async () => {
    pair = await bootedPair('tandemfenced', { more: FENCE_LINES })
    controller = new PowerSwitch(pair.nodes)
    expectDone(await playbook(pair, 'site.yml'))
    await pair.prober.start()
    await pair.prober.untilServed(1000, 30_000)
  }, 900_000)

  afterAll(async () => {
    process.stderr.write(`a pair with a fence, profile ${PROFILE}:\n${figuresText()}`)
    await controller?.close()
    await pair?.destroy()
  }, 60_000)

  /** Each has tried the agent, and it can be used. */
  async function fenced() {
    const roles = await whole(pair)
    for (const node of Object.values(pair.nodes)) {
      await until(async () => (await statusOf(node))?.fence?.power === 'on')
    }
    return roles
  }

  it('the node that serves is switched off before the other takes over, and stays off until somebody comes', async () => {
    const { active, standby } = await fenced()
    const outageMs = PROMISE.powerCut + SECOND_MS + FENCING_MS
    await watched(pair, 'nodes apart', { outageMs, movesMax: 1 }, async () => {
      await impose(pair.lab, APART)
      await servedBy(pair, standby)
    })
    expect(pair.nodes[active].on).toBe(false)
    expect((await statusOf(pair.nodes[standby]))?.fence).toMatchObject({
      power: 'off',
      last: { off: true },
    })
    await heal(pair.lab)
    const idle = { outageMs: PROMISE.nothing, movesMax: 0 }
    await watched(pair, 'it is given its power back', idle, async () => {
      await controller.powerOn(active)
      expect(await whole(pair)).toEqual({ active: standby, standby: active })
    })
  }, 180_000)

  it('nobody takes over while the fence fails, and the node that serves goes on', async () => {
    const { active, standby } = await fenced()
    controller.broken = true
    const idle = { outageMs: PROMISE.nothing, movesMax: 0 }
    await watched(pair, 'nodes apart, and the fence fails', idle, async () => {
      await impose(pair.lab, APART)
      await until(async () =>
        (await statusOf(pair.nodes[standby]))?.alarms.some(({ code }) => code === 'fence-failed'),
      )
      await sleep(3_000)
      expect((await statusOf(pair.nodes[standby]))?.local.state).toBe('standby')
      await heal(pair.lab)
      controller.broken = false
      expect(await whole(pair)).toEqual({ active, standby })
    })
    expect(Object.values(pair.nodes).map(({ on }) => on)).toEqual([true, true])
  }, 180_000)
})
