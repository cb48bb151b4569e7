import { describe, expect, test } from 'vitest'
import type { StatusDocument } from '../../src/control/schema.ts'
import { BODY_MAX_BYTES, buildServer } from '../../src/control/server.ts'
import { pretendPorts } from '../fixtures/control-agent.ts'
import {
  EXPLAIN,
  HISTORY,
  operationWith,
  STATUS,
  UNHEARD_PEER,
} from '../fixtures/control-documents.ts'
import { DATA } from '../fixtures/data-document.ts'

type Answer = { status: number; document: unknown }

async function get(url: string, ports = pretendPorts()): Promise<Answer> {
  const response = await buildServer(ports, { access: 'read' }).inject({ method: 'GET', url })
  return { status: response.statusCode, document: response.json() }
}

async function post(body: unknown, ports = pretendPorts(), access: 'full' | 'read' = 'full') {
  const response = await buildServer(ports, { access }).inject({
    method: 'POST',
    url: '/v1/operations',
    headers: { 'content-type': 'application/json' },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.statusCode, document: response.json() as unknown }
}

function mistaken(message: string, mend: string) {
  return { status: 400, document: { schema: 1, code: 'HA_REQUEST_INVALID', message, mend } }
}

describe('questions', () => {
  test('the documents travel whole', async () => {
    expect(await get('/v1/status')).toStrictEqual({ status: 200, document: STATUS })
    expect(await get('/v1/history')).toStrictEqual({ status: 200, document: HISTORY })
    expect(await get('/v1/explain')).toStrictEqual({ status: 200, document: EXPLAIN })
    expect(await get('/v1/data')).toStrictEqual({ status: 200, document: DATA })
  })

  test('a field that is in no schema does not leave the agent', async () => {
    const status = async () => ({ ...STATUS, secret: 'x', peer: { ...STATUS.peer, key: 'y' } })
    const answer = await get('/v1/status', pretendPorts({ status }))
    expect(answer).toStrictEqual({ status: 200, document: STATUS })
  })

  test('a peer that was never heard is told with nulls', async () => {
    const peer = UNHEARD_PEER
    const unheard = { ...STATUS, peer, lastTransition: null }
    const answer = await get('/v1/status', pretendPorts({ status: async () => unheard }))
    expect(answer).toStrictEqual({ status: 200, document: unheard })
  })

  test('a number that is none does not keep the rest of the document from the operator', async () => {
    const status = async () => ({
      ...STATUS,
      local: { ...STATUS.local, leaseLeftMs: Number.NEGATIVE_INFINITY, sinceMsAgo: Number.NaN },
      peer: { ...STATUS.peer, lastHeardMsAgo: Number.POSITIVE_INFINITY },
    })
    expect(await get('/v1/status', pretendPorts({ status }))).toStrictEqual({
      status: 200,
      document: {
        ...STATUS,
        local: { ...STATUS.local, leaseLeftMs: null, sinceMsAgo: 0 },
        peer: { ...STATUS.peer, lastHeardMsAgo: null },
      },
    })
  })

  test('health says state and alarms', async () => {
    expect(await get('/v1/health')).toStrictEqual({
      status: 200,
      document: { schema: 1, node: 'sp1', state: 'active', alarms: 1 },
    })
  })

  test.each(['full', 'read'] as const)('whoever asks learns what he may do: %s', async (access) => {
    const app = buildServer(pretendPorts(), { access })
    const answer = await app.inject({ method: 'GET', url: '/v1/access' })
    expect(answer.json()).toStrictEqual({ schema: 1, node: 'sp1', access })
  })

  test('history takes a limit from 1 to 1000 and nothing else', async () => {
    const ports = pretendPorts()
    for (const query of ['', '?limit=1', '?limit=1000']) await get(`/v1/history${query}`, ports)
    expect(ports.limits).toStrictEqual([20, 1, 1000])
    for (const query of ['?limit=0', '?limit=1001', '?limit=x', '?limit=', '?limt=3']) {
      expect((await get(`/v1/history${query}`, ports)).status).toBe(400)
    }
    expect(ports.limits.length).toBe(3)
  })

  test('an operation is found by its id, and an unknown one is said to be unknown', async () => {
    const running = operationWith({ state: 'running', steps: [{ atMs: 1, sentence: 'frozen' }] })
    const ports = pretendPorts({ operation: async (id) => (id === 'op-1' ? running : null) })
    expect(await get('/v1/operations/op-1', ports)).toStrictEqual({
      status: 200,
      document: running,
    })
    expect(await get('/v1/operations/op-2', ports)).toStrictEqual({
      status: 404,
      document: {
        schema: 1,
        code: 'HA_OPERATION_UNKNOWN',
        message: 'no operation has the id op-2',
        mend: 'the agent forgets operations when it restarts; look at: tandem status',
      },
    })
    expect((await get('/v1/operations/..%2fx', ports)).status).toBe(400)
  })

  test('an unknown route is said to be unknown', async () => {
    expect(await get('/v2/status')).toStrictEqual({
      status: 404,
      document: {
        schema: 1,
        code: 'HA_ROUTE_UNKNOWN',
        message: 'there is no GET /v2/status',
        mend: 'see the routes of /v1 in the README',
      },
    })
  })

  test('a heart that does not answer is reported instead of waited for', async () => {
    const ports = pretendPorts({ status: () => new Promise(() => {}) })
    const app = buildServer(ports, { access: 'read', portLimitMs: 20 })
    const response = await app.inject({ method: 'GET', url: '/v1/health' })
    expect([response.statusCode, response.json()]).toStrictEqual([
      503,
      {
        schema: 1,
        code: 'HA_HEART_SILENT',
        message: 'the heart of the agent did not answer within 20 ms',
        mend: 'look at its log; when it stays silent, restart the agent',
      },
    ])
  })

  test('a mistake of ours is told to the log and not to the client', async () => {
    const faults: unknown[] = []
    const fault = new Error('the password is hunter2')
    const status = () => Promise.reject(fault)
    const app = buildServer(pretendPorts({ status }), {
      access: 'read',
      onFault: (told) => faults.push(told),
    })
    const response = await app.inject({ method: 'GET', url: '/v1/status' })
    expect([response.statusCode, response.json()]).toStrictEqual([
      500,
      {
        schema: 1,
        code: 'HA_INTERNAL',
        message: 'the agent made a mistake while it answered',
        mend: 'its log has the details; please report it',
      },
    ])
    expect(faults).toStrictEqual([fault])
  })
})

describe('requests', () => {
  test('are completed with their defaults and handed on once', async () => {
    const ports = pretendPorts()
    await post({ kind: 'make-active' }, ports)
    await post({ kind: 'make-standby', node: 'sp2', force: true }, ports)
    await post({ kind: 'maintenance', on: false }, ports)
    await post({ kind: 'data-archive', store: 'redis' }, ports)
    await post({ kind: 'data-rejoin', store: 'redis', copy: true }, ports)
    await post({ kind: 'service', verb: 'restart', service: 'lb' }, ports)
    await post({ kind: 'drain', on: true }, ports)
    expect(ports.requests).toStrictEqual([
      { kind: 'make-active', node: null, force: false },
      { kind: 'make-standby', node: 'sp2', force: true },
      { kind: 'maintenance', node: null, force: false, on: false },
      { node: null, force: false, store: 'redis', kind: 'data-archive' },
      { node: null, force: false, store: 'redis', kind: 'data-rejoin', copy: true },
      { kind: 'service', node: null, force: false, verb: 'restart', service: 'lb' },
      { kind: 'drain', node: null, force: false, on: true },
    ])
  })

  test('are answered with 202, and with 409 when refused, and the operation either way', async () => {
    const accepted = operationWith({ state: 'accepted' })
    const refused = operationWith({
      state: 'refused',
      reason: { code: 'peer-silent', sentence: 'the peer is not heard', mend: 'check it' },
    })
    const answers = (operation: typeof refused) =>
      post({ kind: 'make-standby' }, pretendPorts({ operate: async () => operation }))
    expect(await answers(accepted)).toStrictEqual({ status: 202, document: accepted })
    expect(await answers(refused)).toStrictEqual({ status: 409, document: refused })
  })

  const KINDS =
    'make-active, make-standby, maintenance, data-archive, data-rejoin, service, drain, reload'
  test.each([
    [
      '{"kind":',
      mistaken('the body is not JSON', 'send content-type: application/json and one object'),
    ],
    ['', mistaken('the body is not JSON', 'send content-type: application/json and one object')],
    ['[]', mistaken('the body is not of type object', 'correct it')],
    [{}, mistaken("'kind' is missing", 'add it')],
    [{ kind: 'explode' }, mistaken("'kind' has an unknown value", `use one of: ${KINDS}`)],
    [{ kind: 7 }, mistaken("'kind' is not of type string", 'correct it')],
    [
      { kind: 'make-active', node: 'sp3' },
      mistaken("'node' has an unknown value", 'use one of: sp1, sp2'),
    ],
    [
      { kind: 'make-active', force: 'yes' },
      mistaken("'force' is not of type boolean", 'correct it'),
    ],
    [
      { kind: 'make-active', forse: true },
      mistaken("'forse' is not a field of the body", 'leave it out, or correct its name'),
    ],
    [
      { kind: 'make-active', on: true },
      mistaken("'on' does not belong to make-active", 'leave it out; it is for maintenance only'),
    ],
    [
      { kind: 'make-active', store: 'redis' },
      mistaken("'store' does not belong to make-active", 'leave it out'),
    ],
    [
      { kind: 'service', service: 'lb' },
      mistaken("'verb' is missing", 'say what to do, as restart'),
    ],
    [
      { kind: 'service', verb: 'stop', node: 'sp1' },
      mistaken("'node' does not belong to service", 'leave it out; ask the node itself'),
    ],
    [
      { kind: 'make-active', verb: 'stop' },
      mistaken("'verb' does not belong to make-active", 'leave it out'),
    ],
    [
      { kind: 'drain' },
      mistaken("'on' is missing", "say 'on': true to drain the pair, false to end that"),
    ],
    [
      { kind: 'drain', on: true, node: 'sp1' },
      mistaken("'node' does not belong to drain", 'leave it out'),
    ],
    [
      { kind: 'reload', note: 'somebody' },
      mistaken("'note' does not belong to reload", 'leave it out; ask the node itself'),
    ],
    [
      { kind: 'maintenance', on: true, note: 'somebody' },
      mistaken("'note' does not belong to maintenance", 'leave it out'),
    ],
    [{ kind: 'data-rejoin' }, mistaken("'store' is missing", 'name the store')],
    [
      { kind: 'data-rejoin', store: 'redis', node: 'sp1' },
      mistaken("'node' does not belong to data-rejoin", 'leave it out; ask the node itself'),
    ],
    [
      { kind: 'data-archive', store: 'redis', copy: true },
      mistaken(
        "'copy' does not belong to data-archive",
        'leave it out; it is for data-rejoin only',
      ),
    ],
    [
      { kind: 'maintenance' },
      mistaken("'on' is missing", "say 'on': true to begin the maintenance, false to end it"),
    ],
  ])('%j is refused with its reason and reaches nobody', async (body, expected) => {
    const ports = pretendPorts()
    expect(await post(body, ports)).toStrictEqual(expected)
    expect(ports.requests).toStrictEqual([])
  })

  test('a body of more than 16 KiB is refused', async () => {
    const padding = ' '.repeat(BODY_MAX_BYTES)
    expect(await post(`{"kind":"make-active"}${padding}`)).toStrictEqual({
      status: 413,
      document: {
        schema: 1,
        code: 'HA_REQUEST_TOO_LARGE',
        message: 'the body has more than 16 KiB',
        mend: 'send one request, as in the README',
      },
    })
  })

  test('a form instead of JSON is refused', async () => {
    const response = await buildServer(pretendPorts(), { access: 'full' }).inject({
      method: 'POST',
      url: '/v1/operations',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'kind=make-active',
    })
    expect(response.statusCode).toBe(415)
  })

  test('the socket for everybody refuses every request', async () => {
    const ports = pretendPorts()
    expect(await post({ kind: 'make-active' }, ports, 'read')).toStrictEqual({
      status: 403,
      document: {
        schema: 1,
        code: 'HA_READ_ONLY',
        message: 'only questions are answered here',
        mend: 'ask on control.sock as root or in the control group, or with a token for operate',
      },
    })
    expect(ports.requests).toStrictEqual([])
  })
})

describe('what load-balancers and scripts ask', () => {
  const { local } = STATUS
  const standby = {
    ...STATUS,
    local: { ...local, role: 'standby' as const, state: 'standby' as const },
  }
  const between = { ...STATUS, local: { ...local, state: 'transition' as const } }
  const unfit = { ...standby, local: { ...standby.local, able: false } }
  const well = { ...STATUS, alarms: [] }

  async function probe(path: string, status: StatusDocument, method: 'GET' | 'HEAD' = 'GET') {
    const ports = pretendPorts({ status: async () => status })
    const answer = await buildServer(ports, { access: 'read' }).inject({ method, url: path })
    return [answer.statusCode, answer.body]
  }

  test.each([
    ['/active', STATUS, 200, 'active\n'],
    ['/active', standby, 503, 'standby\n'],
    ['/active', between, 503, 'transition\n'],
    ['/standby', STATUS, 503, 'active\n'],
    ['/standby', standby, 200, 'standby\n'],
    ['/standby', unfit, 503, 'standby\n'],
    ['/readiness', STATUS, 200, 'active\n'],
    ['/readiness', standby, 200, 'standby\n'],
    ['/readiness', unfit, 503, 'standby\n'],
    ['/readiness', between, 503, 'transition\n'],
    ['/health', well, 200, 'well\n'],
    ['/health', STATUS, 503, 'alarms 1\n'],
    ['/liveness', between, 200, 'alive\n'],
  ])('%s of %#', async (path, status, code, body) => {
    expect(await probe(path, status)).toStrictEqual([code, body])
    expect(await probe(path, status, 'HEAD')).toStrictEqual([code, ''])
  })

  test('a heart that does not answer is no reason to wait', async () => {
    const ports = pretendPorts({ status: () => new Promise(() => {}) })
    const app = buildServer(ports, { access: 'read', portLimitMs: 20 })
    for (const url of ['/active', '/liveness']) {
      const answer = await app.inject({ method: 'GET', url })
      expect([answer.statusCode, answer.body]).toStrictEqual([503, 'silent\n'])
    }
  })
})
