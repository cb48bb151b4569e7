// Goal: one question costs at most its limit and never another's answer; what a server says becomes
// the right fault without secrets. Method: servers of a few lines that say what we want.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { RedisLine } from '../../src/resources/redis-line.ts'
import { Limit, StoreFailure } from '../../src/resources/store-result.ts'

const servers: Server[] = []
const lines: RedisLine[] = []
const sockets = new Set<Socket>()

afterEach(() => {
  for (const line of lines.splice(0)) line.close()
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** Answers each command by a function; undefined is silence. */
async function lineTo(
  reply: (command: string, socket: Socket) => string | undefined,
  greet?: string,
): Promise<{ line: RedisLine; connections: () => number; port: number }> {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    if (greet !== undefined) {
      socket.end(greet)
      return
    }
    socket.on('data', (data) => {
      const words = String(data)
        .split('\r\n')
        .filter((part) => part !== '' && !/^[*$]\d/.test(part))
      const said = reply(words.join(' '), socket)
      if (said !== undefined) socket.write(said)
    })
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const line = new RedisLine({
    label: 'redis',
    place: { address: '127.0.0.1', port },
    account: { username: 'me', password: 'hunter2' },
  })
  lines.push(line)
  return { line, connections: () => connections, port }
}

async function faultOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work
  } catch (cause) {
    if (cause instanceof StoreFailure) return cause.fault
    throw cause
  }
  throw new Error('it succeeded')
}

const login = (command: string): string | undefined =>
  command.startsWith('AUTH') ? '+OK\r\n' : undefined

test('an answer that comes too late is never taken for that to the next question', async () => {
  let asked = 0
  const { line, connections } = await lineTo((command, socket) => {
    if (command.startsWith('AUTH')) return '+OK\r\n'
    asked += 1
    const number = asked
    setTimeout(() => socket.write(`+answer ${number}\r\n`), number === 1 ? 200 : 0)
    return undefined
  })
  const late = await faultOf(line.call(['PING'], new Limit(60)))
  expect(late.code).toBe('HA_STORE_TIMEOUT')
  expect(late.message).toMatch(/^redis at 127\.0\.0\.1:\d+: PING: no answer within 60 ms$/)
  expect(await line.call(['PING'], new Limit(1000))).toBe('answer 2')
  expect(connections()).toBe(2)
})

test('a server that accepts and says nothing costs the limit, and so does one that ignores the login', async () => {
  const { line } = await lineTo(() => undefined)
  const startedMs = performance.now()
  const silent = await faultOf(line.call(['PING'], new Limit(80)))
  expect(silent.message).toMatch(/PING: no connection within 80 ms$/)
  expect(performance.now() - startedMs).toBeLessThan(400)
  expect(await faultOf(line.call(['PING'], new Limit(0)))).toMatchObject({
    code: 'HA_STORE_TIMEOUT',
    message: expect.stringMatching(/not sent within 0 ms$/),
  })
})

test('a refused login that repeats the password does not reach the message', async () => {
  const { line } = await lineTo(() => '-ERR unknown command `AUTH`, with args: `me`, `hunter2`\r\n')
  const refused = await faultOf(line.call(['PING'], new Limit(1000)))
  expect(refused.code).toBe('HA_STORE_FORBIDDEN')
  expect(refused.message).toMatch(/login refused \(ERR\)$/)
  expect(JSON.stringify(refused)).not.toContain('hunter2')
})

test.each([
  [
    '-DENIED Redis is running in protected mode because x. More.\r\n',
    'HA_STORE_FORBIDDEN',
    /protected mode/,
  ],
  ['-ERR max number of clients reached\r\n', 'HA_STORE_REFUSED', /maximum number of clients/],
])('what a server says unasked before it closes is the reason: %s', async (greet, code, text) => {
  const { line } = await lineTo(() => undefined, greet)
  const refused = await faultOf(line.call(['PING'], new Limit(1000)))
  expect([refused.code, text.test(refused.message)]).toEqual([code, true])
})

test.each([
  ['-NOPERM this user has no permissions\r\n', 'HA_STORE_FORBIDDEN'],
  ['-LOADING Redis is loading\r\n', 'HA_STORE_REFUSED'],
  ["-READONLY You can't write\r\n", 'HA_STORE_REFUSED'],
  ['-MISCONF Redis is configured\r\n', 'HA_STORE_REFUSED'],
  ['-BUSY Redis is busy\r\n', 'HA_STORE_REFUSED'],
])('the answer %s is %s', async (said, code) => {
  const { line } = await lineTo((command) => login(command) ?? said)
  expect((await faultOf(line.call(['PING'], new Limit(1000)))).code).toBe(code)
})

test('a connection that breaks under a question is a fault, and is asked again only where that is harmless', async () => {
  let commands = 0
  const { line, connections } = await lineTo((command, socket) => {
    if (command.startsWith('AUTH')) return '+OK\r\n'
    commands += 1
    if (commands % 2 === 1) return '+well\r\n'
    socket.destroy()
    return undefined
  })
  expect(await line.call(['A'], new Limit(1000))).toBe('well')
  expect((await faultOf(line.call(['B'], new Limit(1000)))).code).toBe('HA_STORE_UNREACHABLE')
  expect(await line.call(['A'], new Limit(1000))).toBe('well')
  expect(await line.call(['C'], new Limit(1000), true)).toBe('well')
  expect([commands, connections()]).toEqual([5, 3])
})

test('a line that was closed stays closed, and one that nobody answers tries once per call', async () => {
  const { line, port } = await lineTo(login)
  line.close()
  expect((await faultOf(line.call(['PING'], new Limit(1000)))).message).toMatch(/we closed/)
  servers.splice(0).forEach((server) => {
    server.close()
  })
  const nobody = new RedisLine({
    label: 'redis',
    place: { address: '127.0.0.1', port },
    account: null,
  })
  lines.push(nobody)
  const startedMs = performance.now()
  expect(await faultOf(nobody.call(['PING'], new Limit(5000), true))).toEqual({
    code: 'HA_STORE_UNREACHABLE',
    message: `redis at 127.0.0.1:${port}: PING: ECONNREFUSED`,
  })
  expect(performance.now() - startedMs).toBeLessThan(1000)
  const path = new RedisLine({
    label: 'redis',
    place: { socketPath: '/nowhere/x.sock' },
    account: null,
  })
  lines.push(path)
  expect((await faultOf(path.call(['PING'], new Limit(1000)))).message).toBe(
    'redis at /nowhere/x.sock: PING: ENOENT',
  )
})
