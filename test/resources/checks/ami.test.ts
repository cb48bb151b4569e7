// Goal: Login and Ping answered is well; the secret is read each time and never told. Method: a stand-in
// for Asterisk's manager on loopback.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { checkOf, runOnce, whyOf } from '../../helpers/check-case.ts'
import { closedPort, closeStandIns, openSockets, tcpStandIn } from '../../helpers/stand-in.ts'

const directory = mkdtempSync(join(tmpdir(), 'tandem-ami-'))
const file = join(directory, 'secret')
const SECRET = 'hunter2'
writeFileSync(file, `${SECRET}\n`, { mode: 0o600 })
afterEach(closeStandIns)
afterAll(() => rmSync(directory, { recursive: true }))

const BANNER = 'Asterisk Call Manager/9.0.0\r\n'

type Reply = (action: string, fields: Map<string, string>, socket: Socket) => string

/** Blocks of a reply are written in `pieces`, to see that half a block is waited for. */
async function asterisk(reply: Reply, pieces = 1) {
  let buffered = ''
  return await tcpStandIn((piece, socket, number) => {
    if (number === 0) socket.write(BANNER)
    buffered += piece
    for (let end = buffered.indexOf('\r\n\r\n'); end >= 0; end = buffered.indexOf('\r\n\r\n')) {
      const fields = new Map(
        buffered
          .slice(0, end)
          .split('\r\n')
          .map((line) => line.split(': ') as [string, string]),
      )
      buffered = buffered.slice(end + 4)
      const text = reply(fields.get('Action') ?? '', fields, socket)
      const size = Math.max(1, Math.ceil(text.length / pieces))
      for (let at = 0; at < text.length; at += size) {
        const part = text.slice(at, at + size)
        setTimeout(() => socket.write(part), (at / size) * 5)
      }
    }
  })
}

