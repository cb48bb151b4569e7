// Goal: a result is a result, an error is an error with its number, and nobody else's answer counts.
// Method: a stand-in for Kamailio's JSON-RPC on loopback.
import { afterEach, describe, expect, test } from 'vitest'
import { KamailioRpc } from '../../../src/resources/checks/kamailio-rpc.ts'
import { whyOf } from '../../helpers/check-case.ts'
import { closedPort, closeStandIns, openSockets, udpStandIn } from '../../helpers/stand-in.ts'

afterEach(closeStandIns)

interface Asked {
  jsonrpc: string
  method: string
  id: number
  params?: unknown[]
}

/** A stand-in that answers with what is made of the question. */
async function kamailio(answers: (asked: Asked) => readonly unknown[]) {
  return await udpStandIn((request) =>
    answers(JSON.parse(request.toString()) as Asked).map((answer) =>
      typeof answer === 'string' ? answer : JSON.stringify(answer),
    ),
  )
}

describe('a call', () => {
  test('brings the result of the method with its parameters', async () => {
    const place = await kamailio(({ id, method, params }) => [
      { jsonrpc: '2.0', result: { method, params }, id },
    ])
    const rpc = new KamailioRpc(place)
    expect(await rpc.call('dispatcher.set_state', ['d', 1, 'sip:10.0.0.2'], 500)).toEqual({
      ok: true,
      result: { method: 'dispatcher.set_state', params: ['d', 1, 'sip:10.0.0.2'] },
    })
    expect(await rpc.call('core.uptime', [], 500)).toEqual({
      ok: true,
      result: { method: 'core.uptime' },
    })
  })

  test('that Kamailio rejects brings its number and its words', async () => {
    const place = await kamailio(({ id }) => [
      { jsonrpc: '2.0', error: { code: 500, message: 'State Update Failed' }, id },
    ])
    expect(await new KamailioRpc(place).call('dispatcher.set_state', ['d'], 500)).toEqual({
      ok: false,
      code: 'rejected',
      error: 500,
      message: `JSON-RPC dispatcher.set_state to 127.0.0.1:${place.port}: expected a result, came error 500: "State Update Failed"`,
    })
  })

  test('takes an error without number or words, and an empty result, for what they are', async () => {
    const answers: unknown[] = [
      { error: {} },
      { error: 'no' },
      {},
      { result: null },
      { result: '', error: null },
    ]
    const place = await kamailio(({ id }) => [{ ...(answers.shift() as object), id }])
    const rpc = new KamailioRpc(place)
    const codes: unknown[] = []
    for (let count = 0; count < 5; count += 1) {
      const answer = await rpc.call('core.psx', [], 500)
      codes.push(answer.ok ? answer.result : answer.code)
    }
    expect(codes).toEqual(['rejected', 'garbled', 'garbled', null, ''])
  })

  test('passes over the answers to others and garbage, and takes its own behind them', async () => {
    const place = await kamailio(({ id }) => [
      { jsonrpc: '2.0', result: 'theirs', id: id + 1 },
      { jsonrpc: '2.0', result: 'nobody' },
      '',
      '{"jsonrpc":"2.0","resu',
      'null',
      '[]',
      '7',
      `{"jsonrpc":"2.0","id":${id},"result":`,
      { jsonrpc: '2.0', result: 'ours', id: String(id) },
    ])
    expect(await new KamailioRpc(place).call('core.uptime', [], 500)).toEqual({
      ok: true,
      result: 'ours',
    })
  })

  test('that is answered to somebody else only is silent, and says what came', async () => {
    const place = await kamailio(({ id }) => [{ jsonrpc: '2.0', result: {}, id: id + 1 }])
    const answer = await new KamailioRpc(place).call('core.uptime', [], 200)
    expect(answer).toMatchObject({ ok: false, code: 'silent', error: null })
    expect(answer.ok ? '' : answer.message).toMatch(
      /expected a result, no answer within 200 ms; what came was "\{'jsonrpc'/,
    )
  })

  test('to a closed port ends at once and leaves no socket', async () => {
    const before = await openSockets()
    const place = await closedPort('udp')
    const startMs = performance.now()
    expect(await new KamailioRpc(place).call('core.uptime', [], 5_000)).toMatchObject({
      ok: false,
      code: 'closed',
    })
    expect(performance.now() - startMs).toBeLessThan(500)
    expect(await openSockets()).toBe(before)
  })

  test('asks with another number each time', async () => {
    const ids: number[] = []
    const place = await kamailio(({ id }) => {
      ids.push(id)
      return [{ result: 1, id }]
    })
    const rpc = new KamailioRpc(place)
    for (let count = 0; count < 3; count += 1) await rpc.call('core.uptime', [], 500)
    expect(new Set(ids).size).toBe(3)
  })
})

describe('the probe', () => {
  test('is well with any result, and asks without parameters', async () => {
    const place = await kamailio(({ id }) => [{ result: { uptime: 5 }, id }])
    expect(await whyOf(`jsonrpc 127.0.0.1:${place.port} core.uptime`)).toBeNull()
    expect(JSON.parse(place.heard[0]!)).not.toHaveProperty('params')
  })

  test('says which method was rejected', async () => {
    const place = await kamailio(({ id }) => [
      { error: { code: -32601, message: 'Method Not Found' }, id },
    ])
    expect(await whyOf(`jsonrpc 127.0.0.1:${place.port} core.uptme`)).toBe(
      `JSON-RPC core.uptme to 127.0.0.1:${place.port}: expected a result, came error -32601: "Method Not Found"`,
    )
  })
})
