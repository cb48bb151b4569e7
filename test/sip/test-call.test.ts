/**
 * Goal: a test call ends as it should against callees of every kind, and leaves nothing behind. Method: the
 * whole client against a small server on loopback that does what each test says; audio is real RTP.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { Credentials } from '../../src/sip/digest.ts'
import { placeTestCall, type TestCallPlan } from '../../src/sip/test-call.ts'
import type { TestCallReport } from '../../src/sip/test-call-report.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { startRelay } from '../helpers/sip-relay.ts'
import {
  accept,
  type Heard,
  type Reply,
  SipUas,
  type StandardOptions,
  standard,
  UasMedia,
  type UasOptions,
} from '../helpers/sip-uas.ts'

const open: { close: () => Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const NEVER = new AbortController().signal

async function serve(options: StandardOptions, more: UasOptions = {}): Promise<SipUas> {
  const uas = await SipUas.start({ onRequest: standard(options), ...more })
  open.push(uas)
  return uas
}

async function audio(echo: boolean): Promise<UasMedia> {
  const media = await UasMedia.start(echo)
  open.push(media)
  return media
}

const planFor = (port: number, changes: Partial<TestCallPlan> = {}): TestCallPlan => ({
  from: 'sip:alice@example.org',
  to: 'sip:bob@example.org',
  transport: 'udp',
  trust: { check: false },
  proxy: { host: '127.0.0.1', port },
  registrar: null,
  caller: null,
  callee: null,
  local: null,
  limitMs: 5_000,
  mediaMs: 0,
  samples: null,
  ...changes,
})

const call = (port: number, changes: Partial<TestCallPlan> = {}, signal = NEVER) =>
  placeTestCall(planFor(port, changes), signal)

const ALICE = new Credentials('alice', 'right')

const stepsOf = ({ steps }: TestCallReport) =>
  steps.map(({ who, step, status, reason }) => `${who} ${step} ${status} ${reason}`)

/** Once more for each time it was sent. */
const once = (methods: readonly string[]) =>
  methods.filter((method, index) => method !== methods[index - 1])