const block = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`

const wellBehaved: Reply = (action, fields, socket) => {
  const id = `ActionID: ${fields.get('ActionID')}`
  if (action === 'Login') {
    if (fields.get('Secret') !== SECRET || fields.get('Username') !== 'tandem') {
      return block(['Response: Error', id, 'Message: Authentication failed'])
    }
    return block(['Response: Success', id, 'Message: Authentication accepted'])
  }
  if (action === 'Ping') return block(['Response: Success', id, 'Ping: Pong', 'Timestamp: 1.5'])
  setTimeout(() => socket.end(), 20)
  return block(['Response: Goodbye', 'Message: Thanks for all the fish.'])
}

const line = (port: number): string => `ami 127.0.0.1:${port} tandem ${file}`
const target = (port: number): string => `Asterisk manager at 127.0.0.1:${port} as tandem`

test('Login, Ping and Logoff are well, and the connection is closed', async () => {
  const before = await openSockets()
  const place = await asterisk(wellBehaved)
  expect(await whyOf(line(place.port))).toBeNull()
  const actions = [...place.heard.join('').matchAll(/^Action: (\w+)/gm)].map((found) => found[1])
  expect(actions).toEqual(['Login', 'Ping', 'Logoff'])
  await closeStandIns()
  expect(await openSockets()).toBe(before)
})

test('events and answers to others are passed over, and halves are waited for', async () => {
  const noisy: Reply = (action, fields, socket) =>
    block(['Event: FullyBooted', 'Status: Fully Booted']) +
    block(['Response: Error', 'ActionID: theirs', 'Message: No such thing']) +
    block(['Event: PeerStatus', `ActionID: ${fields.get('ActionID')}`]) +
    wellBehaved(action, fields, socket)
  expect(await whyOf(line((await asterisk(noisy)).port))).toBeNull()
  expect(await whyOf(line((await asterisk(noisy, 7)).port), 1_000)).toBeNull()
})

test('the answer of old versions to a Ping is well too', async () => {
  const old: Reply = (action, fields, socket) =>
    action === 'Ping'
      ? block(['Response: Pong', `ActionID: ${fields.get('ActionID')}`])
      : wellBehaved(action, fields, socket)
  expect(await whyOf(line((await asterisk(old)).port))).toBeNull()
})

test('the secret is read at each run', async () => {
  const place = await asterisk(wellBehaved)
  const check = checkOf(line(place.port))
  expect((await runOnce(check)).ok).toBe(true)
  try {
    writeFileSync(file, 'changed\n')
    expect((await runOnce(check)).why).toBe(
      `${target(place.port)}: expected Login to succeed, came "Authentication failed"`,
    )
  } finally {
    writeFileSync(file, `${SECRET}\n`)
  }
  expect((await runOnce(check)).ok).toBe(true)
})

test('a file that others may read, that is missing, empty or has two lines is told, and nobody is asked', async () => {
  const place = await asterisk(wellBehaved)
  chmodSync(file, 0o644)
  expect(await whyOf(line(place.port))).toBe(
    `${target(place.port)}: the secret could not be read: ${file} has mode 0644 instead of 0600`,
  )
  chmodSync(file, 0o600)
  for (const [content, why] of [
    ['', `${file} is empty`],
    ['one\r\nAction: Command\n', `${file} has several lines`],
  ] as const) {
    writeFileSync(file, content)
    expect(await whyOf(line(place.port))).toBe(`${target(place.port)}: ${why}`)
  }
  writeFileSync(file, `${SECRET}\n`)
  expect(await whyOf(`ami 127.0.0.1:${place.port} tandem ${file}.not`)).toContain(`${file}.not`)
  expect(place.heard).toEqual([])
})

test('the secret is in no sentence, whatever the server does with it', async () => {
  const replies: Reply[] = [
    (_action, fields) =>
      block([
        'Response: Error',
        `ActionID: ${fields.get('ActionID')}`,
        `Message: ${SECRET} is wrong`,
      ]),
    (_action, fields) => block(['Response: hunter2', `ActionID: ${fields.get('ActionID')}`]),
    () => `Message: no ${SECRET}`,
    () => `Message: no ${SECRET.slice(0, 5)}`,
    (_action, _fields, socket) => {
      socket.end(`Secret: ${SECRET}`)
      return ''
    },
  ]
  for (const reply of replies) {
    const why = await whyOf(line((await asterisk(reply)).port), 200)
    expect(why).toContain('expected Login to succeed')
    expect(why).not.toContain('hunte')
  }
})

test('garbage, silence, half an answer, an end and too much are failures within the limit', async () => {
  const answers: [Reply, RegExp][] = [
    [() => '', /no answer within 200 ms \(29 bytes that are none\)$/],
    [() => '\0\r\n\r\n:::\r\n\r\n', /no answer within 200 ms/],
    [
      (_action, fields) => `Response: Success\r\nActionID: ${fields.get('ActionID')}\r\n`,
      /no answer/,
    ],
    [
      (_action, _fields, socket) => {
        socket.end()
        return ''
      },
      /the connection was closed without an answer/,
    ],
    [() => 'x'.repeat(300_000), /more came than any answer can be/],
  ]
  for (const [reply, why] of answers) {
    expect(await whyOf(line((await asterisk(reply)).port), 200)).toMatch(why)
  }
})

test('a Ping that is not answered is told apart from a Login that is not', async () => {
  const frozen: Reply = (action, fields, socket) =>
    action === 'Login' ? wellBehaved(action, fields, socket) : ''
  const { port } = await asterisk(frozen)
  expect(await whyOf(line(port), 200)).toBe(
    `${target(port)}: expected Ping to be answered, no answer within 200 ms`,
  )
})

test('a closed port is told at once', async () => {
  const { port } = await closedPort('tcp')
  const { why, durationMs } = await runOnce(checkOf(line(port)), 5_000)
  expect(why).toBe(
    `${target(port)}: expected a connection, the port is closed, nobody listens on 127.0.0.1:${port}`,
  )
  expect(durationMs).toBeLessThan(500)
})
