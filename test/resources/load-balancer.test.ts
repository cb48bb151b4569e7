/**
 * Goal: a dispatcher's list is read as it is meant, it is told what was wanted, and everything else is one
 * sentence within the limit. Method: stand-ins on loopback that answer as Kamailio 5.6.3 was seen to and as
 * the source of OpenSIPS 3.x does; neither is one. The real Kamailio is in test/e2e/load-balancer.test.ts.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { LoadBalancerConfig } from '../../src/config/config.ts'
import { openLoadBalancer } from '../../src/resources/load-balancer.ts'
import { LATE_MS } from '../helpers/check-case.ts'
import {
  closedPort,
  closeStandIns,
  openSockets,
  tcpStandIn,
  udpStandIn,
} from '../helpers/stand-in.ts'

const OURS = 'sip:192.0.2.50:5060'
const servers: Server[] = []

afterEach(async () => {
  await closeStandIns()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

type Place = { address: string; port: number }
const kamailioAt = (at: Place): LoadBalancerConfig => ({
  ...{ name: 'edge1', kind: 'kamailio', address: at.address, port: at.port },
  ...{ set: 1, destination: OURS },
})
const opensipsAt = (at: Place): LoadBalancerConfig => ({
  ...{ name: 'edge2', kind: 'opensips', address: at.address, port: at.port, path: '/mi' },
  ...{ set: 1, destination: OURS },
})

const answering = (id: number, member: object): string =>
  JSON.stringify({ jsonrpc: '2.0', ...member, id })
const REJECTED = { error: { code: 500, message: 'State Update Failed' } }

async function kamailio(member: object) {
  return udpStandIn((request) => [answering(JSON.parse(request.toString()).id, member)])
}

/** A stand-in for the `mi_http` of OpenSIPS. */
async function opensips(answer: (request: { id: number; method: string }) => string, status = 200) {
  const heard: { path: string | undefined; type: string | undefined; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      heard.push({ path: request.url, type: request.headers['content-type'], body })
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(answer(JSON.parse(body)))
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port, heard }
}

const target = (flags: string, uri = OURS) => ({ DEST: { URI: uri, FLAGS: flags, PRIORITY: 0 } })
const records = (...sets: [number, object[]][]) => ({
  result: {
    NRSETS: sets.length,
    RECORDS: sets.map(([ID, TARGETS]) => ({ SET: { ID, TARGETS } })),
  },
})
const partition = (name: string, id: number, state: string, uri = OURS) => ({
  ...{ name, SETS: [{ id, Destinations: [{ URI: uri, state, first_hit_counter: 0 }] }] },
})

describe('the dispatcher of Kamailio', () => {
  test.each([
    ['AX', 'active'],
    ['AP', 'active'],
    ['TP', 'active'],
    ['DX', 'drained'],
    ['IP', 'down'],
    ['IX', 'down'],
  ])('has us with flags %s: %s', async (flags, seen) => {
    const at = await kamailio(
      records([2, [target('DX')]], [1, [target('AX', 'sip:192.0.2.51:5060'), target(flags)]]),
    )
    expect(await openLoadBalancer(kamailioAt(at)).look(1_000)).toEqual({ ok: true, seen })
  })

  test.each([
    ['active', 'a'],
    ['drained', 'd'],
  ] as const)('is told %s as %s, with the set as a number', async (state, letter) => {
    const at = await kamailio({ result: 'Ok. Dispatcher state updated.' })
    expect(await openLoadBalancer(kamailioAt(at)).tell(state, 1_000)).toBeNull()
    expect(JSON.parse(at.heard[0] ?? '')).toMatchObject({
      method: 'dispatcher.set_state',
      params: [letter, 1, OURS],
    })
  })

  test('that refuses says so, although it answered', async () => {
    const at = await kamailio(REJECTED)
    expect(await openLoadBalancer(kamailioAt(at)).tell('active', 1_000)).toBe(
      `JSON-RPC dispatcher.set_state to 127.0.0.1:${at.port}: expected a result, came error 500: "State Update Failed"`,
    )
  })

  test('whose list does not have us names what it has', async () => {
    const at = await kamailio(records([1, [target('AX', 'sip:192.0.2.50')]], [2, [target('AX')]]))
    expect(await openLoadBalancer(kamailioAt(at)).look(1_000)).toEqual({
      ok: false,
      message: `set 1 of its list does not have ${OURS}, it has "sip:192.0.2.50"`,
    })
    const empty = await kamailio({ result: {} })
    expect(await openLoadBalancer(kamailioAt(empty)).look(1_000)).toEqual({
      ok: false,
      message: `set 1 of its list does not have ${OURS}, it has nothing`,
    })
  })

  test('that says what no release does is a fault', async () => {
    const at = await kamailio(records([1, [target('')]]))
    expect(await openLoadBalancer(kamailioAt(at)).look(1_000)).toEqual({
      ok: false,
      message: `its list says of ${OURS} what no release does`,
    })
  })
})

