import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, it } from 'vitest'
import { isAlive, type OptionsResult, sipOptions } from '../../src/sip/options.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { SipUas, type UasOptions } from '../helpers/sip-uas.ts'

const open: { close: () => Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function serve(options: UasOptions): Promise<SipUas> {
  const uas = await SipUas.start(options)
  open.push(uas)
  return uas
}

const ask = (uas: SipUas, limitMs = 2_000, ca?: string): Promise<OptionsResult> =>
  sipOptions(
    {
      transport: uas.transport,
      address: '127.0.0.1',
      port: uas.port,
      ...(ca === undefined ? {} : { ca }),
    },
    limitMs,
  )

const answering = (status: string): UasOptions => ({
  onRequest: (_request, reply) => reply(status),
})

describe('an OPTIONS probe', () => {
  it('is answered by UDP, TCP and TLS, and asks without a user part', async () => {
    const tls = makeCertificate('DNS:sip.test')
    for (const transport of ['udp', 'tcp', 'tls'] as const) {
      const uas = await serve({ ...answering('200 alive'), transport, tls })
      const { durationMs, ...result } = await ask(uas)
      expect(result).toEqual({ ok: true, status: 200, reason: 'alive', why: null })
      expect(durationMs).toBeLessThan(2_000)
      expect(uas.heard.map(({ method, uri }) => `${method} ${uri}`)).toEqual([
        `OPTIONS sip:127.0.0.1:${uas.port}`,
      ])
    }
  })

  it('counts any final answer as alive but a 5xx that does not say "no more for now"', async () => {
    const alive = [100, 200, 302, 404, 408, 483, 486, 500, 501, 503, 504, 600, 603]
    expect(alive.filter((status) => !isAlive(status))).toEqual([500, 501, 504])
    const uas = await serve(answering('500 Server Internal Error'))
    const { durationMs: _, ...result } = await ask(uas)
    expect(result).toEqual({
      ok: false,
      status: 500,
      reason: 'Server Internal Error',
      why: `udp 127.0.0.1:${uas.port}: OPTIONS was answered 500 Server Internal Error`,
    })
    const draining = await ask(await serve(answering('503 Shutting down')))
    expect([draining.ok, draining.status]).toEqual([true, 503])
  })

  it('is told at once that a port is closed', async () => {
    for (const transport of ['udp', 'tcp', 'tls'] as const) {
      const uas = await SipUas.start()
      await uas.close()
      const target = { transport, address: '127.0.0.1', port: uas.port }
      const { durationMs, ...result } = await sipOptions(target, 5_000)
      expect(result).toEqual({
        ok: false,
        status: null,
        reason: '',
        why: `${transport} 127.0.0.1:${uas.port}: the port is closed (ECONNREFUSED)`,
      })
      expect(durationMs).toBeLessThan(1_000)
    }
  })

  it('ends at its limit when nobody answers, asks again meanwhile by UDP, and once by TCP', async () => {
    for (const [transport, times] of [
      ['udp', 2],
      ['tcp', 1],
    ] as const) {
      const uas = await serve({ transport, onRequest: () => {} })
      const { durationMs, ...result } = await ask(uas, 900)
      expect(result).toEqual({
        ok: false,
        status: null,
        reason: '',
        why: `${transport} 127.0.0.1:${uas.port}: no answer to OPTIONS within 900 ms`,
      })
      expect(Math.abs(durationMs - 900)).toBeLessThan(400)
      expect(uas.methods).toEqual(Array(times).fill('OPTIONS'))
    }
  })

  it('waits for the final answer behind a provisional one', async () => {
    const uas = await serve({
      onRequest: (_request, reply) => {
        reply('100 Trying')
        setTimeout(() => reply('200 OK'), 50)
      },
    })
    expect((await ask(uas)).status).toBe(200)
  })

  it('does not take an answer with another Call-ID, branch, method or number for its own', async () => {
    const uas = await serve({
      onRequest: (request, reply, self) => {
        const text = [
          'SIP/2.0 200 OK',
          `Via: ${request.header('via')}`,
          `From: ${request.header('from')}`,
          `To: <sip:x>;tag=1`,
          `Call-ID: ${request.header('call-id')}`,
          'CSeq: 1 OPTIONS',
          'Content-Length: 0',
          '',
          '',
        ].join('\r\n')
        self.send(text.replace(/Call-ID: ./, 'Call-ID: x'))
        self.send(text.replace(/branch=z9hG4bK./, 'branch=z9hG4bKx'))
        self.send(text.replace('1 OPTIONS', '1 REGISTER'))
        self.send(text.replace('1 OPTIONS', '2 OPTIONS'))
        self.send(text.replace('From:', 'Via: SIP/2.0/UDP behind.us;branch=z9hG4bKy\r\nFrom:'))
        setTimeout(() => reply('404 Ours'), 20)
      },
    })
    expect((await ask(uas)).status).toBe(404)
  })

  it('is not led astray by garbage: no throw, no hang, and the answer behind it counts', async () => {
    let seed = 11
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    const uas = await serve({
      onRequest: (request, reply, self) => {
        const whole = Buffer.from(
          `SIP/2.0 200 OK\r\nVia: ${request.header('via')}\r\nFrom: ${request.header('from')}\r\n` +
            `To: <sip:x>;tag=1\r\nCall-ID: ${request.header('call-id')}\r\nCSeq: 1 OPTIONS\r\n`,
        )
        // In small portions: a socket holds some hundred datagrams, and the answer is not to be the next.
        const portion = (left: number): void => {
          for (let round = 0; round < 20; round += 1) {
            self.send(Buffer.from(Array.from({ length: random(400) }, () => random(256))))
            self.send(whole.subarray(0, random(whole.length)))
          }
          setTimeout(() => (left > 0 ? portion(left - 1) : reply('200 OK')), 5)
        }
        portion(15)
      },
    })
    expect(await ask(uas)).toMatchObject({ ok: true, status: 200 })
  })

  it('ends the same way on a stream that carries no SIP', async () => {
    const uas = await serve({
      transport: 'tcp',
      onRequest: (_request, _reply, self) => self.send(Buffer.alloc(70_000, 'x')),
    })
    expect((await ask(uas)).why).toBe(
      `tcp 127.0.0.1:${uas.port}: what came is not SIP: the headers do not end`,
    )
  })

  it('believes a certificate of the given authority only, and says what was wrong', async () => {
    const ours = makeCertificate('DNS:sip.test')
    const theirs = makeCertificate('DNS:sip.test')
    const uas = await serve({ ...answering('200 OK'), transport: 'tls', tls: ours })
    expect((await ask(uas, 2_000, ours.cert)).ok).toBe(true)
    const refused = await ask(uas, 2_000, theirs.cert)
    expect(refused.ok).toBe(false)
    expect(refused.why).toMatch(/^tls 127\.0\.0\.1:\d+: TLS was not agreed on: .*certificate/)
  })

  it('ends at its limit when TLS is not even begun', async () => {
    const uas = await serve({ transport: 'tcp', onRequest: () => {} })
    const target = { transport: 'tls', address: '127.0.0.1', port: uas.port } as const
    const { why, durationMs } = await sipOptions(target, 300)
    expect(why).toBe(`tls 127.0.0.1:${uas.port}: no connection within 300 ms`)
    expect(durationMs).toBeLessThan(1_000)
  })

  it('asks an IPv6 address too', async () => {
    const socket = createSocket('udp6')
    open.push({ close: () => new Promise((resolve) => socket.close(() => resolve())) })
    socket.on('message', (bytes, from) => {
      const answer = bytes.toString().replace(/^OPTIONS .*/, 'SIP/2.0 200 OK')
      socket.send(answer, from.port, from.address)
    })
    await new Promise<void>((resolve) => socket.bind(0, '::1', resolve))
    const { port } = socket.address()
    const target = { transport: 'udp', address: '::1', port } as const
    expect(await sipOptions(target, 2_000)).toMatchObject({ ok: true, status: 200 })
  })

  it('leaves no socket behind, whatever came of it', async () => {
    const uas = await serve(answering('200 OK'))
    const before = process.getActiveResourcesInfo().filter((name) => /UDP|TCP/.test(name)).length
    for (let round = 0; round < 20; round += 1) await ask(uas)
    await new Promise((resolve) => setImmediate(resolve))
    const after = process.getActiveResourcesInfo().filter((name) => /UDP|TCP/.test(name)).length
    expect(after).toBeLessThanOrEqual(before)
  })
})
