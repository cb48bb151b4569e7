/**
 * Goal: calls live on when the pair moves, loses a node, or a service of it dies; what cannot run makes the
 * node unfit, and two broken nodes do not play ping-pong. Method: real Kamailio (lb and proxy), rtpengine and
 * Redis in a pair of the lab, looked after by the agents; SIPp as caller and callee with media both ways; what
 * they heard is read from a capture.
 *
 * How quick it is depends on the machine; what is held to here is what must be so on any.
 */
import { existsSync, readFileSync } from 'node:fs'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { HistoryDocument } from '../../src/control/schema.ts'
import { Calls, type CallsResult, type Silence, silenceOf } from '../../src/lab/calls.ts'
import { callsLeft, platformPorts, relaySessions } from '../../src/lab/leftovers.ts'
import { floatingIpOf, type LabNodeName, NODE_NAMES, otherNode } from '../../src/lab/plan.ts'
import {
  growSbc,
  noticedAtMs,
  serviceOf,
  signalService,
  stopWorkers,
  untilBack,
} from '../../src/lab/service-fault.ts'
import type { StorePair } from '../../src/lab/store-pair.ts'
import { buildVoipPair, untilServed, voipMissing } from '../../src/lab/voip.ts'
import {
  SBC_MEMORY_MB,
  VOIP_PORTS,
  VOIP_SERVICES,
  type VoipService,
} from '../../src/lab/voip-config.ts'
import { LONG } from '../helpers/long.ts'
import { until } from '../helpers/until.ts'

const runs = process.getuid?.() === 0 && voipMissing() === null
const COUNT = 20
/** The longest wait of `default` for a silent peer, and what a busy machine adds to the rest. */
const GAP_MAX_MS = 4_000
const WATCH_MS = 8_000
const HOLD_MS = 12_000

let pair: StorePair

/** Calls that stand while something happens. @returns how they came to their end, and since when */
async function during(happens: () => Promise<unknown>) {
  const calls = await Calls.start(pair.lab, { count: COUNT, rate: COUNT, holdMs: HOLD_MS })
  await calls.untilEstablished()
  const beginMs = Date.now()
  try {
    await happens()
  } catch (error) {
    // Telephones that go on would be in the way of the next test.
    await calls.end(0)
    throw error
  }
  const result = await calls.end(HOLD_MS + 20_000)
  return { ...result, silence: silenceOf(result.media, beginMs, beginMs + WATCH_MS) }
}

type Ended = CallsResult & { silence: Silence | null }

function told(what: string, { silence }: Ended): void {
  const { min = 0, median = 0, max = 0 } = silence?.gapMs ?? {}
  const three = [min, median, max].map((ms) => ms.toFixed(0)).join(' / ')
  const control = `they themselves paused ${silence?.controlMs.toFixed(0)} ms`
  console.log(`${what}: silence ${three} ms in ${silence?.directions} directions, ${control}`)
}

/** Every call went on, through the relay, and nothing of it is left now that it is over. */
async function allLive({ survived, failed, silence, media }: Ended): Promise<void> {
  expect([survived, failed]).toEqual([COUNT, 0])
  expect(silence?.directions).toBeGreaterThanOrEqual(2 * COUNT)
  expect(silence?.gapMs.max).toBeLessThan(GAP_MAX_MS)
  expect(media.past).toBe(0)
  await untilServed(pair)
  expect(await callsLeft(pair.lab.plan)).toEqual([])
}

async function changes(node: LabNodeName): Promise<number> {
  return (await pair.documentOf<HistoryDocument>(node, 'history'))?.transitions.length ?? -1
}

async function killFamily(node: LabNodeName, name: VoipService): Promise<void> {
  if ((await serviceOf(pair, node, name))?.pid) await signalService(pair, node, name, 'SIGKILL')
}

