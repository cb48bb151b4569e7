/**
 * Goal: FreeSWITCH is told, and everything but a plain yes is one sentence within the limit, without the
 * password. Method: a stand-in for its event socket on loopback.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { askFreeswitch } from '../../src/resources/event-socket.ts'
import { LATE_MS } from '../helpers/check-case.ts'
import { EVENT_PASSWORD, eventSocket } from '../helpers/event-socket.ts'
import { closedPort, closeStandIns, openSockets } from '../helpers/stand-in.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-event-socket-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(closeStandIns)

function file(text: string, mode = 0o600): string {
  const path = join(directory, 'password')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

async function why(at: { address: string; port: number }, passwordFile: string, limitMs = 1_000) {
  const asked = await askFreeswitch({ ...at, passwordFile }, 'sofia recover', limitMs)
  return asked.ok ? null : asked.message.replaceAll(`:${at.port}`, ':PORT')
}

test('a command is carried out and its answer told', async () => {
  const at = await eventSocket({ answer: () => 'Recovered 2 call(s)\n' })
  const place = { ...at, passwordFile: file(`${EVENT_PASSWORD}\n`) }
  expect(await askFreeswitch(place, 'sofia recover', 1_000)).toEqual({
    ok: true,
    text: 'Recovered 2 call(s)',
  })
  expect(at.commands).toEqual(['sofia recover'])
})

const PLACE = 'FreeSWITCH at 127.0.0.1:PORT'
test.each([
  ['-ERR no reply\n', '-ERR no reply'],
  ['-USAGE: sofia\n', '-USAGE: sofia'],
  ['Invalid Profile [internl]\n', 'Invalid Profile [internl]'],
])('an answer that is a refusal is one: %j', async (text, shown) => {
  const at = await eventSocket({ answer: () => text })
  expect(await why(at, file(EVENT_PASSWORD))).toBe(
    `${PLACE}: expected an answer to "sofia recover", came "${shown}"`,
  )
})

test('a wrong password is told with its file, and never with itself', async () => {
  const at = await eventSocket()
  const path = file('something else')
  const said = await why(at, path)
  expect(said).toBe(
    `${PLACE}: it does not take the password in ${path}: compare with event_socket.conf.xml`,
  )
  expect([at.commands, said?.includes('something else')]).toEqual([[], false])
})

test.each([
  ['', 0o600, /does not hold one line$/],
  ['one\ntwo\n', 0o600, /does not hold one line$/],
  [EVENT_PASSWORD, 0o644, /the password could not be read: .*0644/],
])('a password file with %j and mode %o is not used', async (text, mode, sentence) => {
  const at = await eventSocket()
  const said = await why(at, file(text, mode))
  expect(said).toMatch(sentence)
  expect(at.heard).toEqual([])
})

test('who is not let in knows what to mend', async () => {
  const at = await eventSocket({ greets: 'rude' })
  expect(await why(at, file(EVENT_PASSWORD))).toBe(
    `${PLACE}: it does not take connections from here: mend apply-inbound-acl of event_socket.conf.xml`,
  )
})

test.each([
  ['that says nothing', { greets: 'silent' as const }, 'expected to be asked for the password'],
  ['that does not answer', { answer: () => null }, 'expected an answer to "sofia recover"'],
])('one %s is left within the limit', async (_what, options, wanted) => {
  const at = await eventSocket(options)
  const startMs = performance.now()
  const said = await why(at, file(EVENT_PASSWORD), 200)
  expect(performance.now() - startMs).toBeLessThan(200 + LATE_MS)
  expect(said).toBe(`${PLACE}: ${wanted}, no answer within 200 ms`)
})

test('a closed port is known at once and leaves no socket', async () => {
  const before = await openSockets()
  const at = await closedPort('tcp')
  expect(await why(at, file(EVENT_PASSWORD), 5_000)).toBe(
    `${PLACE}: expected a connection, the port is closed, nobody listens on 127.0.0.1:PORT`,
  )
  expect(await openSockets()).toBe(before)
})
