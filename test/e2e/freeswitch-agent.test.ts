/**
 * Goal: the agent of FreeSWITCH keeps the contract of OCF, recovers calls once per promotion, and never shows its
 * password. Method: the agent as it is, a stand-in for the event socket and one for systemctl, for Debian has
 * neither FreeSWITCH nor do tests have systemd.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { EVENT_PASSWORD, type EventSocketOptions, eventSocket } from '../helpers/event-socket.ts'
import { closedPort, closeStandIns } from '../helpers/stand-in.ts'
import { until } from '../helpers/until.ts'

const ROOT = join(import.meta.dirname, '../..')
const BUILT = existsSync(join(ROOT, 'dist/cli/hook.js'))

let scratch = ''
/** The unit runs while it exists. */
let unit = ''
let env: Record<string, string> = {}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tandem-freeswitch-'))
  unit = join(scratch, 'unit')
  const systemctl = `#!/bin/sh
case $1 in
  start) : >${unit} ;;
  stop) rm -f ${unit} ;;
  is-active) [ -e ${unit} ] || { echo inactive; exit 3; } ;;
esac
`
  writeFileSync(join(scratch, 'systemctl'), systemctl, { mode: 0o755 })
  writeFileSync(join(scratch, 'password'), `${EVENT_PASSWORD}\n`, { mode: 0o600 })
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

beforeEach(() => {
  rmSync(unit, { force: true })
  rmSync(join(scratch, 'promoted'), { force: true })
  env = {
    PATH: `${scratch}:${dirname(process.execPath)}:/usr/bin:/bin`,
    OCF_RESKEY_password_file: join(scratch, 'password'),
    OCF_RESKEY_state: join(scratch, 'promoted'),
  }
})
afterEach(closeStandIns)

async function serverThat(options: EventSocketOptions = {}) {
  const at = await eventSocket(options)
  env['OCF_RESKEY_place'] = `127.0.0.1:${at.port}`
  return at
}

async function act(action: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(join(ROOT, 'agents/freeswitch'), [action], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said }
}

async function codes(...actions: string[]): Promise<(number | null)[]> {
  const ended: (number | null)[] = []
  for (const action of actions) ended.push((await act(action)).code)
  return ended
}

describe.skipIf(!BUILT)('the agent of FreeSWITCH', () => {
  test('starts, promotes, demotes and stops, each twice, and recovers once per promotion', async () => {
    const at = await serverThat({ answer: () => 'Recovered 2 call(s)\n' })
    env['OCF_RESKEY_profiles'] = 'internal external'
    expect(await codes('validate-all', 'monitor', 'promote', 'demote')).toEqual([0, 7, 7, 7])
    expect(await codes('start', 'start', 'monitor')).toEqual([0, 0, 0])
    expect(await codes('promote', 'promote', 'monitor')).toEqual([0, 0, 8])
    expect(at.commands.filter((command) => command.includes('recover'))).toEqual([
      'sofia profile internal recover',
      'sofia profile external recover',
    ])
    expect(await codes('demote', 'demote', 'monitor', 'notify')).toEqual([0, 0, 0, 0])
    expect(await codes('promote', 'stop', 'stop', 'monitor', 'start', 'monitor')).toEqual([
      0, 0, 0, 7, 0, 0,
    ])
  }, 60_000)

  test('is not promoted by a FreeSWITCH that refuses, and says what it said', async () => {
    await serverThat({
      answer: (command) => (command === 'status' ? 'UP\n' : '-ERR no database\n'),
    })
    expect(await codes('start')).toEqual([0])
    const promoted = await act('promote')
    expect(promoted.code).toBe(1)
    expect(promoted.said).toContain(
      'expected an answer to "sofia recover", came "-ERR no database"',
    )
    expect(await codes('monitor')).toEqual([0])
  }, 60_000)

  test('does its work no more when it is promoted and does not answer', async () => {
    await serverThat()
    expect(await codes('start', 'promote', 'monitor')).toEqual([0, 0, 8])
    const { port } = await closedPort('tcp')
    env['OCF_RESKEY_place'] = `127.0.0.1:${port}`
    const looked = await act('monitor')
    expect([looked.code, looked.said]).toEqual([9, expect.stringContaining('the port is closed')])
  }, 60_000)

  test('tells a wrong password by its file, and a missing one beforehand', async () => {
    await serverThat()
    writeFileSync(unit, '')
    const wrong = join(scratch, 'wrong')
    writeFileSync(wrong, 'guess\n', { mode: 0o600 })
    env['OCF_RESKEY_password_file'] = wrong
    const looked = await act('monitor')
    expect([looked.code, looked.said]).toEqual([
      1,
      expect.stringContaining(`it does not take the password in ${wrong}`),
    ])
    expect(looked.said).not.toContain('guess')
    env['OCF_RESKEY_password_file'] = join(scratch, 'none')
    expect(await codes('validate-all', 'start')).toEqual([6, 6])
  }, 60_000)

  test('has its password in no list of processes while FreeSWITCH is silent', async () => {
    const at = await serverThat({ answer: () => null })
    writeFileSync(unit, '')
    const child = spawn(join(ROOT, 'agents/freeswitch'), ['promote'], {
      env,
      detached: true,
      stdio: 'ignore',
    })
    try {
      await until(async () => at.commands.length > 0, 20_000)
      const lines = readdirSync('/proc').flatMap((entry) => {
        try {
          return ['cmdline', 'environ'].map((file) =>
            readFileSync(`/proc/${entry}/${file}`, 'utf8'),
          )
        } catch {
          // No process, somebody else's, or gone.
          return []
        }
      })
      expect(lines.some((line) => line.includes('hook'))).toBe(true)
      expect(lines.filter((line) => line.includes(EVENT_PASSWORD))).toEqual([])
    } finally {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    }
  }, 60_000)
})
