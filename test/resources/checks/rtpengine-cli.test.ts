// Goal: a role is taken when rtpengine says Ok, a number of sessions is the total. Method: a stand-in for
// rtpengine's CLI port on loopback.
import { afterEach, expect, test } from 'vitest'
import { askRtpengine } from '../../../src/resources/checks/rtpengine-cli.ts'
import { closedPort, closeStandIns, openSockets, tcpStandIn } from '../../helpers/stand-in.ts'

afterEach(closeStandIns)
const ADDRESS = '127.0.0.1'

async function cli(answer: string, more: { open?: boolean; pieces?: number } = {}) {
  return await tcpStandIn((piece, socket) => {
    if (piece === '') return
    const size = Math.ceil(answer.length / (more.pieces ?? 1))
    for (let at = 0; at < answer.length; at += size) {
      setTimeout(() => socket.write(answer.slice(at, at + size)), (at / size) * 10)
    }
    if (more.open !== true) setTimeout(() => socket.end(), 60)
  })
}

test('active and standby are done when the answer begins with Ok', async () => {
  const text = "Ok, all calls set to 'owned (active)'"
  const standIn = await cli(`${text}\n`)
  expect(await askRtpengine(ADDRESS, standIn.port, 'active', 1_000)).toEqual({
    ok: true,
    text,
    sessions: null,
  })
  expect((await askRtpengine(ADDRESS, standIn.port, 'standby', 1_000)).ok).toBe(true)
  expect(standIn.heard).toEqual(['active\n', 'standby\n'])
})

test('the sessions are the total, also when the answer comes in pieces', async () => {
  const text =
    'Current sessions own: 3\nCurrent sessions foreign: 17\nCurrent sessions total: 20\nCurrent transcoded media: 0'
  const standIn = await cli(text, { pieces: 5 })
  expect(await askRtpengine(ADDRESS, standIn.port, 'list numsessions', 1_000)).toEqual({
    ok: true,
    text,
    sessions: 20,
  })
})

test('our side stays open until the answer is whole, for rtpengine may cut it otherwise', async () => {
  const happened: string[] = []
  const { port } = await tcpStandIn((piece, socket) => {
    if (piece === '') return
    socket.on('end', () => happened.push('our end'))
    setTimeout(() => {
      happened.push('answer')
      socket.end('Ok')
    }, 50)
  })
  expect((await askRtpengine(ADDRESS, port, 'active', 1_000)).ok).toBe(true)
  expect(happened[0]).toBe('answer')
})

test('another answer is told', async () => {
  const { port } = await cli('Unknown command: active')
  expect(await askRtpengine(ADDRESS, port, 'active', 1_000)).toEqual({
    ok: false,
    message: `rtpengine CLI at 127.0.0.1:${port}: expected an answer to "active" that begins with Ok, came "Unknown command: active"`,
  })
  expect(await askRtpengine(ADDRESS, port, 'list numsessions', 1_000)).toMatchObject({
    ok: false,
    message: expect.stringContaining('with "sessions total: N", came "Unknown command'),
  })
})

test('silence, half an answer that is never ended and an end without a word are failures within the limit', async () => {
  const before = await openSockets()
  const why = async (port: number): Promise<string> => {
    const startMs = performance.now()
    const answer = await askRtpengine(ADDRESS, port, 'active', 200)
    expect(performance.now() - startMs).toBeLessThan(350)
    return answer.ok ? 'ok' : answer.message
  }
  expect(await why((await cli('', { open: true })).port)).toMatch(/, no answer within 200 ms$/)
  expect(await why((await cli('Ok, al', { open: true })).port)).toMatch(
    /, no answer within 200 ms; what came was "Ok, al"$/,
  )
  expect(await why((await cli('')).port)).toMatch(/, the connection was closed without an answer$/)
  const { port } = await closedPort('tcp')
  expect(await why(port)).toMatch(/, the port is closed, nobody listens on 127\.0\.0\.1:\d+$/)
  await closeStandIns()
  expect(await openSockets()).toBe(before)
})