describe('the dispatcher of OpenSIPS', () => {
  test.each([
    ['Active', 'active'],
    ['Inactive', 'drained'],
    ['Probing', 'down'],
  ])('has us %s: %s', async (state, seen) => {
    const result = {
      PARTITIONS: [partition('other', 1, 'Active'), partition('default', 1, state)],
    }
    const at = await opensips(({ id }) => answering(id, { result }))
    expect(await openLoadBalancer(opensipsAt(at)).look(1_000)).toEqual({ ok: true, seen })
    expect(at.heard[0]).toMatchObject({ path: '/mi', type: 'application/json' })
    expect(JSON.parse(at.heard[0]?.body ?? '')).toMatchObject({ jsonrpc: '2.0', method: 'ds_list' })
  })

  test.each([
    ['active', 'a'],
    ['drained', 'i'],
  ] as const)('is told %s as %s, with the set as a text', async (state, letter) => {
    const at = await opensips(({ id }) => answering(id, { result: 'OK' }))
    expect(await openLoadBalancer(opensipsAt(at)).tell(state, 1_000)).toBeNull()
    expect(JSON.parse(at.heard[0]?.body ?? '')).toMatchObject({
      method: 'ds_set_state',
      params: [letter, '1', OURS],
    })
  })

  test('that does not know us says so', async () => {
    const error = { code: 404, message: 'destination not found' }
    const at = await opensips(({ id }) => answering(id, { error }))
    expect(await openLoadBalancer(opensipsAt(at)).tell('active', 1_000)).toBe(
      `JSON-RPC ds_set_state to 127.0.0.1:${at.port}: expected a result, came error 404: "destination not found"`,
    )
  })

  test('without the module, or with another answer, says what came', async () => {
    const at = await opensips(() => '<html>Not Found</html>', 404)
    expect(await openLoadBalancer(opensipsAt(at)).look(1_000)).toEqual({
      ok: false,
      message: `JSON-RPC ds_list to 127.0.0.1:${at.port}: expected a result, came HTTP 404 with "<html>Not Found</html>"`,
    })
    const foreign = await opensips(({ id }) => answering(id + 1, { result: 'OK' }))
    expect(await openLoadBalancer(opensipsAt(foreign)).tell('active', 1_000)).toContain(
      'came HTTP 200',
    )
  })

  test('that breaks off in its answer is a fault', async () => {
    const at = await tcpStandIn((piece, socket) => {
      if (piece !== '') socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"jsonrpc"')
    })
    expect(await openLoadBalancer(opensipsAt(at)).tell('active', 1_000)).toMatch(
      /the connection was closed without an answer|the system could not reach it/,
    )
  })
})

/** Takes what is said, says nothing, and closes its end when the other has. */
const halfClosing = (_piece: string, socket: Socket, number: number): void => {
  if (number === 0) socket.once('end', () => socket.end())
}

describe.each([
  ['Kamailio', 'udp', kamailioAt],
  ['OpenSIPS', 'tcp', opensipsAt],
] as const)('%s', (_kind, transport, configAt) => {
  test('that is silent is left within the limit, and nothing stays open', async () => {
    const at = transport === 'udp' ? await udpStandIn(() => null) : await tcpStandIn(halfClosing)
    const before = await openSockets()
    const startMs = performance.now()
    const looked = await openLoadBalancer(configAt(at)).look(200)
    expect(performance.now() - startMs).toBeLessThan(200 + LATE_MS)
    expect(looked).toMatchObject({
      ok: false,
      message: expect.stringMatching(/no answer within 200 ms$/),
    })
    expect(await openSockets()).toBe(before)
  })

  test('that does not run is known at once', async () => {
    const at = await closedPort(transport)
    expect(await openLoadBalancer(configAt(at)).tell('active', 5_000)).toMatch(
      /the port is closed, nobody listens on 127\.0\.0\.1:\d+$/,
    )
  })
})
