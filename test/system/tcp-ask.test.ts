// Goal: what is read is enough, in whatever pieces it comes, and everything else is a plain no within the
// limit. Method: stand-ins on loopback.
import { afterEach, expect, test } from 'vitest'
import { openTcp } from '../../src/system/tcp-ask.ts'
import { closedPort, closeStandIns, openSockets, tcpStandIn } from '../helpers/stand-in.ts'

afterEach(closeStandIns)
const soon = (limitMs: number): AbortSignal => AbortSignal.timeout(limitMs)

/** One line at a time. */
const line = (heard: Buffer): { value: string; used: number } | null => {
  const end = heard.indexOf('\n')
  return end < 0 ? null : { value: heard.subarray(0, end).toString(), used: end + 1 }
}

async function open(place: { address: string; port: number }, limitMs = 300) {
  const opened = await openTcp({ ...place, signal: soon(limitMs) })
  if (!opened.ok) throw new Error(opened.code)
  return opened.line
}

test('answers are told apart, in whatever pieces they come', async () => {
  const place = await tcpStandIn((piece, socket) => {
    if (piece !== '') for (const part of ['on', 'e\ntw', 'o\n']) socket.write(part)
  })
  const opened = await open(place)
  opened.write('?')
  expect(await opened.read(line, 100)).toEqual({ ok: true, value: 'one' })
  expect(await opened.read(line, 100)).toEqual({ ok: true, value: 'two' })
  expect(await opened.read(line, 100)).toEqual({
    ok: false,
    code: 'silent',
    errno: null,
    rest: Buffer.alloc(0),
  })
  opened.close()
})

test('half an answer, an end in the middle and an answer without end are told with what came', async () => {
  const half = await open(await tcpStandIn((_piece, socket) => socket.write('half')), 100)
  expect(await half.read(line, 100)).toMatchObject({ code: 'silent', rest: Buffer.from('half') })
  half.close()
  const ended = await open(await tcpStandIn((_piece, socket) => socket.end('half')))
  expect(await ended.read(line, 100)).toMatchObject({ code: 'ended', rest: Buffer.from('half') })
  ended.close()
  const endless = await open(
    await tcpStandIn((_piece, socket) => {
      const timer = setInterval(() => socket.write('x'.repeat(1_000)), 1)
      socket.on('close', () => clearInterval(timer))
    }),
  )
  expect(await endless.read(line, 5_000)).toMatchObject({ ok: false, code: 'too-long' })
  endless.close()
  const reset = await open(
    await tcpStandIn((piece, socket) => {
      if (piece !== '') socket.resetAndDestroy()
    }),
  )
  reset.write('?')
  expect(await reset.read(line, 100)).toMatchObject({ code: 'failed', errno: 'ECONNRESET' })
  reset.close()
})

test('a closed port is refused at once, and no socket stays open', async () => {
  const before = await openSockets()
  const place = await closedPort('tcp')
  expect(await openTcp({ ...place, signal: soon(2_000) })).toEqual({
    ok: false,
    code: 'refused',
    errno: 'ECONNREFUSED',
  })
  expect(await openSockets()).toBe(before)
})

test('a connection that does not come about ends with the signal', async () => {
  const controller = new AbortController()
  controller.abort()
  const place = { address: '127.0.0.1', port: 9 }
  expect(await openTcp({ ...place, signal: controller.signal })).toMatchObject({ code: 'silent' })
})