const until = async (holds: () => boolean): Promise<void> => {
  const limitMs = performance.now() + 5_000
  while (!holds()) {
    if (performance.now() > limitMs) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A request of the callee inside the call that was answered last. */
function inside(uas: SipUas, method: string, cseq: number, body = '', tag = 'uas-tag'): string {
  const invite = uas.heard.find((request) => request.method === 'INVITE')
  const header = (name: string): string => invite?.header(name) ?? ''
  return [
    `${method} ${/<(.*)>/.exec(header('contact'))?.[1]} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${uas.port};branch=z9hG4bK${method}${cseq};rport`,
    `From: ${header('to')};tag=${tag}`,
    `To: ${header('from')}`,
    `Call-ID: ${header('call-id')}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:callee@127.0.0.1:${uas.port}>`,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

describe('a test call', () => {
  it('rings, talks and hangs up, and counts what came back', async () => {
    const media = await audio(true)
    const uas = await serve({ media })
    const samples = Buffer.from(Array.from({ length: 160 }, (_, index) => index))
    const report = await call(uas.port, { mediaMs: 300, samples })
    expect(stepsOf(report)).toEqual(['caller invite 200 OK', 'caller bye 200 OK'])
    expect(once(uas.methods)).toEqual(['INVITE', 'ACK', 'BYE'])
    const { sent = 0, received = 0, lost } = report.audio?.caller ?? {}
    expect(sent).toBeGreaterThanOrEqual(15)
    expect(received).toBeGreaterThan(sent / 2)
    expect(lost).toBe(0)
    expect(report.outcome).toBe('ok')
    expect(report.why).toMatch(
      /^answered after \d+ ms, audio came from the callee: \d+ packets, 0 lost$/,
    )
    expect(media.received[0]?.subarray(12)).toEqual(samples)
  })

  it('proves the password by every kind of digest, believes one stale nonce, and takes the registration back', async () => {
    const kinds: StandardOptions[] = [
      { algorithm: 'MD5' },
      { algorithm: 'SHA-256' },
      { algorithm: 'MD5', qop: false },
      { algorithm: 'MD5', stale: true },
    ]
    for (const kind of kinds) {
      const uas = await serve({ users: { alice: 'right' }, ...kind })
      const report = await call(uas.port, { caller: ALICE })
      expect(stepsOf(report)).toEqual([
        'caller register 200 OK',
        'caller invite 200 OK',
        'caller bye 200 OK',
        'caller unregister 200 OK',
      ])
      const ack = uas.heard.filter(({ method }) => method === 'ACK').at(-1)
      expect(ack?.header('proxy-authorization')).toContain('username="alice"')
      expect(uas.heard.at(-1)?.header('expires')).toBe('0')
    }
  })

  it('is refused with a wrong password, which stands nowhere', async () => {
    const uas = await serve({ users: { alice: 'right' } })
    const report = await call(uas.port, { caller: new Credentials('alice', 'hunter2') })
    expect({ outcome: report.outcome, why: report.why }).toEqual({
      outcome: 'refused',
      why: 'REGISTER of the caller was answered 403 Forbidden',
    })
    expect(uas.methods).toEqual(['REGISTER', 'REGISTER'])
    const everything = JSON.stringify([report, uas.heard.map(({ all }) => all('authorization'))])
    expect(everything).not.toContain('hunter2')
  })

  it('does not go on asking a server that always asks again', async () => {
    let realm = 0
    const challenge = (name: string): string =>
      `WWW-Authenticate: Digest realm="${name}", nonce="n", stale=true`
    const other = (): string => {
      realm += 1
      return `other${realm}`
    }
    for (const next of [() => 'same', other]) {
      const uas = await SipUas.start({
        onRequest: (_request, reply) => reply('401 No', { headers: [challenge(next())] }),
      })
      open.push(uas)
      const report = await call(uas.port, { caller: ALICE })
      expect(report.outcome).toBe('refused')
      expect(uas.methods.length).toBeLessThanOrEqual(4)
    }
  })

  it('without a password stands at the first challenge', async () => {
    const uas = await serve({ users: { alice: 'right' } })
    const report = await call(uas.port)
    expect(report.why).toBe('INVITE was answered 407 Proxy Authentication Required')
    await until(() => uas.methods.includes('ACK'))
    expect(once(uas.methods)).toEqual(['INVITE', 'ACK'])
  })

  it('ends at its limit when nobody answers, and cancels nothing that nobody took', async () => {
    const uas = await serve({}, { onRequest: () => {} })
    const startedMs = performance.now()
    const report = await call(uas.port, { limitMs: 800 })
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect({ outcome: report.outcome, why: report.why }).toEqual({
      outcome: 'no-answer',
      why: 'INVITE was not answered within 800 ms; nothing came',
    })
    expect(uas.methods).toEqual(['INVITE', 'INVITE'])
  })

  it('is told at once that the port is closed, by every transport', async () => {
    const uas = await SipUas.start()
    await uas.close()
    for (const transport of ['udp', 'tcp', 'tls'] as const) {
      const startedMs = performance.now()
      const { outcome, why } = await call(uas.port, { transport, caller: ALICE })
      expect(outcome).toBe('unreachable')
      expect(why).toMatch(/: the port is closed \(ECONNREFUSED\)$/)
      expect(performance.now() - startedMs).toBeLessThan(1_000)
    }
  })

  it('cancels who rings for too long, and waits for the end of the INVITE', async () => {
    let pending: Reply | null = null
    const uas = await serve(
      {},
      {
        onRequest: (request, reply) => {
          if (request.method === 'INVITE') {
            pending = reply
            reply('180 Ringing')
          } else if (request.method === 'CANCEL') {
            reply('200 OK')
            pending?.('487 Request Terminated')
          }
        },
      },
    )
    const report = await call(uas.port, { limitMs: 900 })
    expect(stepsOf(report)).toEqual([
      'caller invite null no answer',
      'caller cancel 200 INVITE ended with 487',
    ])
    expect({ outcome: report.outcome, why: report.why }).toEqual({
      outcome: 'no-answer',
      why: 'INVITE was not answered within 900 ms; 180 Ringing came',
    })
    await until(() => uas.methods.includes('ACK'))
    // The INVITE is not repeated after a provisional answer, although 500 ms went by.
    expect(uas.methods).toEqual(['INVITE', 'CANCEL', 'ACK'])
    const [invite, cancel] = uas.heard
    for (const name of ['via', 'call-id', 'from', 'to']) {
      expect(cancel?.header(name)).toBe(invite?.header(name))
    }
    expect(cancel?.uri).toBe(invite?.uri)
    expect(cancel?.header('cseq')).toBe('1 CANCEL')
  })

  it('acknowledges and hangs up a call that is answered after it was cancelled', async () => {
    let answerIt = (): void => {}
    const uas = await serve(
      {},
      {
        onRequest: (request, reply, self) => {
          if (request.method === 'INVITE') {
            reply('180 Ringing')
            answerIt = () => accept(request, reply, self)
          } else if (request.method === 'CANCEL') {
            reply('200 OK')
            answerIt()
          } else if (request.method === 'BYE') reply('200 OK')
        },
      },
    )
    const report = await call(uas.port, { limitMs: 300 })
    expect(report.outcome).toBe('no-answer')
    expect(uas.methods).toEqual(['INVITE', 'CANCEL', 'ACK', 'BYE'])
    expect(uas.heard.at(-1)?.header('to')).toContain('tag=uas-tag')
  })

  it('takes 183 and then 200, and acknowledges each 200 that comes', async () => {
    const uas = await serve({
      onInvite: (request, reply, self) => {
        reply('183 Session Progress')
        setTimeout(() => {
          for (let round = 0; round < 3; round += 1) accept(request, reply, self)
        }, 700)
      },
    })
    const report = await call(uas.port)
    expect(report.outcome).toBe('ok')
    expect(uas.methods.filter((method) => method === 'INVITE')).toHaveLength(1)
    await until(() => uas.methods.filter((method) => method === 'ACK').length === 3)
  })

  it('keeps the first of two phones that answer, and hangs up the second', async () => {
    const uas = await serve({
      onInvite: (request, reply, self) => {
        accept(request, reply, self, { tag: 'first' })
        accept(request, reply, self, { tag: 'second' })
      },
    })
    const report = await call(uas.port)
    expect(report.outcome).toBe('ok')
    const byes = uas.heard
      .filter(({ method }) => method === 'BYE')
      .map(({ header }) => header('to'))
    expect(byes.map((to) => /tag=(\w+)/.exec(to)?.[1]).sort()).toEqual(['first', 'second'])
  })

  it('follows two recorded hops backwards, with ACK and BYE to the nearest', async () => {
    const near = await serve({})
    const uas = await serve({
      onInvite: (request, reply, self) => {
        const routes = `<sip:far.example.org;lr>,<sip:127.0.0.1:${near.port};lr>`
        accept(request, reply, self, { headers: [`Record-Route: ${routes}`] })
      },
    })
    const report = await call(uas.port)
    expect(report.outcome).toBe('ok')
    expect(once(uas.methods)).toEqual(['INVITE'])
    expect(
      near.heard.map(({ method, uri, all }) => [method, uri, all('route').join(', ')]),
    ).toEqual(
      ['ACK', 'BYE'].map((method) => [
        method,
        `sip:callee@127.0.0.1:${uas.port}`,
        `<sip:127.0.0.1:${near.port};lr>, <sip:far.example.org;lr>`,
      ]),
    )
  })

  it('answers what a callee may ask inside the call, and follows it to another port', async () => {
    const [first, second] = [await audio(true), await audio(false)]
    const uas = await serve({ media: first })
    const placed = call(uas.port, { mediaMs: 700 })
    await until(() => uas.methods.includes('ACK'))
    const sdp = (port: number, codec: string): string =>
      `v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio ${port} RTP/AVP ${codec}\r\n`
    uas.send(inside(uas, 'OPTIONS', 1))
    uas.send(inside(uas, 'INVITE', 2, sdp(second.port, '8')))
    uas.send(inside(uas, 'INVITE', 3, sdp(second.port, '0')))
    uas.send(inside(uas, 'INFO', 4))
    uas.send(inside(uas, 'OPTIONS', 2))
    uas.send(inside(uas, 'BYE', 9, '', 'somebody-else'))
    await until(() => uas.answers.filter(({ cseq }) => cseq.endsWith('BYE')).length > 0)
    uas.send(inside(uas, 'ACK', 3))
    const report = await placed
    const firstOf = new Map(uas.answers.map(({ cseq, status }) => [cseq, status]).reverse() as [])
    expect(Object.fromEntries(firstOf)).toEqual({
      '1 OPTIONS': 200,
      '2 INVITE': 488,
      '3 INVITE': 200,
      '4 INFO': 405,
      '2 OPTIONS': 500,
      '9 BYE': 481,
    })
    const answer = uas.answers.find(({ cseq }) => cseq === '3 INVITE')
    expect(answer?.body).toMatch(/^v=0\r\no=tandem \d+ 2 IN IP4 127\.0\.0\.1\r\n/)
    expect(second.received.length).toBeGreaterThan(0)
    expect(report.steps.at(-1)).toMatchObject({ step: 'bye', status: 200 })
  })

  it('takes a BYE of the callee for the end, and does not hang up a second time', async () => {
    const media = await audio(true)
    const uas = await serve({ media })
    const placed = call(uas.port, { mediaMs: 4_000 })
    await until(() => media.received.length > 5)
    uas.send(inside(uas, 'BYE', 1))
    const report = await placed
    expect(stepsOf(report).at(-1)).toBe('callee bye 200 the callee hung up')
    expect(report.outcome).toBe('ok')
    await until(() => uas.answers.length > 0)
    expect(uas.answers).toMatchObject([{ status: 200, cseq: '1 BYE' }])
    expect(uas.methods).not.toContain('BYE')
  })

  it('says that no audio came, and that none can', async () => {
    const silent = await call((await serve({ media: await audio(false) })).port, { mediaMs: 200 })
    expect([silent.outcome, silent.why]).toEqual(['no-audio', 'no audio came from the callee'])
    const uas = await serve({
      onInvite: (request, reply, self) =>
        accept(request, reply, self, {
          sdp: 'v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 8\r\n',
        }),
    })
    const other = await call(uas.port, { mediaMs: 200 })
    expect([other.outcome, other.why]).toEqual([
      'no-audio',
      'no audio can flow: of the answer, its audio is not PCMU/8000',
    ])
    expect(once(uas.methods)).toEqual(['INVITE', 'ACK', 'BYE'])
  })

  it('works by TCP and by TLS, with a certificate for the host or for the domain it serves', async () => {
    const forHost = makeCertificate('IP:127.0.0.1')
    const forDomain = makeCertificate('DNS:example.org')
    const forOther = makeCertificate('DNS:example.com')
    const tcp = await serve({}, { transport: 'tcp' })
    const plain = await call(tcp.port, { transport: 'tcp', caller: ALICE })
    expect(plain.outcome).toBe('ok')
    for (const tls of [forHost, forDomain]) {
      const uas = await serve({}, { transport: 'tls', tls })
      const trust = { check: true, ca: tls.cert } as const
      const { outcome } = await call(uas.port, { transport: 'tls', trust, caller: ALICE })
      expect(outcome).toBe('ok')
    }
    const uas = await serve({}, { transport: 'tls', tls: forOther })
    const named = await call(uas.port, {
      transport: 'tls',
      trust: { check: true, ca: forOther.cert },
    })
    expect(named.outcome).toBe('unreachable')
    expect(named.why).toMatch(/^the caller: TLS was not agreed on: .*does not match certificate/)
    const unchecked = await call(uas.port, { transport: 'tls', trust: { check: false } })
    expect(unchecked.outcome).toBe('ok')
  })

  it('is not hung or broken by garbage in the place of answers', async () => {
    let seed = 3
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    const spoil = (text: string): string => {
      const cut = text.slice(0, random(text.length))
      return random(2) === 0 ? cut : `${cut}${String.fromCharCode(random(256)).repeat(random(9))}`
    }
    const uas = await serve(
      {},
      {
        onRequest: (request: Heard, reply, self) => {
          const send = self.send
          for (let round = 0; round < 60; round += 1) {
            self.send = (text) => send(spoil(text.toString()))
            reply('200 OK', { headers: ['Contact: <sip:x@127.0.0.1>'], body: 'v=0\r\n' })
          }
          void request
          self.send = send
        },
      },
    )
    const report = await call(uas.port, { limitMs: 700, caller: ALICE, mediaMs: 100 })
    expect(['no-answer', 'no-audio', 'unreachable']).toContain(report.outcome)
  })

  it('is stopped at once when the operator wants it, with nothing left ringing', async () => {
    let pending: Reply | null = null
    const stop = new AbortController()
    const uas = await serve(
      {},
      {
        onRequest: (request, reply) => {
          if (request.method === 'INVITE') {
            pending = reply
            reply('180 Ringing')
            stop.abort()
          } else if (request.method === 'CANCEL') {
            reply('200 OK')
            pending?.('487 Request Terminated')
          }
        },
      },
    )
    const { outcome, why } = await call(uas.port, { limitMs: 20_000 }, stop.signal)
    expect([outcome, why]).toEqual(['failed', 'stopped before it was answered'])
    await until(() => uas.methods.includes('ACK'))
    expect(uas.methods).toEqual(['INVITE', 'CANCEL', 'ACK'])
  })
})

describe('a test call to our own callee', () => {
  const through = async (spoil?: 'offer' | 'answer') => {
    const relay = await startRelay(spoil === undefined ? {} : { spoil })
    open.push(relay)
    const local = { address: '127.0.0.1', port: null }
    return { relay, report: await call(relay.port, { local, mediaMs: 300 }) }
  }

  it('goes through the proxy and back, counts both directions, and unregisters', async () => {
    const { relay, report } = await through()
    expect(stepsOf(report)).toEqual([
      'callee register 200 OK',
      'caller invite 200 OK',
      'caller bye 200 OK',
      'callee unregister 200 OK',
    ])
    expect(report.outcome).toBe('ok')
    const { caller, callee } = report.audio ?? {}
    expect(caller?.received).toBe(callee?.sent)
    expect(callee?.received).toBe(caller?.sent)
    expect(report.why).toMatch(
      /audio in both directions: 1\d of 1\d packets reached the callee, 1\d of 1\d/,
    )
    expect(relay.relayed.filter((line) => line.startsWith('ACK'))).toHaveLength(1)
  })

  it('tells one-way audio apart, in either direction', async () => {
    const there = await through('answer')
    expect(there.report.outcome).toBe('no-audio')
    expect(there.report.why).toMatch(
      /^one-way audio: 0 of 1\d packets reached the callee, 1\d of 1\d/,
    )
    const back = await through('offer')
    expect(back.report.outcome).toBe('no-audio')
    expect(back.report.why).toMatch(
      /^one-way audio: 1\d of 1\d packets reached the callee, 0 of 1\d/,
    )
  })

  it('says so when somebody else answers', async () => {
    const uas = await serve({ media: await audio(true) })
    const local = { address: '127.0.0.1', port: null }
    const report = await call(uas.port, { local, mediaMs: 200 })
    expect([report.outcome, report.why]).toEqual([
      'no-audio',
      'the call was answered, but not by our own callee, which saw no INVITE',
    ])
  })

  it('is not begun at an address that is not ours, or a port that is taken', async () => {
    const uas = await serve({})
    const at = async (address: string, port: number | null) => {
      const { outcome, why } = await call(uas.port, { local: { address, port } })
      return [outcome, why]
    }
    expect(await at('192.0.2.77', null)).toEqual([
      'failed',
      'the audio of the callee: our address is not on this host (EADDRNOTAVAIL)',
    ])
    expect(await at('127.0.0.1', uas.port)).toEqual([
      'failed',
      'REGISTER of the callee: our port is in use (EADDRINUSE)',
    ])
  })
})
