/**
 * Goal: a stranger learns nothing and changes nothing, each role may what it is for, and whoever is
 * slow, loud or malformed is cut off. Method: the front on loopback before a pretend agent.
 */
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { pretendPorts } from '../fixtures/control-agent.ts'
import { operationWith, STATUS } from '../fixtures/control-documents.ts'
import {
  type Ask,
  type FrontStage,
  frontStage,
  OPERATE_TOKEN,
  READ_TOKEN,
} from '../helpers/front-stage.ts'
import { until } from '../helpers/until.ts'

let stage: FrontStage
const stages: FrontStage[] = []
async function begin(choices: Parameters<typeof frontStage>[0] = {}): Promise<FrontStage> {
  stage = await frontStage(choices)
  stages.push(stage)
  return stage
}
afterEach(async () => {
  for (const open of stages.splice(0)) await open.stop()
})

const ORDER = { method: 'POST', path: '/v1/operations', body: '{"kind":"make-standby"}' }
const GENEROUS = { perSecond: 1e6, burst: 1e6 }
const UNLIMITED = {
  ...{ requests: GENEROUS, forwarded: GENEROUS },
  connections: { total: 1000, perSource: 1000, opening: GENEROUS },
}

describe('a stranger', () => {
  const paths = [
    '/',
    '/v1/status',
    '/v1/nothing',
    '/active',
    '/metrics',
    '/v1/openapi.json',
    '/%00',
  ]
  const askers: Record<string, Ask> = {
    nobody: {},
    'somebody with a wrong token': { token: 'tandem_wrong' },
    'somebody with the hash of a token': {
      token: 'c8d0b1b8f31c2e6f0cf37e1e6b0a1a2bd1b8c2a9e3e1f5f0f3a4b5c6d7e8f901',
    },
    'somebody with another scheme': { headers: { authorization: `Digest ${READ_TOKEN}` } },
    'somebody with a token beside another name': {
      headers: { authorization: `Basic ${btoa(`carol:${READ_TOKEN}`)}` },
    },
  }

  test.each(Object.entries(askers))('%s is told the same for every path', async (_who, asker) => {
    await begin({ limits: UNLIMITED })
    const answers = []
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const { status, headers, body } = await stage.ask({ ...asker, path, method })
        answers.push(JSON.stringify([status, { ...headers, date: '' }, body]))
      }
    }
    expect(new Set(answers).size).toBe(1)
    expect(JSON.parse(answers[0] ?? '')).toStrictEqual([
      401,
      {
        'cache-control': 'no-store',
        connection: 'close',
        'content-length': '145',
        'content-type': 'application/json; charset=utf-8',
        date: '',
        'www-authenticate': 'Bearer, Basic realm="api"',
      },
      '{"schema":1,"code":"HA_UNAUTHORIZED","message":"no known credentials came with this request","mend":"send a token: authorization: Bearer TOKEN"}\n',
    ])
    expect(stage.refused.length).toBe(answers.length)
  })

  test('changes nothing', async () => {
    const ports = pretendPorts()
    await begin({ ports })
    expect((await stage.ask(ORDER)).status).toBe(401)
    expect((await stage.ask({ ...ORDER, token: `${OPERATE_TOKEN}x` })).status).toBe(401)
    expect([ports.requests, stage.orders]).toStrictEqual([[], []])
  })

  test('is answered what the configuration opens, and nothing beside it', async () => {
    await begin({ api: { open: ['role'] }, limits: UNLIMITED })
    const active = await stage.ask({ path: '/active' })
    expect([active.status, active.body]).toStrictEqual([200, 'active\n'])
    const standby = await stage.ask({ path: '/standby' })
    expect([standby.status, standby.body]).toStrictEqual([503, 'active\n'])
    const head = await stage.ask({ path: '/active', method: 'HEAD' })
    expect([head.status, head.body]).toStrictEqual([200, ''])
    const closed = ['/health', '/metrics', '/v1/status', '/active?x', '/active/', '//active']
    for (const path of closed) expect((await stage.ask({ path })).status).toBe(401)
    expect((await stage.ask({ path: '/active', method: 'POST' })).status).toBe(401)
  })

  test('who speaks no HTTP, or a TLS of old, is cut off without a word', async () => {
    await begin()
    const socket = stage.connectPlain()
    let said = ''
    socket.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1')
    })
    socket.on('error', () => {})
    socket.write('\x16\x03\x01 not http at all\r\n\r\n')
    await once(socket, 'close')
    expect(said).toBe('')
    const old = connectTls({
      ...{ host: '127.0.0.1', port: stage.tlsPort, rejectUnauthorized: false },
      ...{ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
    })
    const [error] = (await once(old, 'error')) as [Error]
    expect(error.message).toMatch(/alert|reset|disconnected/i)
  })
})

