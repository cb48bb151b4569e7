// How hooks are read, and what they say on the wire.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hookText, parseHook } from '../../src/config/hook-text.ts'
import { runHooks } from '../../src/daemon/service-hook.ts'
import { EVENT_PASSWORD, eventSocket } from '../helpers/event-socket.ts'
import { closeStandIns, udpStandIn } from '../helpers/stand-in.ts'

afterEach(closeStandIns)

function hook(line: string) {
  const read = parseHook(line)
  if (!read.ok) throw new Error(read.why)
  return read.hook
}

test('the number of a set goes out as a number, which is all that Kamailio takes', async () => {
  const at = await udpStandIn((request) => {
    const { id, params } = JSON.parse(request.toString())
    return [JSON.stringify({ id, result: params })]
  })
  const line = `jsonrpc 127.0.0.1:${at.port} dispatcher.set_state ip 1 sip:10.0.0.5`
  expect(await runHooks([hook(line)])).toBeNull()
  expect(JSON.parse(at.heard[0] ?? '').params).toEqual(['ip', 1, 'sip:10.0.0.5'])
})

describe('FreeSWITCH', () => {
  let directory = ''
  let password = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tandem-hook-'))
    password = join(directory, 'password')
    writeFileSync(password, `${EVENT_PASSWORD}\n`, { mode: 0o600 })
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test.each([
    ['recover', ['sofia recover']],
    [
      'recover internal external',
      ['sofia profile internal recover', 'sofia profile external recover'],
    ],
    ['status', ['status']],
  ])('is told %s', async (words, commands) => {
    const at = await eventSocket()
    expect(
      await runHooks([hook(`freeswitch 127.0.0.1:${at.port} ${password} ${words}`)]),
    ).toBeNull()
    expect(at.commands).toEqual(commands)
  })

  test('that refuses one profile is asked for no other', async () => {
    const at = await eventSocket({ answer: () => 'Invalid Profile [one]\n' })
    const line = `freeswitch 127.0.0.1:${at.port} ${password} recover one two`
    expect(await runHooks([hook(line)])).toContain('came "Invalid Profile [one]"')
    expect(at.commands).toEqual(['sofia profile one recover'])
  })

  test('has its password in a file of its own where none is named', () => {
    expect(hookText(hook('freeswitch [::1]:8021 recover'))).toBe(
      'freeswitch [::1]:8021 /etc/tandem/freeswitch.password recover',
    )
    const whole = 'freeswitch 127.0.0.1:8021 /etc/fs.password recover internal'
    expect(hookText(hook(whole))).toBe(whole)
  })

  test.each([
    'freeswitch 127.0.0.1:8021 ClueCon recover',
    'freeswitch 127.0.0.1:8021 /etc/fs.password',
    'freeswitch 127.0.0.1:8021 status internal',
    'freeswitch 127.0.0.1:8021 recover a;b',
    'freeswitch localhost:8021 recover',
  ])('a mistake is told without what was written: %s', (line) => {
    expect(parseHook(line)).toMatchObject({
      ok: false,
      why: 'is not a hook for FreeSWITCH',
      secret: true,
    })
  })
})
