// Goal: a question gets its own answer or a plain no, at once where the port is closed, and no socket
// stays. Method: stand-ins on loopback.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { askByUdp, UdpAsker } from '../../src/system/udp-ask.ts'
import { closedPort, closeStandIns, openSockets, udpStandIn } from '../helpers/stand-in.ts'

afterEach(closeStandIns)
const bytes = Buffer.from('?')
const soon = (limitMs: number): AbortSignal => AbortSignal.timeout(limitMs)

test('what is not the answer is passed over, and the first of it is told when nothing else comes', async () => {
  const place = await udpStandIn(() => ['no', 'nor this', 'yes'])
  const read = (datagram: Buffer): string | null =>
    datagram.toString() === 'yes' ? datagram.toString() : null
  expect(await askByUdp(place, { bytes, read, signal: soon(500) })).toEqual({
    ok: true,
    value: 'yes',
  })
  expect(await askByUdp(place, { bytes, read: () => null, signal: soon(100) })).toEqual({
    ok: false,
    code: 'silent',
    errno: null,
    strange: Buffer.from('no'),
  })
})

test('a datagram from another socket is never taken', async () => {
  const place = await udpStandIn(async (_request, number) => (number > 0 ? [] : null))
  const stranger = createSocket('udp4')
  const asker = new UdpAsker(place)
  const answer = asker.ask({ bytes, read: (datagram) => datagram, signal: soon(200) })
  while (place.heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  // Its port stands nowhere but in the kernel's table.
  for (const port of await portsOf(place.port)) stranger.send('yes', port, '127.0.0.1')
  expect(await answer).toMatchObject({ ok: false, code: 'silent', strange: null })
  asker.close()
  stranger.close()
})

test('a closed port is refused at once, over IPv6 too, and each time it is asked', async () => {
  const before = await openSockets()
  const { port } = await closedPort('udp')
  for (const address of ['127.0.0.1', '::1']) {
    const asker = new UdpAsker({ address, port })
    for (let count = 0; count < 2; count += 1) {
      const answer = await asker.ask({ bytes, read: () => 1, signal: soon(2_000) })
      expect(answer).toEqual({ ok: false, code: 'refused', errno: 'ECONNREFUSED', strange: null })
    }
    asker.close()
  }
  expect(await openSockets()).toBe(before)
})

test('an address that cannot be reached is a failure with its errno', async () => {
  const place = { address: '255.255.255.255', port: 9 }
  expect(await askByUdp(place, { bytes, read: () => 1, signal: soon(2_000) })).toMatchObject({
    ok: false,
    code: 'failed',
    errno: 'EACCES',
  })
})

test('a question that is given up before it is sent is silent, and closing twice is no mistake', async () => {
  const place = await udpStandIn(() => ['yes'])
  const controller = new AbortController()
  controller.abort()
  const asker = new UdpAsker(place)
  expect(await asker.ask({ bytes, read: () => 1, signal: controller.signal })).toMatchObject({
    ok: false,
    code: 'silent',
  })
  asker.close()
  asker.close()
  expect(await asker.ask({ bytes, read: () => 1, signal: soon(50) })).toMatchObject({ ok: false })
})

test('what is told in parting arrives, and the socket is closed behind it', async () => {
  const before = await openSockets()
  const listener = createSocket('udp4')
  listener.bind(0, '127.0.0.1')
  await once(listener, 'listening')
  new UdpAsker({ address: '127.0.0.1', port: listener.address().port }).tellAndClose(bytes)
  const [heard] = await once(listener, 'message')
  expect(heard).toEqual(bytes)
  listener.close()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(await openSockets()).toBe(before)
})

/** Local ports of sockets connected to a port, as the kernel lists them. */
async function portsOf(remotePort: number): Promise<number[]> {
  const { readFileSync } = await import('node:fs')
  const remote = remotePort.toString(16).toUpperCase().padStart(4, '0')
  return readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .flatMap((row) => {
      const [, , local = '', peer = ''] = row.split(/\s+/)
      return peer.endsWith(`:${remote}`) ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : []
    })
}
