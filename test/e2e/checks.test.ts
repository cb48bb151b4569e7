/**
 * Goal: probes tell the truth about real services: a frozen, closed or half frozen one is found where it is,
 * and what a pong does not prove is proven. Method: real Kamailio and rtpengine of Debian in a network
 * namespace of their own; SEMS and Asterisk are stand-ins, which are not in Debian.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lookAtState } from '../../src/system/process-state.ts'
import {
  CheckLab,
  FLOATING,
  kamailioConfig,
  missing,
  type Program,
  rtpengineConfig,
  SECRET,
} from '../helpers/check-lab.ts'

const why = missing()
const LIMIT_MS = 1_000
/** What the machine may add to a limit. */
const LATE_MS = 400

/** Stops one process and waits until it stands. */
async function stop(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  while (lookAtState(pid)?.letter !== 'T') await sleep(2)
}

let lab: CheckLab
beforeAll(() => {
  if (why === null) lab = new CheckLab()
})
afterAll(async () => {
  if (why === null) await lab.remove()
})

describe.skipIf(why !== null)(`Kamailio, the real one (${why ?? 'all there'})`, () => {
  const SOCKETS = [
    `sip udp:${FLOATING}:5060`,
    `sip tcp:${FLOATING}:5060`,
    `sip tls:${FLOATING}:5061`,
    'sip udp:127.0.0.1:5060',
  ]
  const CONTROL = 'jsonrpc 127.0.0.1:5064 core.uptime'
  let kamailio: Program
  let file: string

  async function start(): Promise<void> {
    kamailio = lab.start('kamailio', '-DD', '-E', '-f', file, '-Y', lab.directory)
    for (const check of [...SOCKETS, CONTROL]) await lab.well(check)
  }

  beforeAll(async () => {
    file = kamailioConfig(lab)
    await start()
  })

  test('every listen socket answers, and says so quickly', async () => {
    for (const check of [...SOCKETS, CONTROL, 'tcp 10.83.0.50:5060']) {
      const { ok, why, durationMs } = await lab.check(check)
      expect({ check, ok, why }).toEqual({ check, ok: true, why: null })
      expect(durationMs).toBeLessThan(LIMIT_MS / 2)
    }
  })

  test('a method it does not have is an error with its words', async () => {
    const { ok, why } = await lab.check('jsonrpc 127.0.0.1:5064 core.nonesuch')
    expect(ok).toBe(false)
    expect(why).toMatch(
      /^JSON-RPC core\.nonesuch to 127\.0\.0\.1:5064: expected a result, came error -?\d+: "Method Not Found"$/i,
    )
  })

  test('with all workers of one socket stopped only that socket is dead, and the control socket is fine', async () => {
    const workers = await workersOf(`${FLOATING}:5060`)
    expect(workers).toHaveLength(2)
    await Promise.all(workers.map(stop))
    try {
      const [stopped, tcp, tls, other, control, processes] = await Promise.all([
        ...SOCKETS.map((check) => lab.check(check, LIMIT_MS)),
        lab.check(CONTROL, LIMIT_MS),
        lab.check('process', LIMIT_MS, [kamailio.pid]),
      ])
      expect(stopped).toMatchObject({ ok: false })
      expect(stopped!.why).toMatch(/udp 10\.83\.0\.50:5060: no answer to OPTIONS within \d+ ms$/)
      expect(stopped!.durationMs).toBeLessThan(LIMIT_MS + LATE_MS)
      expect([tcp, tls, other, control].map((result) => result?.ok)).toEqual([
        ...[true, true, true, true],
      ])
      expect(processes!.why).toMatch(/^Processes of the service: expected all \d+ to run, /)
      for (const pid of workers) {
        expect(processes!.why).toContain(`${pid} (kamailio) is stopped (T)`)
      }
    } finally {
      for (const pid of workers) process.kill(pid, 'SIGCONT')
    }
    await lab.well(SOCKETS[0]!)
    expect((await lab.check('process', LIMIT_MS, [kamailio.pid])).why).toBeNull()
  })

  test('one of two workers stopped is seen in no answer, but in the state of the process', async () => {
    const [worker] = await workersOf(`${FLOATING}:5060`)
    await stop(worker!)
    try {
      const { why } = await lab.check('process', LIMIT_MS, [kamailio.pid])
      expect(why).toContain(`${worker} (kamailio) is stopped (T)`)
    } finally {
      process.kill(worker!, 'SIGCONT')
    }
  })

  test('frozen as a whole it costs the limit on every socket', async () => {
    await kamailio.freeze()
    try {
      const results = await Promise.all([...SOCKETS, CONTROL].map((check) => lab.check(check)))
      for (const { ok, durationMs } of results) {
        expect(ok).toBe(false)
        expect(durationMs).toBeGreaterThan(LIMIT_MS / 2)
        expect(durationMs).toBeLessThan(LIMIT_MS + LATE_MS)
      }
    } finally {
      kamailio.signal('SIGCONT')
    }
    for (const check of SOCKETS) await lab.well(check)
  })

  test('killed it is told at once on every socket, and well again when it is back', async () => {
    await kamailio.end()
    for (const check of [...SOCKETS, CONTROL]) {
      const { ok, why, durationMs } = await lab.check(check, 5_000)
      expect(ok).toBe(false)
      expect(why).toMatch(/the port is closed/)
      expect(durationMs).toBeLessThan(LATE_MS)
    }
    await start()
  })

  /** Process ids of the workers of one UDP socket, as Kamailio itself lists them. */
  async function workersOf(socket: string): Promise<number[]> {
    const answer = await lab.rpc(5064, 'core.psx')
    if (!answer.ok) throw new Error(answer.message)
    const rows = answer.result as { PID: number; DSC: string }[]
    return rows
      .filter(({ DSC }) => DSC.startsWith('udp receiver') && DSC.includes(socket))
      .map(({ PID }) => PID)
  }
})