/** The newest takeover of a node, as its history tells it: each step once, at a moment of its own. */
async function tookOverInOrder(node: LabNodeName): Promise<void> {
  const text = (await pair.ask(node, 'history', '--limit', '4')).stdout
  expect(text).toMatch(/\n +\+\d+ ms {2}the gate is open\n/)
  const history = await pair.documentOf<HistoryDocument>(node, 'history')
  const steps = history?.transitions.find((change) => change.steps !== undefined)?.steps ?? []
  const at = (pattern: RegExp): number => {
    const found = steps.filter(({ sentence }) => pattern.test(sentence))
    expect([pattern.source, found.length]).toEqual([pattern.source, 1])
    return found[0]?.afterMs ?? Number.NaN
  }
  const gate = at(/^the gate is open$/)
  const redis = at(/^redis takes writes \(/)
  const calls = at(/^rtpengine was told "active" \(/)
  const announced = at(/^the floating IPs are announced$/)
  const up = at(/^every service is up$/)
  // rtpengine writes every call to Redis when it is told.
  expect([gate, redis, calls, up]).toEqual([gate, redis, calls, up].toSorted((a, b) => a - b))
  expect(announced).toBeGreaterThanOrEqual(gate)
  console.log(steps.map(({ afterMs, sentence }) => `+${afterMs} ms ${sentence}`).join('\n'))
}

async function powerCut(): Promise<void> {
  const active = await untilServed(pair)
  const result = await during(() => pair.nodes[active].powerOff())
  told('power cut', result)
  await pair.comeBack(active)
  await allLive(result)
  expect(await untilServed(pair)).toBe(otherNode(active))
  await tookOverInOrder(otherNode(active))
}

/** Nothing of the platform runs on it, nor holds a port. */
async function untilEmpty(node: LabNodeName): Promise<void> {
  const states = async () => {
    const services = (await pair.statusOf(node))?.services ?? []
    return services.map(({ process, pid }) => `${process} ${pid}`)
  }
  const empty = VOIP_SERVICES.map(() => 'stopped null')
  await until(async () => (await states()).join() === empty.join(), 10_000)
  expect(await platformPorts(pair.lab.plan, node)).toEqual([])
  expect(await relaySessions(pair.lab.plan, node)).toBeNull()
}

describe.skipIf(!runs)('a pair that carries calls, hot', () => {
  beforeAll(async () => {
    pair = await buildVoipPair('tdcalls', { profile: 'default', mode: 'always' })
  }, 120_000)

  afterAll(() => pair.destroy(), 60_000)

  it('moves there and back, every call goes on, and the old active owns none of them', async () => {
    for (let move = 0; move < 2; move += 1) {
      const active = await untilServed(pair)
      let said = ''
      const next = otherNode(active)
      const result = await during(async () => {
        said = (await pair.makeStandby(active)).stdout
        // A probe of its own may be a call for a moment.
        await until(async () => (await relaySessions(pair.lab.plan, active))?.own === 0, 10_000)
        const { own = 0 } = (await relaySessions(pair.lab.plan, next)) ?? {}
        expect(own).toBeGreaterThanOrEqual(COUNT)
      })
      told('planned move', result)
      await allLive(result)
      expect(await untilServed(pair)).toBe(next)
      // Asked on the old active, which shows what either node did, and when.
      expect(said).toMatch(/ms {2}rtpengine was told "standby" \(\d+ ms\)\n/)
      expect(said).toMatch(`${next}, `)
      expect(said).toMatch(/ ms after it began: rtpengine was told "active"\n/)
      expect(said).toMatch(/ ms after it began: every service is up\n/)
      await tookOverInOrder(next)
    }
  }, 180_000)

  it('loses the power of the active, and every call goes on', powerCut, 180_000)

  it('connects calls that were ringing when the power of the active was cut', async () => {
    const active = await untilServed(pair)
    const plan = { count: COUNT, rate: COUNT, holdMs: 4_000, ringMs: 6_000 }
    const calls = await Calls.start(pair.lab, plan)
    await until(
      async () => ((await relaySessions(pair.lab.plan, active))?.own ?? 0) >= COUNT,
      5_000,
    )
    await pair.nodes[active].powerOff()
    const { survived, failed, media } = await calls.end(40_000)
    expect([survived, failed, media.past]).toEqual([COUNT, 0, 0])
    expect(media.heard.length).toBeGreaterThanOrEqual(2 * COUNT)
    await pair.comeBack(active)
    await untilServed(pair)
    expect(await callsLeft(pair.lab.plan)).toEqual([])
  }, 180_000)

  it.each(LONG ? VOIP_SERVICES : (['rtpengine', 'lb', 'sbc'] as const))(
    'starts %s again where it was killed, and the calls go on',
    async (name) => {
      const active = await untilServed(pair)
      const before = await changes(active)
      const result = await during(async () => {
        const pid = await signalService(pair, active, name, 'SIGKILL')
        const killedMs = performance.now()
        await untilBack(pair, active, { name, before: pid }, 20_000)
        console.log(`${name} was back after ${(performance.now() - killedMs).toFixed(0)} ms`)
      })
      await allLive(result)
      expect([await pair.active(), await changes(active)]).toEqual([active, before])
    },
    120_000,
  )

  it.each(LONG ? VOIP_SERVICES : (['rtpengine', 'lb'] as const))(
    'notices that %s is stopped, and starts it again',
    async (name) => {
      const active = await untilServed(pair)
      const before = await changes(active)
      const pid = await signalService(pair, active, name, 'SIGSTOP')
      await untilBack(pair, active, { name, before: pid }, 30_000)
      expect([await pair.active(), await changes(active)]).toEqual([active, before])
    },
    60_000,
  )

  it('takes over changed services while it serves, and nothing else moves', async () => {
    const active = await untilServed(pair)
    const before = await changes(active)
    const pids = async () =>
      Object.fromEntries(
        (await pair.statusOf(active))?.services.map(({ name, pid }) => [name, pid]) ?? [],
      )
    const platform = await pids()
    const directory = `${pair.lab.plan.workDir}/${active}/voip`
    const file = `${pair.lab.plan.workDir}/${active}/config/config.yml`
    const written = readFileSync(file, 'utf8')
    onTestFinished(async () => {
      await writeFile(file, written)
      await pair.ask(active, 'reload')
      await untilServed(pair)
    })
    const extra = (seconds: number): string =>
      `    extra:\n      command: [/bin/sleep, "${seconds}"]\n      mode: always\n      log_file: ${directory}/extra.log\n`
    const use = async (text: string) => {
      await writeFile(file, text)
      return await pair.ask(active, 'reload')
    }
    const lenient = written.replace(/(proxy:\n)/, '$1      check_misses: 5\n')

    expect(await use(`${lenient}${extra(7_001)}`)).toMatchObject({
      ok: true,
      stderr: '',
      stdout:
        'In force:\n  proxy: check_misses in force, its process goes on\n  extra: is looked after from now on\nthe agent runs with this configuration; nothing is to be done\n',
    })
    const first = await until(async () => (await pids())['extra'] ?? null)
    expect(await use(`${lenient}${extra(7_002)}`)).toMatchObject({ ok: true })
    await until(async () => ![null, undefined, first].includes((await pids())['extra']))
    // A slip in a probe would have a healthy lb started again and again.
    const slip = await use(lenient.replace("'sip udp:127.0.0.1:5060'", "'sip udp:127.0.0.1:5999'"))
    expect([slip.ok, slip.stderr]).toEqual([
      false,
      expect.stringContaining('lb is well, and its new checks say'),
    ])
    const mistake = await use(lenient.replace('check_misses: 5', 'check_misses: often'))
    expect([mistake.ok, mistake.stderr]).toEqual([false, expect.stringContaining('check_misses')])
    // By signal, as systemctl reload does it.
    const last = await until(async () => (await pids())['extra'] ?? null)
    await writeFile(file, written)
    process.kill((await pair.statusOf(active))?.self.pid ?? 0, 'SIGHUP')
    await until(async () => (await pids())['extra'] === undefined)
    expect(existsSync(`/proc/${last}`)).toBe(false)
    expect(await pids()).toEqual(platform)
    expect([await pair.active(), await changes(active)]).toEqual([active, before])
  }, 90_000)

  it('places a test call when it took over, and the standby another from outside', async () => {
    const call = `call tandem-a@HOST tandem-b@HOST udp:${floatingIpOf(pair.lab.plan)}:5060 local seconds 1`
    const files = NODE_NAMES.map((name) => `${pair.lab.plan.workDir}/${name}/config/config.yml`)
    const written = files.map((file) => readFileSync(file, 'utf8'))
    onTestFinished(async () => {
      for (const [index, file] of files.entries()) await writeFile(file, written[index] ?? '')
      for (const name of NODE_NAMES) {
        await pair.ask(name, 'service', 'start', 'proxy')
        await pair.ask(name, 'reload')
      }
      await untilServed(pair)
    })
    const lines = `$1  call_check: '${call}'\n  outside_checks: ['${call} every 600s']\n`
    for (const [index, file] of files.entries()) {
      const text = (written[index] ?? '').replace(/^ {2}outside_checks: .*\n/m, '')
      await writeFile(file, text.replace(/^(tandem:\n)/m, lines))
    }
    for (const name of NODE_NAMES) expect((await pair.ask(name, 'reload')).ok).toBe(true)
    const old = await untilServed(pair)
    expect((await pair.makeStandby(old)).ok).toBe(true)
    const active = await untilServed(pair)
    const placed = await until(async () => (await pair.statusOf(active))?.call ?? null, 60_000)
    expect(placed).toMatchObject({
      check: call,
      ok: true,
      why: expect.stringContaining('answered'),
    })
    const seen = await until(async () => (await pair.statusOf(old))?.outside[0] ?? null, 60_000)
    expect(seen).toEqual({ check: `${call} every 600s`, why: null })
    const history = await pair.documentOf<HistoryDocument>(active, 'history')
    const steps = history?.transitions.find((change) => change.steps !== undefined)?.steps
    expect(steps?.at(-1)?.sentence).toMatch(/^the test call went well: /)

    // Without its proxy no call comes about, and nothing moves for that.
    await pair.ask(active, 'service', 'stop', 'proxy')
    expect((await pair.ask(active, 'reload')).ok).toBe(true)
    for (const [index, file] of files.entries()) {
      await writeFile(file, readFileSync(file, 'utf8').replace("local seconds 1'\n", "local'\n"))
      if (NODE_NAMES[index] === active) expect((await pair.ask(active, 'reload')).ok).toBe(true)
    }
    const failed = await until(async () => {
      const now = await pair.statusOf(active)
      return now?.call?.ok === false ? now : null
    }, 60_000)
    expect(failed.alarms.map(({ code }) => code)).toContain('call-check')
    expect(await pair.active()).toBe(active)
  }, 180_000)

  it('notices that nobody serves one SIP socket, though the control socket answers', async () => {
    const active = await untilServed(pair)
    const socket = `127.0.0.1:${VOIP_PORTS.lb}`
    const sinceMs = Date.now()
    const before = await stopWorkers(pair, active, { name: 'lb', socket })
    await untilBack(pair, active, { name: 'lb', before }, 30_000)
    expect(noticedAtMs(pair, active, 'lb', sinceMs)?.text).toContain('OPTIONS')
    expect(await pair.active()).toBe(active)
  }, 60_000)

  it.runIf(LONG)(
    'starts a service again that uses more memory than it may',
    async () => {
      const standby = otherNode(await untilServed(pair))
      const sinceMs = Date.now()
      const before = (await serviceOf(pair, standby, 'sbc'))?.pid ?? 0
      await growSbc(pair, standby, { mib: SBC_MEMORY_MB + 50, port: VOIP_PORTS.semsStatistics })
      // Three looks in a row, twenty seconds apart.
      await untilBack(pair, standby, { name: 'sbc', before }, 150_000)
      const noticed = noticedAtMs(pair, standby, 'sbc', sinceMs)?.text
      expect(noticed).toContain(`memory up to ${SBC_MEMORY_MB} MB`)
    },
    180_000,
  )

  it('goes on with the same processes when the agent of the standby starts anew', async () => {
    const active = await untilServed(pair)
    const standby = otherNode(active)
    const pids = async () => (await pair.statusOf(standby))?.services.map(({ pid }) => pid)
    const before = await pids()
    const agent = (await pair.statusOf(standby))?.self.pid ?? 0
    process.kill(agent, 'SIGKILL')
    await until(async () => !pair.nodes[standby].processes().includes(agent))
    await pair.startAgent(standby)
    await untilServed(pair)
    expect(await pids()).toEqual(before)
  }, 60_000)
})

describe.skipIf(!runs)('a pair that carries calls, cold', () => {
  beforeAll(async () => {
    pair = await buildVoipPair('tdcold', { profile: 'default', mode: 'active' })
  }, 120_000)

  afterAll(() => pair.destroy(), 60_000)

  it('runs its services on the active alone', async () => {
    const active = await untilServed(pair)
    for (const name of NODE_NAMES) {
      const status = await pair.statusOf(name)
      const wanted = name === active ? 'running' : 'stopped'
      expect(status?.services.map(({ process }) => process)).toEqual(
        VOIP_SERVICES.map(() => wanted),
      )
    }
    const held = await platformPorts(pair.lab.plan, active)
    expect(held).toEqual(expect.arrayContaining([5038, 5060, 5062, 5070, 5080, 9900, 12_222]))
    await untilEmpty(otherNode(active))
  }, 60_000)

  it('moves, every call goes on, and the old active holds no process and no port', async () => {
    const active = await untilServed(pair)
    let said = ''
    const result = await during(async () => {
      said = (await pair.makeStandby(active)).stdout
      await untilEmpty(active)
    })
    told('planned move', result)
    await allLive(result)
    expect(await untilServed(pair)).toBe(otherNode(active))
    // The role waits for services that start, not the calls.
    const lines = said.split('\n')
    const up = lines.findIndex((line) => line.includes('are up, started beforehand'))
    const asked = lines.findIndex((line) => line.includes('asked for'))
    expect([up >= 0, asked > up]).toEqual([true, true])
  }, 180_000)

  it('loses the power of the active, every call goes on, and who comes back holds nothing', async () => {
    await powerCut()
    await untilEmpty(otherNode(await untilServed(pair)))
  }, 180_000)

  it('hands over when a service cannot run here any more, and stays there when it cannot run anywhere', async () => {
    const active = await untilServed(pair)
    const standby = otherNode(active)
    const config = (name: LabNodeName): string => `${pair.lab.plan.workDir}/${name}/voip/lb.cfg`
    const breakLb = async (name: LabNodeName): Promise<void> => {
      await rename(config(name), `${config(name)}.good`)
      await writeFile(config(name), 'this is no configuration\n')
      await killFamily(name, 'lb')
    }
    await breakLb(active)
    await until(() => pair.serves(standby), 40_000)
    const handed = await pair.statusOf(active)
    expect(handed?.local.unhealthyReasons.join()).toContain('service lb failed')
    expect(handed?.alarms.some(({ sentence }) => /service lb failed/.test(sentence))).toBe(true)
    await until(async () => (await serviceOf(pair, standby, 'lb'))?.probe === 'well', 20_000)

    await breakLb(standby)
    await until(async () => (await pair.statusOf(standby))?.local.healthy === false, 40_000)
    await sleep(3_000)
    expect(await pair.active()).toBe(standby)
    const refused = await pair.ask(standby, 'make-standby')
    expect([refused.ok, refused.stderr]).toEqual([
      false,
      expect.stringContaining('could not serve'),
    ])

    for (const name of NODE_NAMES) {
      await rename(`${config(name)}.good`, config(name))
      await chmod(config(name), 0o600)
    }
    expect((await pair.ask(standby, 'service', 'start', 'lb')).stdout).toMatch(/lb is running/)
    expect((await pair.ask(active, 'service', 'monitor', 'lb')).ok).toBe(true)
    expect(await untilServed(pair)).toBe(standby)
    await until(async () => (await pair.statusOf(active))?.local.healthy === true)
  }, 180_000)

  it('is seen by the standby as clients see it', async () => {
    const active = await untilServed(pair)
    const standby = otherNode(active)
    const view = async () => (await pair.statusOf(standby))?.outside ?? []
    // What it saw of an lb that was down before is its view until it looks again.
    const answered = await until(async () => {
      const found = await view()
      return found.length > 0 && found.every(({ why }) => why === null) ? found : null
    }, 30_000)
    expect(answered).toEqual([{ check: expect.stringContaining('sip udp:'), why: null }])
    expect((await pair.statusOf(active))?.outside).toEqual([])
    // Held by an operator: nothing moves, and nobody answers.
    expect((await pair.ask(active, 'service', 'stop', 'lb')).ok).toBe(true)
    await until(async () => (await view())[0]?.why !== null, 30_000)
    const codes = (await pair.statusOf(standby))?.alarms.map(({ code }) => code)
    expect(codes).toContain('outside-view')
    expect((await pair.ask(active, 'service', 'start', 'lb')).ok).toBe(true)
    await until(async () => (await view())[0]?.why === null, 30_000)
  }, 120_000)

  it('is told what to do by an operator, in the words of the platform', async () => {
    const active = await untilServed(pair)
    const summary = await pair.ask(active, 'service', 'summary')
    expect(summary.stdout).toMatch(/^SERVICE +STATUS .*\n\w+ +OK +running/m)
    const pid = (await serviceOf(pair, active, 'proxy'))?.pid
    const restarted = await pair.ask(active, 'service', 'proxy', 'restart')
    expect([restarted.ok, restarted.stdout]).toEqual([
      true,
      expect.stringContaining('proxy is running'),
    ])
    expect((await serviceOf(pair, active, 'proxy'))?.pid).not.toBe(pid)
    expect((await pair.ask(active, 'service', 'stop', 'lb')).stdout).toContain('lb is stopped')
    expect((await serviceOf(pair, active, 'lb'))?.held).toBe(true)
    expect((await pair.ask(active, 'service', 'sync-state')).ok).toBe(true)
    expect((await serviceOf(pair, active, 'lb'))?.probe).toBe('well')
    const elsewhere = await pair.ask(otherNode(active), 'service', 'start', 'lb')
    expect([elsewhere.ok, elsewhere.stderr]).toEqual([
      false,
      expect.stringContaining('runs only where the floating IPs are'),
    ])
    const unknown = await pair.ask(active, 'service', 'restart', 'kamailio')
    expect(unknown.stderr).toBe(
      'tandem service: refused: there is no service kamailio (service-unknown)\n  mend: name one of: rtpengine, proxy, lb, sbc, asterisk\n',
    )
  }, 60_000)
})
