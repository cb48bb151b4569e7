import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { type CheckSipDoors, run } from '../../src/cli/check-sip.ts'
import type { TestCallPlan } from '../../src/sip/test-call.ts'
import type { Outcome, TestCallReport } from '../../src/sip/test-call-report.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { SipUas, standard, UasMedia } from '../helpers/sip-uas.ts'

const directory = mkdtempSync(join(tmpdir(), 'check-sip-'))
afterAll(() => rmSync(directory, { recursive: true }))
const open: { close: () => Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function put(name: string, text: string | Buffer, mode = 0o600): string {
  const path = join(directory, name)
  writeFileSync(path, text, { mode })
  return path
}

async function check(args: string[], env = {}, doors?: Partial<CheckSipDoors>) {
  const io = capturedIo({ env })
  const all = doors === undefined ? undefined : { place: never, onStop: () => () => {}, ...doors }
  const exitCode = await run(args, io, all)
  return { exitCode, out: io.out, err: io.err }
}

const never = (): never => {
  throw new Error('a call was placed')
}

const reportOf = (outcome: Outcome): TestCallReport => ({
  outcome,
  why: `the reason of ${outcome}`,
  steps: [{ who: 'caller', step: 'invite', status: 200, reason: 'OK', durationMs: 12.34 }],
  audio: null,
})

/** Plans that were asked for, and outcomes in turn. */
function pretend(...outcomes: Outcome[]) {
  const plans: TestCallPlan[] = []
  const place = async (plan: TestCallPlan) => {
    plans.push(plan)
    return reportOf(outcomes[plans.length - 1] ?? 'ok')
  }
  return { plans, place }
}

const PAIR = ['alice@example.org', 'bob@example.org']

describe('tandem check-sip', () => {
  it('shows each step with status and time, what audio came, and one plain line at the end', async () => {
    const media = await UasMedia.start(true)
    const uas = await SipUas.start({ onRequest: standard({ users: { alice: 'right' }, media }) })
    open.push(media, uas)
    const file = put('password', 'right\n')
    const at = `127.0.0.1:${uas.port}`
    const args = [...PAIR, '-P', at, '--password-file', file, '--seconds', '0.2']
    const { exitCode, out, err } = await check(args)
    const shape = out.replaceAll(/\d+(\.\d)? (ms|s)\b/g, 'T').replaceAll(/ +/g, ' ')
    expect({ exitCode, err, shape: shape.replaceAll(/\b(1[0-2]|\d{4})\b/g, 'N') }).toEqual({
      exitCode: 0,
      err: '',
      shape: [
        'sip:alice@example.org calls sip:bob@example.org by udp',
        ' caller register 200 OK T',
        ' caller invite 200 OK T',
        ' caller bye 200 OK T',
        ' caller unregister 200 OK T',
        ' caller audio sent N, received N (N bytes), lost 0, first after T, longest gap T',
        'ok: answered after T, audio came from the callee: N packets, 0 lost',
        '',
      ].join('\n'),
    })
  })

  it('ends with another code for each kind of failure', async () => {
    const codes: [Outcome, number][] = [
      ['ok', 0],
      ['unreachable', 2],
      ['refused', 3],
      ['no-answer', 4],
      ['no-audio', 5],
      ['failed', 6],
    ]
    for (const [outcome, code] of codes) {
      const { exitCode, out } = await check(PAIR, {}, pretend(outcome))
      expect([outcome, exitCode]).toEqual([outcome, code])
      expect(out.split('\n').at(-2)).toBe(`${outcome}: the reason of ${outcome}`)
    }
  })

  it('tells wrong password, no answer, closed port and no audio apart', async () => {
    const uas = await SipUas.start({ onRequest: standard({ users: { alice: 'right' } }) })
    const frozen = await SipUas.start({ onRequest: () => {} })
    const mute = await SipUas.start()
    open.push(uas, frozen, mute)
    const closed = await SipUas.start()
    await closed.close()
    const env = { TANDEM_SIP_PASSWORD: 'hunter2' }
    const at = (port: number, ...more: string[]) =>
      check([...PAIR, '-P', `127.0.0.1:${port}`, '-T', '0.5', '--seconds', '0.1', ...more], env)
    const wrong = await at(uas.port)
    expect(wrong.exitCode).toBe(3)
    expect(wrong.out).toMatch(/\nrefused: REGISTER of the caller was answered 403 Forbidden\n$/)
    expect(wrong.out).not.toContain('hunter2')
    expect((await at(frozen.port)).exitCode).toBe(4)
    expect((await at(mute.port)).exitCode).toBe(5)
    expect((await at(closed.port)).exitCode).toBe(2)
  })

  it('puts each target in the place of HOST in turn, and ends with the code of the first that failed', async () => {
    const doors = pretend('ok', 'no-answer', 'refused')
    const args = ['alice@HOST', 'sip:bob@HOST:5080', '-P', 'HOST:5060', '--username', 'a-HOST']
    const targets = ['--target', 'sp1', '--target', 'fd83::50', '--target=192.0.2.1']
    const env = { TANDEM_SIP_PASSWORD: 'x' }
    const { exitCode, out } = await check([...args, ...targets], env, doors)
    expect(exitCode).toBe(4)
    expect(
      doors.plans.map(({ from, to, proxy, caller }) => [from, to, proxy, caller?.username]),
    ).toEqual([
      ['sip:alice@sp1', 'sip:bob@sp1:5080', { host: 'sp1', port: 5060 }, 'a-sp1'],
      [
        'sip:alice@[fd83::50]',
        'sip:bob@[fd83::50]:5080',
        { host: 'fd83::50', port: 5060 },
        'a-fd83::50',
      ],
      [
        'sip:alice@192.0.2.1',
        'sip:bob@192.0.2.1:5080',
        { host: '192.0.2.1', port: 5060 },
        'a-192.0.2.1',
      ],
    ])
    expect(out.split('\n').at(-2)).toBe('1 of 3 targets ok: fd83::50 no-answer, 192.0.2.1 refused')
    expect(out).toContain('\nfd83::50: no-answer: the reason of no-answer\n')
  })

  it('prints one JSON document when asked, without anything secret', async () => {
    const env = { TANDEM_SIP_PASSWORD: 'hunter2' }
    const { exitCode, out } = await check([...PAIR, '--json'], env, pretend('refused'))
    expect(exitCode).toBe(3)
    expect(JSON.parse(out)).toEqual({
      schema: 1,
      outcome: 'refused',
      calls: [
        {
          target: null,
          from: 'sip:alice@example.org',
          to: 'sip:bob@example.org',
          transport: 'udp',
          outcome: 'refused',
          why: 'the reason of refused',
          steps: [{ who: 'caller', step: 'invite', status: 200, reason: 'OK', durationMs: 12.3 }],
          audio: null,
        },
      ],
    })
    expect(out).not.toContain('hunter2')
  })

  it('takes passwords from files and the variable: the caller’s for both unless the callee has one', async () => {
    const doors = pretend()
    const own = put('own', 'one\n')
    const other = put('other', 'two')
    const names = async (args: string[], env: Record<string, string>) => {
      await check([...PAIR, ...args], env, doors)
      const { caller, callee } = doors.plans.at(-1) ?? {}
      const challenge = {
        realm: 'r',
        nonce: 'n',
        opaque: null,
        algorithm: 'MD5',
        algorithmText: null,
        qopAuth: true,
        stale: false,
      } as const
      return [caller, callee].map((known) => known?.secretFor(challenge) ?? null)
    }
    const [fromFile] = await names(['--password-file', own], { TANDEM_SIP_PASSWORD: 'x' })
    const [fromVariable] = await names([], { TANDEM_SIP_PASSWORD: 'one' })
    expect(fromFile).toBe(fromVariable)
    expect(await names([], { TANDEM_SIP_PASSWORD: '' })).toEqual([null, null])
    const both = await names(
      ['--password-file', own, '--username', 'u', '--local-username', 'u'],
      {},
    )
    expect(both[0]).toBe(both[1])
    const apart = await names(['--password-file', own, '--local-password-file', other], {})
    expect(apart[0]).not.toBe(apart[1])
  })

  it('refuses a password as an argument with the reason, and repeats it nowhere', async () => {
    for (const args of [
      [...PAIR, '--password', 'hunter2'],
      [...PAIR, '--password=hunter2'],
      ['alice:hunter2@example.org', 'bob@example.org'],
      ['sip:alice:hunter2@example.org', 'bob@example.org'],
    ]) {
      const { exitCode, out, err } = await check(args, {}, {})
      expect([exitCode, out]).toEqual([1, ''])
      expect(err).toContain('passwords are not taken as an argument')
      expect(err).not.toContain('hunter2')
    }
  })

  it('ends with 1 and one complaint when something is wrong on the command line', async () => {
    const readable = put('readable', 'x', 0o644)
    const text = put('text', 'no certificate')
    const complaints: [string[], string][] = [
      [['alice@example.org'], 'missing argument: TO'],
      [['alice', 'bob@b'], "FROM 'alice' is not USER@HOST, such as alice@example.org"],
      [['sips:a@b', 'b@b'], "FROM 'sips:a@b' asks for sips; write sip: and the transport tls"],
      [['a@HOST', 'b@b'], 'FROM says HOST, and no --target says what stands for it'],
      [[...PAIR, '--transport', 'sctp'], "--transport 'sctp' is none of udp, tcp and tls"],
      [[...PAIR, '--proxy', 'a:b'], "--proxy 'a:b' is not HOST or HOST:PORT"],
      [
        [...PAIR, '-L', 'eth0'],
        "--local 'eth0' is not ADDRESS or ADDRESS:PORT with a numeric address",
      ],
      [[...PAIR, '--seconds', 'x'], "--seconds 'x' is not a number of seconds up to 3600"],
      [[...PAIR, '--target', 'a:1'], "--target 'a:1' is not a host name or an address"],
      [[...PAIR, '--ca', text], '--ca means something with --transport tls only'],
      [[...PAIR, '--transport', 'tls', '--ca', text], `--ca: ${text} holds no certificate in PEM`],
      [[...PAIR, '--ca', text, '--insecure'], '--ca and --insecure exclude each other'],
      [
        [...PAIR, '--password-file', readable],
        `--password-file: ${readable} has mode 0644 instead of 0600`,
      ],
      [
        [...PAIR, '--passwordfile', 'x'],
        'unknown option --passwordfile; did you mean --password-file?',
      ],
      [
        [...PAIR, '--timeout', '0'],
        "--timeout '0' is not a number of seconds above 0 (such as 2.5)",
      ],
    ]
    for (const [args, complaint] of complaints) {
      const { exitCode, out, err } = await check(args, {}, {})
      expect({ exitCode, out, err }).toEqual({
        exitCode: 1,
        out: '',
        err: `tandem check-sip: ${complaint}\n  see: tandem check-sip --help\n`,
      })
    }
  })

  it('plays files one after the other, in the order in which they were named', async () => {
    const doors = pretend()
    const files = [put('one', 'abc', 0o644), put('two', 'de', 0o644)]
    await check([...PAIR, '-S', files[0] ?? '', '--send', files[1] ?? ''], {}, doors)
    expect(doors.plans[0]?.samples?.toString()).toBe('abcde')
    expect(doors.plans[0]?.mediaMs).toBe(2_000)
  })

  it('places no further call when it was stopped, and says so by its code', async () => {
    const doors = pretend('ok', 'ok')
    let stop = (): void => {}
    const place = async (plan: TestCallPlan) => {
      stop()
      return doors.place(plan)
    }
    const onStop = (given: () => void) => {
      stop = given
      return () => {}
    }
    const args = ['a@HOST', 'b@HOST', '--target', 'sp1', '--target', 'sp2']
    const { exitCode } = await check(args, {}, { place, onStop })
    expect([exitCode, doors.plans.length]).toEqual([6, 1])
  })

  it('documents every code in its help', async () => {
    const { exitCode, out } = await check(['--help'])
    expect(exitCode).toBe(0)
    expect(out).toContain('Usage: tandem check-sip [options] FROM TO\n')
    for (const word of ['0 ok', '1 wrong', '2 unreach', '3 refused', '4 no', '5 no', '6 failed']) {
      expect(out).toContain(word)
    }
  })
})
