/**
 * Goal: an installed platform keeps its calls and its data when its nodes are upgraded, lose power, fill their
 * disks, or their services die. Method: two Debian systems that boot with Debian's own Kamailio, rtpengine, Redis
 * and MariaDB, set up by the playbooks; telephones and a writing client beside them. One story, in order.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APPLICATION_STATEMENTS } from '../../src/lab/application.ts'
import type { BootedNode } from '../../src/lab/booted/node.ts'
import { DESK } from '../../src/lab/booted/operator.ts'
import type { BootedPair } from '../../src/lab/booted/pair.ts'
import { NODE_NAMES } from '../../src/lab/plan.ts'
import {
  bootedPair,
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
let pair: BootedPair

describe.skipIf(!isRoot)('a platform that boots, looked after by Tandem', { retry: 0 }, () => {
  beforeAll(async () => {
    pair = await bootedPair('tandemplatform', { platform: true })
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
    await sql(pair.nodes[active], APPLICATION_STATEMENTS)
    await pair.prober.start()
    await pair.prober.untilServed(1000, 30_000)
  }, 300_000)

  it('other passwords of stores beside running agents are refused, and nothing has changed', async () => {
    const file = `${DESK}/secrets/mariadb.password`
    const before = readFileSync(pair.operator.pathOf(file), 'utf8')
    pair.operator.write(file, 'another\n')
    const refused = await playbook(pair, 'configure.yml')
    pair.operator.write(file, before)
    expect(refused.exitCode).not.toBe(0)
    expect(refused.text).toContain('and an agent runs there')
    for (const { root } of Object.values(pair.nodes)) {
      expect(readFileSync(join(root, '/etc/tandem/mariadb.password'), 'utf8')).toBe(before)
    }
    expectUnchanged(await playbook(pair, 'configure.yml'))
  }, 180_000)

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
    const limits = { silenceMs: CALL_SILENCE.move, holdMs: 75_000 }
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

  it('a frozen lb is noticed and started again, and nothing moves', async () => {
    const roles = await settled(pair)
    const node = pair.nodes[roles.active]
    const limits = { silenceMs: 500, holdMs: 20_000 }
    await underCalls(pair, 'SIGSTOP of kamailio', limits, async () => {
      await node.run(['systemctl', 'kill', '--signal=STOP', 'kamailio'])
      await sleep(3_000)
      expect(await settled(pair)).toEqual(roles)
    })
  }, 90_000)

  it('a full disk moves the role, and its node follows again when there is room', async () => {
    const { active, standby } = await settled(pair)
    const node = pair.nodes[active]
    const limits = { silenceMs: CALL_SILENCE.move, holdMs: 20_000, follows: false }
    try {
      await underCalls(pair, 'disk of the active full', limits, async () => {
        await node.run(['sh', '-c', 'dd if=/dev/zero of=/var/fill bs=1M'])
        await servedBy(pair, standby)
      })
    } finally {
      await node.run(['rm', '/var/fill'])
    }
    // A MariaDB that waits for room looks once a minute.
    expect(await settled(pair, 150_000)).toEqual({ active: standby, standby: active })
  }, 180_000)

  it('a wall clock that is set by hours moves nothing, and is said', async () => {
    // The agents' own clocks, each its own: this machine's is everybody's.
    const { active, standby } = await settled(pair)
    for (const name of [standby, active]) await otherClock(pair.nodes[name])
    const roles = await settled(pair)
    const goesOn = { outageMs: PROMISE.nothing, movesMax: 0 }
    for (const [name, by] of [
      [roles.active, '+3600'],
      [roles.standby, '-7200'],
      [roles.active, '-86400'],
    ] as const) {
      await watched(
        pair,
        `wall clock of the ${name === roles.active ? 'active' : 'standby'} set by ${by} s`,
        goesOn,
        async () => {
          await setClock(pair.nodes[name], by)
          await until(async () =>
            (await statusOf(pair.nodes[name]))?.alarms.some(({ code }) => code === 'clock-jumped'),
          )
          await sleep(2_000)
        },
      )
    }
    expect(await settled(pair)).toEqual(roles)
    for (const name of NODE_NAMES) await ownClock(pair.nodes[name])
  }, 180_000)

  it('a node that boots alone after both lost power says that it may lack data, and serves when an operator accepts that', async () => {
    const { active, standby } = await settled(pair)
    await sql(
      pair.nodes[active],
      'CREATE TABLE app.last (answer INT PRIMARY KEY) SELECT 42 AS answer',
    )
    const anything = { outageMs: null, movesMax: null }
    await watched(pair, 'both without power, then the one that served last', anything, async () => {
      await Promise.all(NODE_NAMES.map((name) => pair.nodes[name].powerOff()))
      const node = pair.nodes[active]
      await node.powerOn()
      await until(async () => {
        const refused = await node.run(['ngcp-make-active'])
        return refused.exitCode === 3 && /may lack data/.test(refused.stderr)
      })
      expect(await node.run(['ngcp-make-active', '--force'])).toMatchObject({ ok: true })
      await servedBy(pair, active)
      expect(await sql(pair.nodes[active], 'SELECT answer FROM app.last')).toBe('42\n')
      await pair.nodes[standby].powerOn()
      expect(await settled(pair)).toEqual({ active, standby })
    })
  }, 180_000)

  it('both nodes that boot at once after both lost power are a pair again', async () => {
    await settled(pair)
    const anything = { outageMs: null, movesMax: null }
    await watched(pair, 'both without power, then both boot', anything, async () => {
      await Promise.all(NODE_NAMES.map((name) => pair.nodes[name].powerOff()))
      await Promise.all(NODE_NAMES.map((name) => pair.nodes[name].powerOn()))
      const { active } = await settled(pair)
      await servedBy(pair, active)
      expect(await sql(pair.nodes[active], 'SELECT answer FROM app.last')).toBe('42\n')
    })
  }, 180_000)

  it("uninstalled with everything, the stores are Debian's again and hold their data", async () => {
    const { active } = await settled(pair)
    const done = 'uninstall.yml -e tandem_confirm=uninstall -e tandem_purge=true'
    expectDone(await playbook(pair, done))
    const node = pair.nodes[active]
    for (const each of Object.values(pair.nodes)) {
      for (const unit of ['redis-server', 'mariadb']) {
        expect(await each.run(['systemctl', 'restart', unit])).toMatchObject({ ok: true })
      }
      expect(await sql(each, 'SHOW ALL SLAVES STATUS')).toBe('')
    }
    await sql(node, 'INSERT INTO app.last VALUES (43)')
    expect(await sql(node, 'SELECT SUM(answer) FROM app.last')).toBe('85\n')
    expect((await node.run(['redis-cli', 'set', 'a', 'b'])).stdout).toBe('OK\n')
  }, 180_000)
})

const CLOCK = '/etc/tandem-lab-clock'
const DROP_IN = '/run/systemd/system/tandemd.service.d/clock.conf'

/**
 * Has the agent of a node read its wall clock from a file: how many seconds it is off. Nothing else of its unit:
 * the programs of the crash helper would find their limits over at once, and end the stores.
 */
async function otherClock(node: BootedNode): Promise<void> {
  const clock = [
    'LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
    `FAKETIME_TIMESTAMP_FILE=${CLOCK}`,
    'FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_RESET=1',
  ]
  const start = `ExecStart=/usr/bin/env ${clock.join(' ')} /usr/bin/tandem agent`
  const lines = ['[Service]', 'ExecStart=', start, ''].join('\n')
  await setClock(node, '+0')
  await node.run([
    'sh',
    '-c',
    `mkdir -p ${dirname(DROP_IN)}; printf %s "$1" >${DROP_IN}`,
    '',
    lines,
  ])
  await restarted(node)
}

async function ownClock(node: BootedNode): Promise<void> {
  await node.run(['rm', DROP_IN])
  await restarted(node)
}

async function restarted(node: BootedNode): Promise<void> {
  await node.run(['systemctl', 'daemon-reload'])
  expect(await node.run(['systemctl', 'restart', 'tandemd'])).toMatchObject({ ok: true })
  await settled(pair)
}

async function setClock(node: BootedNode, seconds: string): Promise<void> {
  await node.run(['sh', '-c', `echo '${seconds}' >${CLOCK}`])
}
