/**
 * Goal: an installed platform keeps its calls and its data when its nodes are upgraded, lose power, fill their
 * disks, or their services die. Method: two Debian systems that boot with Debian's own Kamailio, rtpengine, Redis
 * and MariaDB, set up by the playbooks; telephones and a writing client beside them. One story, in order.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DESK } from '../../src/lab/booted/operator.ts'
import { BootedPair } from '../../src/lab/booted/pair.ts'
import { NODE_NAMES, otherNode } from '../../src/lab/plan.ts'
import {
  expectDone,
  expectUnchanged,
  figuresText,
  PROFILE,
  PROMISE,
  playbook,
  servedBy,
  statusOf,
  watched,
} from '../helpers/booted-stage.ts'
import { buildPackage } from '../helpers/package-file.ts'
import { CALL_SILENCE, settled, sql, underCalls } from '../helpers/platform-stage.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0
const APPLICATION = `
CREATE DATABASE app;
CREATE TABLE app.t (id BIGINT PRIMARY KEY, v VARCHAR(200) NOT NULL);
CREATE USER 'app'@'%' IDENTIFIED BY 'lab-app';
GRANT ALL ON app.* TO 'app'@'%';
`
let pair: BootedPair

describe.skipIf(!isRoot)('a platform that boots, looked after by Tandem', { retry: 0 }, () => {
  beforeAll(async () => {
    const [file] = await Promise.all([
      buildPackage('0.1.0-1'),
      (async () => {
        pair = await BootedPair.build('tandemplatform', { profile: PROFILE, platform: true })
      })(),
    ])
    pair.operator.take(file, `${DESK}/tandem.deb`)
  }, 900_000)

  afterAll(async () => {
    process.stderr.write(`an installed platform, profile ${PROFILE}:\n${figuresText()}`)
    await pair?.destroy()
  }, 60_000)

  it('one playbook sets stores and services up and makes two hosts a pair', async () => {
    expectDone(await playbook(pair, 'site.yml'))
    const { active } = await settled(pair)
    for (const name of NODE_NAMES) {
      const doctor = await pair.nodes[name].run(['tandem', 'doctor'])
      expect(doctor.ok ? '' : doctor.stdout + doctor.stderr).toBe('')
    }
    expect((await statusOf(pair.nodes[active]))?.alarms).toEqual([])
    expectUnchanged(await playbook(pair, 'site.yml'))
    await sql(pair.nodes[active], APPLICATION)
    await pair.prober.start()
    await pair.prober.untilServed(1000, 30_000)
  }, 300_000)

  it('a planned move keeps every call and every write', async () => {
    const { active, standby } = await settled(pair)
    const limits = { silenceMs: CALL_SILENCE.move, holdMs: 20_000 }
    await underCalls(pair, 'make-standby', limits, async () => {
      expect(await pair.nodes[active].run(['tandem', 'make-standby'])).toMatchObject({ ok: true })
      await servedBy(pair, standby)
    })
  }, 120_000)

  it('an upgrade of both nodes loses no call', async () => {
    pair.operator.take(await buildPackage('0.1.0-2'), `${DESK}/tandem.deb`)
    const limits = { silenceMs: CALL_SILENCE.move, holdMs: 90_000 }
    await underCalls(pair, 'upgrade.yml', limits, async () => {
      expectDone(await playbook(pair, 'upgrade.yml'))
    })
    for (const name of NODE_NAMES) {
      const told = await pair.nodes[name].run(['dpkg-query', '-W', 'tandem'])
      expect(told.stdout).toBe('tandem\t0.1.0-2\n')
    }
  }, 300_000)

  it('a power cut of the active loses no call and no write, and its stores follow when it is back', async () => {
    const { active, standby } = await settled(pair)
    const limits = { silenceMs: CALL_SILENCE.powerCut, holdMs: 40_000 }
    await underCalls(pair, 'power cut of the active', limits, async () => {
      await pair.nodes[active].powerOff()
      await servedBy(pair, standby)
      await pair.nodes[active].powerOn()
      expect(await settled(pair)).toEqual({ active: standby, standby: active })
    })
  }, 180_000)

  it.each(['rtpengine-daemon', 'kamailio', 'kamailio-proxy'])(
    'a killed %s is back at once, and nothing moves',
    async (unit) => {
      const roles = await settled(pair)
      const node = pair.nodes[roles.active]
      const limits = { silenceMs: 500, holdMs: 10_000 }
      await underCalls(pair, `kill -9 of ${unit}`, limits, async () => {
        await node.run(['systemctl', 'kill', '--signal=KILL', unit])
        await sleep(1_000)
        expect(await settled(pair)).toEqual(roles)
      })
    },
    90_000,
  )
})
