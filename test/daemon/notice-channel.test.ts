/**
 * Goal: a notice gets through each channel, and whatever hangs or refuses is an answer in time. Method: a mail
 * server (the package smtp-server, standing in for an operator's), web servers of Node, real programs.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createWeb, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecureWeb } from 'node:https'
import { type AddressInfo, createServer as createPort, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AlarmChannel, MailWay } from '../../src/config/config.ts'
import { noticeOf } from '../../src/control/notice.ts'
import { deliver } from '../../src/daemon/notice-channel.ts'
import { makeCertificate } from '../helpers/certificate.ts'

const LIMIT_MS = 10_000
const SHORT_MS = 300
const NOTICE = noticeOf({
  ...{ kind: 'news', node: 'sp1', hostName: 'sp1', atIso: '2026-11-21T12:00:00.000Z', standing: 1 },
  ...{ state: 'active', peerState: 'standby', changes: [] },
  alarms: [
    {
      ...{ what: 'began', code: 'path-silent', about: 'crosslink', sentence: 'schweigt: Größe' },
      ...{ mend: 'look', sinceIso: '2026-11-21T11:59:00.000Z', returns: 0, endedIso: null },
    },
  ],
})

let directory = ''
const certificate = makeCertificate('IP:127.0.0.1')
const closing: (() => void)[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'notice-'))
  await file('ca', certificate.cert)
  await file('password', 'sesame\n')
})
afterEach(() => {
  for (const close of closing.splice(0)) close()
})
afterAll(() => rm(directory, { recursive: true }))

const at = (name: string): string => join(directory, name)

async function file(name: string, text: string, mode = 0o600): Promise<string> {
  await writeFile(at(name), text)
  await chmod(at(name), mode)
  return at(name)
}

async function portOf(server: Server): Promise<number> {
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

/** Takes connections and never says a word. */
async function silentPort(): Promise<number> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createPort((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return portOf(server)
}

describe('mail by a server', () => {
  interface Taken {
    text: string
    to: string[]
    secure: boolean
    user: unknown
  }

  async function mailServer(options: SMTPServerOptions): Promise<{ port: number; taken: Taken[] }> {
    const taken: Taken[] = []
    const server = new SMTPServer({
      ...{ key: certificate.key, cert: certificate.cert, authOptional: true, logger: false },
      onAuth: ({ username, password }, _session, done) =>
        password === 'sesame' ? done(null, { user: username }) : done(new Error('go away')),
      onData: (stream, session, done) => {
        const pieces: Buffer[] = []
        stream.on('data', (piece: Buffer) => pieces.push(piece))
        stream.on('end', () => {
          const to = session.envelope.rcptTo.map(({ address }) => address)
          const text = Buffer.concat(pieces).toString('utf8')
          taken.push({ text, to, secure: session.secure, user: session.user })
          done()
        })
      },
      ...options,
    })
    server.on('error', () => {})
    server.listen(0, '127.0.0.1')
    closing.push(() => server.close())
    return { port: await portOf(server.server as unknown as Server), taken }
  }

  function channel(
    port: number,
    changes: Partial<Extract<MailWay, { via: 'smtp' }>>,
  ): AlarmChannel {
    const way: MailWay = {
      ...{ via: 'smtp', host: '127.0.0.1', port, tls: 'none', caFile: null },
      ...{ user: null, passwordFile: null },
      ...changes,
    }
    return { kind: 'mail', to: ['noc@x.test', 'b@x.test'], from: 'tandem@x.test', way }
  }

  test('without encryption, to everybody, with subject and text', async () => {
    const { port, taken } = await mailServer({ disabledCommands: ['STARTTLS'] })
    const delivery = await deliver(channel(port, {}), NOTICE, LIMIT_MS)
    expect(delivery).toMatchObject({ ok: true })
    expect(taken[0]).toMatchObject({ to: ['noc@x.test', 'b@x.test'], secure: false })
    expect(taken[0]?.text).toMatch(/^Subject: \[tandem sp1\] Alarm: path-silent crosslink\r$/m)
    expect(taken[0]?.text).toMatch(/^From: "?Tandem"? <tandem@x\.test>\r$/m)
    expect(taken[0]?.text).toMatch(/^Auto-Submitted: auto-generated\r$/m)
    expect(taken[0]?.text).toMatch(/next step: look/)
  })

  test.each(['starttls', 'tls'] as const)('by %s with a login', async (tls) => {
    const { port, taken } = await mailServer({ secure: tls === 'tls' })
    const login = { user: 'tandem', passwordFile: at('password') }
    const sent = await deliver(channel(port, { tls, caFile: at('ca'), ...login }), NOTICE, LIMIT_MS)
    expect(sent).toMatchObject({ ok: true })
    expect(taken[0]).toMatchObject({ secure: true, user: 'tandem' })
  })

  test('is not sent where encryption was asked for and is not offered, or nobody vouches for it', async () => {
    const { port: plain, taken } = await mailServer({ disabledCommands: ['STARTTLS'] })
    const unencrypted = channel(plain, { tls: 'starttls', caFile: at('ca') })
    expect(await deliver(unencrypted, NOTICE, LIMIT_MS)).toMatchObject({ ok: false })
    const { port, taken: other } = await mailServer({})
    const unknown = await deliver(channel(port, { tls: 'starttls' }), NOTICE, LIMIT_MS)
    expect(unknown).toMatchObject({ ok: false, why: expect.stringMatching(/self.signed/) })
    expect([taken, other]).toEqual([[], []])
  })

  test('with a wrong password says what the server said, and not the password', async () => {
    await file('wrong', 'open-barley\n')
    const { port } = await mailServer({ secure: true })
    const login = { user: 'tandem', passwordFile: at('wrong') }
    const refused = channel(port, { tls: 'tls', caFile: at('ca'), ...login })
    const delivery = await deliver(refused, NOTICE, LIMIT_MS)
    expect(delivery).toMatchObject({ ok: false, why: expect.stringMatching(/go away/) })
    expect(JSON.stringify(delivery)).not.toContain('open-barley')
  })

  test('with a password file that others may read is not tried', async () => {
    const { port, taken } = await mailServer({ secure: true })
    const passwordFile = await file('open', 'sesame\n', 0o644)
    const way = channel(port, { tls: 'tls', caFile: at('ca'), user: 'tandem', passwordFile })
    expect(await deliver(way, NOTICE, LIMIT_MS)).toEqual({
      ok: false,
      why: `${passwordFile} has mode 0644 instead of 0600`,
    })
    expect(taken).toEqual([])
  })

  test('that is taken for some of the addresses only is not done', async () => {
    const { port } = await mailServer({
      onRcptTo: ({ address }, _session, done) =>
        address === 'b@x.test' ? done(new Error('unknown here')) : done(),
    })
    const delivery = await deliver(channel(port, {}), NOTICE, LIMIT_MS)
    expect(delivery).toEqual({ ok: false, why: `127.0.0.1 port ${port} refused b@x.test` })
  })

  test('to a server that hangs is given up in time', async () => {
    const port = await silentPort()
    const delivery = await deliver(channel(port, {}), NOTICE, SHORT_MS)
    expect(delivery).toMatchObject({ ok: false, why: expect.stringContaining(`${port}`) })
  })
})

describe('mail by the program of this machine', () => {
  /** Stands in for a mail server's own program: keeps what it was given. */
  const program = (): Promise<string> =>
    file('sendmail', '#!/bin/sh\nprintf "%s\\n" "$@" >"$0.words"\ncat >"$0.mail"\n', 0o755)
  const channel = (path: string): AlarmChannel => ({
    ...{ kind: 'mail', to: ['noc@x.test'], from: null, way: { via: 'sendmail', program: path } },
  })

  test('is handed over whole', async () => {
    const path = await program()
    const delivery = await deliver(channel(path), NOTICE, LIMIT_MS)
    expect(delivery).toEqual({ ok: true, answer: `${path} took it` })
    expect((await readFile(`${path}.words`, 'utf8')).split('\n')).toEqual([
      '-i',
      '-f',
      'noc@x.test',
      '--',
      'noc@x.test',
      '',
    ])
    const mail = await readFile(`${path}.mail`, 'utf8')
    expect(mail).toMatch(/^Subject: \[tandem sp1\] Alarm: path-silent crosslink$/m)
    expect(mail).not.toContain('\r')
  })

  test('that is not there, fails or hangs is said', async () => {
    const failing = await file('failing', '#!/bin/sh\necho "queue is full" >&2\nexit 75\n', 0o755)
    const hanging = await file('hanging', '#!/bin/sh\nsleep 60\n', 0o755)
    expect(await deliver(channel('/nowhere/sendmail'), NOTICE, LIMIT_MS)).toMatchObject({
      why: expect.stringMatching(/is not installed/),
    })
    expect(await deliver(channel(failing), NOTICE, LIMIT_MS)).toMatchObject({
      why: expect.stringMatching(/ended with 75: queue is full/),
    })
    expect(await deliver(channel(hanging), NOTICE, SHORT_MS)).toMatchObject({
      why: expect.stringMatching(/did not end within 300 ms/),
    })
  })
})

describe('a webhook', () => {
  async function web(answer: RequestListener, secure = false): Promise<number> {
    const server = secure ? createSecureWeb(certificate, answer) : createWeb(answer)
    server.on('error', () => {})
    server.listen(0, '127.0.0.1')
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return portOf(server)
  }
  const channel = (url: string, changes: object = {}): AlarmChannel => ({
    ...{ kind: 'webhook', url, tokenFile: null, caFile: null },
    ...changes,
  })
  const bodyOf = async (request: IncomingMessage): Promise<string> => {
    let text = ''
    for await (const piece of request) text += String(piece)
    return text
  }

  test('gets the notice as JSON, by https with a token', async () => {
    const got: { body: string; token: string | undefined }[] = []
    const port = await web(async (request, response) => {
      got.push({ body: await bodyOf(request), token: request.headers.authorization })
      response.end('thanks')
    }, true)
    const url = `https://127.0.0.1:${port}/hooks/word`
    const files = { tokenFile: at('password'), caFile: at('ca') }
    const delivery = await deliver(channel(url, files), NOTICE, LIMIT_MS)
    expect(delivery).toEqual({ ok: true, answer: `https://127.0.0.1:${port} answered 200` })
    expect(got[0]?.token).toBe('Bearer sesame')
    expect(JSON.parse(got[0]?.body ?? '')).toEqual(JSON.parse(JSON.stringify(NOTICE)))
    // Nobody vouches for the certificate.
    expect(await deliver(channel(url), NOTICE, LIMIT_MS)).toMatchObject({ ok: false })
    expect(got.length).toBe(1)
  })

  test('that refuses, sends elsewhere, breaks off, hangs or is not there is said without its path', async () => {
    const refusing = await web((request, response) => {
      request.resume()
      response.writeHead(503).end()
    })
    const elsewhere = await web((request, response) => {
      request.resume()
      response.writeHead(302, { location: `http://127.0.0.1:${refusing}/` }).end()
    })
    const breaking = await web((request) => request.socket.destroy())
    const silent = await silentPort()
    const whys: unknown[] = []
    for (const port of [refusing, elsewhere, breaking, silent, 1]) {
      const told = channel(`http://127.0.0.1:${port}/hooks/word`)
      whys.push(await deliver(told, NOTICE, port === silent ? SHORT_MS : LIMIT_MS))
    }
    const origin = (port: number) => `http://127.0.0.1:${port}`
    expect(whys).toEqual(
      [
        `${origin(refusing)} answered 503`,
        `${origin(elsewhere)} answered 302`,
        `${origin(breaking)}: ECONNRESET`,
        `${origin(silent)} did not answer within ${SHORT_MS} ms`,
        `${origin(1)}: ECONNREFUSED`,
      ].map((why) => ({ ok: false, why })),
    )
  })
})

describe('a command', () => {
  test('gets the notice as JSON on its standard input', async () => {
    const path = await file('page', '#!/bin/sh\ncat >"$1"\n', 0o755)
    const channel: AlarmChannel = { kind: 'command', argv: [path, at('paged')] }
    const delivery = await deliver(channel, NOTICE, LIMIT_MS)
    expect(delivery).toEqual({ ok: true, answer: `${path} ended with 0` })
    const got = JSON.parse(await readFile(at('paged'), 'utf8')) as unknown
    expect(got).toEqual(JSON.parse(JSON.stringify(NOTICE)))
  })

  test('that fails, or does not read what it is given, is an answer', async () => {
    const failing: AlarmChannel = { kind: 'command', argv: ['/bin/false'] }
    expect(await deliver(failing, NOTICE, LIMIT_MS)).toMatchObject({ ok: false })
    const deaf: AlarmChannel = { kind: 'command', argv: ['/bin/true'] }
    expect(await deliver(deaf, NOTICE, LIMIT_MS)).toMatchObject({ ok: true })
  })
})