describe('somebody with a token', () => {
  test('for read asks everything and orders nothing', async () => {
    const ports = pretendPorts()
    await begin({ ports })
    const asked = await stage.ask({ token: READ_TOKEN })
    expect([asked.status, JSON.parse(asked.body)]).toStrictEqual([200, STATUS])
    const ordered = await stage.ask({ ...ORDER, token: READ_TOKEN })
    expect([ordered.status, JSON.parse(ordered.body).code]).toStrictEqual([403, 'HA_READ_ONLY'])
    expect(ports.requests).toStrictEqual([])
    expect(stage.orders).toStrictEqual([
      {
        asker: expect.objectContaining({ name: 'prometheus', role: 'read' }),
        ...{ address: '127.0.0.1', url: '/v1/operations', status: 403 },
      },
    ])
  })

  test('for operate gives orders, and is named', async () => {
    const operate = async () => operationWith({ state: 'accepted' })
    await begin({ ports: pretendPorts({ operate }) })
    const ordered = await stage.ask({ ...ORDER, token: OPERATE_TOKEN })
    expect([ordered.status, JSON.parse(ordered.body).state]).toStrictEqual([202, 'accepted'])
    expect(stage.orders).toMatchObject([{ asker: { name: 'carol' }, status: 202 }])
  })

  test('may send it as the password beside its name, and without TLS on loopback', async () => {
    await begin()
    const basic = { authorization: `Basic ${btoa(`prometheus:${READ_TOKEN}`)}` }
    expect((await stage.ask({ headers: basic })).status).toBe(200)
    expect((await stage.askPlain({ token: READ_TOKEN })).status).toBe(200)
    expect((await stage.askPlain({})).status).toBe(401)
  })

  test('is told what is wrong with a request, by the agent itself', async () => {
    await begin({ limits: UNLIMITED })
    const send = async (what: Ask) => {
      const { status, body } = await stage.ask({ ...ORDER, token: OPERATE_TOKEN, ...what })
      return [status, (JSON.parse(body) as { code: string }).code]
    }
    expect(await send({ body: '{' })).toStrictEqual([400, 'HA_REQUEST_INVALID'])
    expect(await send({ body: '[]' })).toStrictEqual([400, 'HA_REQUEST_INVALID'])
    expect(await send({ body: '{"kind":"reboot"}' })).toStrictEqual([400, 'HA_REQUEST_INVALID'])
    expect(await send({ headers: { 'content-type': 'text/xml' } })).toStrictEqual([
      415,
      'HA_REQUEST_INVALID',
    ])
    expect(await send({ body: 'x'.repeat(17_000) })).toStrictEqual([413, 'HA_REQUEST_TOO_LARGE'])
    const chunked = { 'transfer-encoding': 'chunked' }
    expect(await send({ body: 'x'.repeat(17_000), headers: chunked })).toStrictEqual([
      413,
      'HA_REQUEST_TOO_LARGE',
    ])
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await stage.ask({ method, path: '/v1/x', token: OPERATE_TOKEN })
      expect([status, JSON.parse(body).code]).toStrictEqual([404, 'HA_ROUTE_UNKNOWN'])
    }
  })

  test('learns that the agent does not answer', async () => {
    await begin({ runDir: '/nonexistent' })
    const { status, body } = await stage.ask({ token: READ_TOKEN })
    expect([status, JSON.parse(body).code]).toStrictEqual([503, 'HA_CONTROL_UNREACHABLE'])
  })

  test('is not known any more after the file has changed', async () => {
    await begin()
    expect((await stage.ask({ token: READ_TOKEN })).status).toBe(200)
    stage.front.use({
      ...{ certificate: null, key: null, clientCa: null },
      tokens: [],
      notAfterMs: 0,
    })
    expect((await stage.ask({ token: READ_TOKEN })).status).toBe(401)
  })
})