describe.skipIf(why !== null)(`rtpengine, the real one (${why ?? 'all there'})`, () => {
  const PING = 'ng 127.0.0.1:12222'
  const OFFER = 'ng 127.0.0.1:12222 offer'
  let rtpengine: Program
  let file: string

  async function start(nonlocalBind: 0 | 1): Promise<void> {
    lab.inside(`sysctl -qw net.ipv4.ip_nonlocal_bind=${nonlocalBind}`)
    rtpengine = lab.start('rtpengine', '--config-file', file)
    await lab.well(PING)
  }

  async function sessions(): Promise<number | null> {
    const answer = await lab.cli(9900, 'list numsessions')
    if (!answer.ok) throw new Error(answer.message)
    return answer.sessions
  }

  beforeAll(() => {
    file = rtpengineConfig(lab)
    // A standby: the address is the other node's.
    lab.address(false)
  })
  afterAll(() => lab.address(true))

  test('with ip_nonlocal_bind it takes a call without its address, and none is left', async () => {
    await start(1)
    for (let count = 0; count < 3; count += 1) {
      expect((await lab.check(OFFER)).why).toBeNull()
      expect(await sessions()).toBe(0)
    }
  })

  test('it is told its role over the CLI', async () => {
    for (const role of ['standby', 'active', 'active'] as const) {
      expect(await lab.cli(9900, role)).toMatchObject({
        ok: true,
        text: expect.stringMatching(/^ok/i),
      })
    }
  })

  test('frozen it costs the limit, and what it does late leaves no call behind', async () => {
    await rtpengine.freeze()
    try {
      const { ok, why, durationMs } = await lab.check(OFFER)
      expect(ok).toBe(false)
      expect(why).toBe('rtpengine at 127.0.0.1:12222: expected a pong, no answer within 1000 ms')
      expect(durationMs).toBeLessThan(LIMIT_MS + LATE_MS)
    } finally {
      rtpengine.signal('SIGCONT')
    }
    await lab.well(OFFER)
    expect(await sessions()).toBe(0)
  })

  test('frozen between pong and offer it is left without a call too', async () => {
    // Found by trying: the moment cannot be told from outside.
    for (let round = 0; round < 20; round += 1) {
      const running = lab.check(OFFER, 200)
      await sleep(round % 5)
      rtpengine.signal('SIGSTOP')
      await running
      rtpengine.signal('SIGCONT')
      await lab.well(OFFER)
      expect(await sessions()).toBe(0)
    }
  })

  test('without ip_nonlocal_bind it still says pong, and refuses every call', async () => {
    await rtpengine.end()
    await start(0)
    expect((await lab.check(PING)).why).toBeNull()
    expect((await lab.check(OFFER)).why).toBe(
      'rtpengine at 127.0.0.1:12222: it answers, but cannot take a call: "Ran out of ports" (its address is not on this host and net.ipv4.ip_nonlocal_bind, or the one of ipv6, is not 1; or all ports are in use)',
    )
    expect(await sessions()).toBe(0)
    // With the address it is able to, without a restart.
    lab.address(true)
    expect((await lab.check(OFFER)).why).toBeNull()
    lab.address(false)
  })

  test('killed it is told at once', async () => {
    await rtpengine.end()
    const { why, durationMs } = await lab.check(OFFER, 5_000)
    expect(why).toMatch(/expected a pong, the port is closed/)
    expect(durationMs).toBeLessThan(LATE_MS)
    expect(await lab.cli(9900, 'active')).toMatchObject({ ok: false })
  })
})

describe.skipIf(why !== null)('stand-ins for SEMS and Asterisk', () => {
  test('answer, are frozen and are gone', async () => {
    const secretFile = lab.file('ami-secret', `${SECRET}\n`)
    const checks = ['sems 127.0.0.1:5040', `ami 127.0.0.1:5038 tandem ${secretFile}`]
    const standIns = lab.start(
      process.execPath,
      ...['test/fixtures/checks/stand-ins.mjs', '5040', '5038', SECRET],
    )
    for (const check of checks) await lab.well(check)
    await standIns.freeze()
    for (const check of checks) {
      const { ok, why, durationMs } = await lab.check(check)
      expect(ok).toBe(false)
      expect(why).toMatch(/no answer within 1000 ms$/)
      expect(durationMs).toBeLessThan(LIMIT_MS + LATE_MS)
    }
    standIns.signal('SIGCONT')
    for (const check of checks) await lab.well(check)
    lab.file('ami-secret', 'wrong\n')
    const { why } = await lab.check(checks[1]!)
    expect(why).toMatch(/expected Login to succeed, came "Authentication failed"$/)
    await standIns.end()
    for (const check of checks) {
      const { why, durationMs } = await lab.check(check, 5_000)
      expect(why).toMatch(/the port is closed/)
      expect(durationMs).toBeLessThan(LATE_MS)
    }
  })
})
