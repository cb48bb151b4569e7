/**
 * Goal: `tandem check-sip` tells the truth about a real platform. Method: Kamailio with authentication and
 * SIPp or our own callee behind it, on loopback addresses of their own; each failure is made for real.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/check-sip.ts'
import { sipOptions } from '../../src/sip/options.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import {
  ANSWERING,
  CALLEE,
  type Callee,
  missing,
  PASSWORD,
  type Platform,
  PORT,
  PROXY,
  RINGING,
  startPlatform,
  startSipp,
  TLS_PORT,
} from '../helpers/sip-platform.ts'
import { until } from '../helpers/until.ts'

const why = missing()
if (why !== null) console.log(`skipped: ${why}`)

interface Ended {
  exitCode: number
  ms: number
  steps: string[]
  why: string
  audio: Record<string, Record<string, number>> | null
  text: string
}

let platform: Platform

async function check(
  to: string,
  args: string[],
  { password = PASSWORD, port = PORT }: { password?: string; port?: number } = {},
): Promise<Ended> {
  const io = capturedIo({ env: { TANDEM_SIP_PASSWORD: password } })
  const startedMs = performance.now()
  const at = ['--proxy', `${PROXY}:${port}`, '--json']
  const exitCode = await run(['alice@tsip.test', `${to}@tsip.test`, ...at, ...args], io)
  const [call] = JSON.parse(io.out).calls
  const steps = call.steps.map(
    (step: Record<string, unknown>) => `${step['who']} ${step['step']} ${step['status']}`,
  )
  const ms = performance.now() - startedMs
  return { exitCode, ms, steps, why: call.why, audio: call.audio, text: io.out + io.err }
}

const alive = (transport: 'udp' | 'tcp' | 'tls', port = PORT, limitMs = 1_000) =>
  sipOptions({ transport, address: PROXY, port }, limitMs)

const LOCAL = ['--local', CALLEE, '--seconds', '1', '--timeout', '5']

describe.skipIf(why !== null)('tandem check-sip against Kamailio', () => {
  beforeAll(async () => {
    platform = await startPlatform()
    await until(async () => (await alive('udp')).ok, 20_000)
  })
  afterAll(() => platform?.close())

  it('calls through it to our own callee by UDP, TCP and TLS, with audio in both directions', async () => {
    for (const [transport, port, more] of [
      ['udp', PORT, []],
      ['tcp', PORT, []],
      ['tls', TLS_PORT, ['--ca', platform.caFile]],
    ] as const) {
      const args = [...LOCAL, '--transport', transport, ...more]
      const ended = await check('bob', args, { port })
      const told = ended.steps.filter((step) => !step.includes('connect'))
      expect([transport, ended.why, told, ended.exitCode]).toEqual([
        transport,
        expect.stringMatching(/audio in both directions/),
        [
          'caller register 200',
          'callee register 200',
          'caller invite 200',
          'caller bye 200',
          'caller unregister 200',
          'callee unregister 200',
        ],
        0,
      ])
      expect(ended.audio?.['caller']?.['received']).toBe(ended.audio?.['callee']?.['sent'])
      expect(ended.audio?.['callee']?.['received']).toBe(ended.audio?.['caller']?.['sent'])
      expect((await alive(transport, port)).ok).toBe(true)
    }
  })

  it('calls a SIPp callee that sends the audio back', async () => {
    const callee: Callee = startSipp(platform.directory, ANSWERING)
    try {
      await until(async () => (await check('sipp', ['--seconds', '0'])).exitCode === 0, 20_000)
      const samples = join(platform.directory, 'audio')
      writeFileSync(samples, Buffer.alloc(1_600, 0x55))
      const ended = await check('sipp', ['--seconds', '1', '--send', samples])
      expect([ended.exitCode, ended.why]).toEqual([
        0,
        expect.stringMatching(/audio came from the callee: \d+ packets, 0 lost$/),
      ])
    } finally {
      await callee.close()
    }
  })

  it('is refused with a wrong password at once, and does not show it', async () => {
    const ended = await check('bob', LOCAL, { password: 'hunter2' })
    expect([ended.exitCode, ended.steps, ended.why]).toEqual([
      3,
      ['caller register 401'],
      'REGISTER of the caller was answered 401 Unauthorized',
    ])
    expect(ended.ms).toBeLessThan(1_000)
    expect(ended.text).not.toContain('hunter2')
  })

  it('is refused when the callee is not registered', async () => {
    const { exitCode, why: reason } = await check('nobody', ['--seconds', '0'])
    expect([exitCode, reason]).toEqual([3, 'INVITE was answered 404 Not registered'])
  })

  it('cancels a SIPp callee that rings and does not answer', async () => {
    const callee = startSipp(platform.directory, RINGING)
    try {
      const ended = await until(async () => {
        const tried = await check('sipp', ['--seconds', '0', '--timeout', '1.5'])
        return tried.steps.includes('caller cancel 200') ? tried : null
      }, 30_000)
      expect([ended.exitCode, ended.steps, ended.why]).toEqual([
        4,
        ['caller register 200', 'caller invite null', 'caller cancel 200', 'caller unregister 200'],
        'INVITE was not answered within 1500 ms; 180 Ringing came',
      ])
      expect(ended.text).toContain('INVITE ended with 487')
    } finally {
      await callee.close()
    }
  })

  it('tells one-way audio, in the direction that fails', async () => {
    const ended = await check('oneway', LOCAL)
    expect([ended.exitCode, ended.why]).toEqual([
      5,
      expect.stringMatching(
        /^one-way audio: 0 of \d\d packets reached the callee, (\d\d) of \1 the/,
      ),
    ])
    expect(ended.steps).toContain('caller bye 200')
  })

  it('ends at its limit while every process is frozen, and works again after it', async () => {
    platform.signal('SIGSTOP')
    try {
      for (const [transport, port] of [
        ['udp', PORT],
        ['tcp', PORT],
        ['tls', TLS_PORT],
      ] as const) {
        const args = ['--timeout', '1', '--transport', transport, '--insecure']
        const ended = await check('bob', args, { port })
        expect([transport, ended.exitCode]).toEqual([transport, 4])
        expect(Math.abs(ended.ms - 1_000)).toBeLessThan(500)
        expect((await alive(transport, port, 300)).ok).toBe(false)
      }
    } finally {
      platform.signal('SIGCONT')
    }
    const again = await until(async () => {
      const ended = await check('bob', LOCAL)
      return ended.exitCode === 0 ? ended : null
    }, 20_000)
    expect(again.exitCode).toBe(0)
  })

  it('believes no certificate of somebody else', async () => {
    const args = ['--transport', 'tls', '--timeout', '3', '--seconds', '0']
    const { exitCode, why: reason } = await check('bob', args, { port: TLS_PORT })
    expect([exitCode, reason]).toEqual([
      2,
      expect.stringMatching(/TLS was not agreed on: .*self-signed/),
    ])
  })

  it('is told at once that the port is closed when it is gone', async () => {
    await platform.close()
    for (const transport of ['udp', 'tcp', 'tls']) {
      const port = transport === 'tls' ? TLS_PORT : PORT
      const ended = await check('bob', ['--transport', transport, '--insecure'], { port })
      expect([transport, ended.exitCode]).toEqual([transport, 2])
      expect(ended.why).toContain('the port is closed (ECONNREFUSED)')
      expect(ended.ms).toBeLessThan(1_000)
    }
  })
})