describe('whoever comes too often or stays too long', () => {
  test('is told so, one address for itself', async () => {
    await begin({ limits: { ...UNLIMITED, requests: { perSecond: 0.001, burst: 2 } } })
    const statuses = []
    for (let n = 0; n < 4; n += 1) statuses.push((await stage.ask({ token: READ_TOKEN })).status)
    expect(statuses).toStrictEqual([200, 200, 429, 429])
  })

  test('does not reach the agent beyond a rate, all together', async () => {
    await begin({ limits: { ...UNLIMITED, forwarded: { perSecond: 0.001, burst: 1 } } })
    const asked = await Promise.all([1, 2, 3].map(() => stage.ask({ token: READ_TOKEN })))
    expect(asked.map(({ status }) => status).sort()).toStrictEqual([200, 429, 429])
    // Garbage does not use it up.
    expect((await stage.ask({})).status).toBe(401)
  })

  test('opens no more connections than one address may', async () => {
    const connections = { total: 100, perSource: 3, opening: GENEROUS }
    await begin({ limits: { ...UNLIMITED, connections } })
    const sockets = [1, 2, 3, 4, 5].map(() => stage.connectPlain())
    let closed = 0
    for (const socket of sockets) {
      socket.on('error', () => {})
      socket.on('close', () => {
        closed += 1
      })
    }
    await until(async () => closed === 2)
    expect(stage.front.connectionCount).toBe(3)
    for (const socket of sockets) socket.destroy()
    await until(async () => stage.front.connectionCount === 0)
    expect((await stage.ask({ token: READ_TOKEN })).status).toBe(200)
    await until(async () => stage.front.connectionCount === 0)
  })

  test('opens no new connections quicker than one address may', async () => {
    const connections = { total: 100, perSource: 100, opening: { perSecond: 0.001, burst: 2 } }
    await begin({ limits: { ...UNLIMITED, connections } })
    for (let n = 0; n < 2; n += 1) await stage.ask({ token: READ_TOKEN })
    await expect(stage.ask({ token: READ_TOKEN })).rejects.toThrow(
      /ECONNRESET|hang up|disconnected/,
    )
  })

  test('makes room for others while it has shown nothing', async () => {
    const connections = { total: 2, perSource: 100, opening: GENEROUS }
    await begin({ limits: { ...UNLIMITED, connections } })
    const [first, second] = [stage.connectPlain(), stage.connectPlain()]
    for (const socket of [first, second]) socket.on('error', () => {})
    await until(async () => stage.front.connectionCount === 2)
    const gone = once(first, 'close')
    expect((await stage.askPlain({ token: READ_TOKEN })).status).toBe(200)
    await gone
    second.destroy()
  })

  test('is cut off when it sends a request slowly, or nothing at all', {
    timeout: 30_000,
  }, async () => {
    await begin()
    const [slow, silent] = [stage.connectPlain(), stage.connectPlain()]
    let said = ''
    for (const socket of [slow, silent]) {
      socket.on('error', () => {})
      socket.on('data', (bytes: Buffer) => {
        said += bytes.toString('latin1')
      })
    }
    const drip = setInterval(() => slow.write('x'), 500)
    slow.write('GET /v1/status HTTP/1.1\r\nx: ')
    // Not by `once`: a connection may also be cut off with a reset.
    await Promise.all(
      [slow, silent].map((socket) => new Promise((resolve) => socket.on('close', resolve))),
    )
    clearInterval(drip)
    expect(said).toBe('')
  })

  test('is cut off when its headers are too long', async () => {
    await begin()
    const asked = stage.ask({ token: READ_TOKEN, headers: { x: 'x'.repeat(9_000) } })
    await expect(asked).rejects.toThrow(/ECONNRESET|hang up|EPIPE/)
  })
})
