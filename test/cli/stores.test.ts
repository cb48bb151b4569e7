/**
 * Goal: `tandem setup` prints what a store needs and `tandem doctor` names what is missing, and neither
 * goes on with half of what it must know. Method: real files; servers that are not there.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run as doctor } from '../../src/cli/doctor.ts'
import { run as setup } from '../../src/cli/setup.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { CONFIG, NETWORK } from '../helpers/config-case.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-stores-'))
  writeFileSync(join(directory, 'network.yml'), NETWORK)
})
afterEach(() => rmSync(directory, { recursive: true }))

const passwordFile = (name: string, mode = 0o600): string => {
  const path = join(directory, name)
  writeFileSync(path, `secret-of-${name}\n`, { mode })
  return path
}

async function ask(command: typeof setup, stores: string, ...args: string[]) {
  writeFileSync(join(directory, 'config.yml'), `${CONFIG}  stores: ${stores}\n`)
  const io = capturedIo()
  const exitCode = await command(['--config', directory, '--node', 'sp2', ...args], io)
  return { exitCode, out: io.out, err: io.err }
}

const redis = (): string =>
  `{redis: {password_file: ${passwordFile('own')}, replication_password_file: ${passwordFile('follow')}}}`
const mariadb = (): string =>
  `{mariadb: {password_file: ${passwordFile('own')}, replication_password_file: ${passwordFile('follow')}}}`

describe('tandem setup', () => {
  test('prints accounts and settings of Redis, the password of our account only as a hash', async () => {
    const { exitCode, out } = await ask(setup, redis(), 'redis')
    expect(exitCode).toBe(0)
    expect(out).toContain('user tandem on #')
    expect(out).toContain('replicaof 127.0.0.1 1')
    expect(out).toContain('masterauth "secret-of-follow"')
    expect(out).not.toContain('secret-of-own')
  })

  test('prints statements alone, to be piped into the client, and settings alone', async () => {
    const accounts = await ask(setup, mariadb(), 'mariadb', '--accounts')
    expect(accounts.out).toMatch(/^SET SESSION sql_log_bin = 0;\n/)
    expect(accounts.out).toContain("'tandem'@'192.168.255.251'")
    const settings = await ask(setup, mariadb(), 'mariadb', '--settings')
    expect(settings.out).toContain('server_id = 2')
    expect(settings.out).not.toContain('secret')
  })

  test('prints what a whole copy needs apart, without any password', async () => {
    const stores = `{mariadb: {undo_user: tandem_undo, undo_password_file: ${passwordFile('undo')}}}`
    const grants = await ask(setup, stores, 'mariadb', '--copy-grants')
    expect([grants.exitCode, grants.err]).toEqual([0, ''])
    expect(grants.out).toMatch(/^SET SESSION sql_log_bin = 0;\nGRANT SELECT, .* ON \*\.\* TO /)
    expect(grants.out).toContain("@'192.168.255.251'")
    expect(grants.out).not.toContain('secret')
    const none = await ask(setup, mariadb(), 'mariadb', '--copy-grants')
    expect([none.exitCode, none.out]).toEqual([3, ''])
    expect(none.err).toContain('undo_user names no account to copy with')
    expect((await ask(setup, redis(), 'redis', '--copy-grants')).err).toContain(
      '--copy-grants means nothing for Redis',
    )
  })

  test('knows which stores there are', async () => {
    expect(await ask(setup, redis(), 'mariadb')).toEqual({
      exitCode: 1,
      out: '',
      err: 'tandem setup: no store is called mariadb; configured are: redis\n',
    })
  })

  test('prints nothing when a password file is missing, or can be read by others', async () => {
    const missing = await ask(setup, '{redis: {}}', 'redis')
    expect([missing.exitCode, missing.out]).toEqual([3, ''])
    expect(missing.err).toContain('tandem.stores.redis.password_file names no file')
    const open = `{redis: {password_file: ${passwordFile('open', 0o644)}}}`
    const shared = await ask(setup, open, 'redis')
    expect([shared.exitCode, shared.out]).toEqual([3, ''])
    expect(shared.err).toContain(join(directory, 'open'))
  })
})

describe('tandem doctor', () => {
  test('says of a server that does not answer that it could not be checked', async () => {
    const stores = `{redis: {port: 1, password_file: ${passwordFile('own')}}}`
    const { exitCode, out } = await ask(doctor, stores)
    expect(exitCode).toBe(3)
    expect(out).toMatch(/^redis \(redis\): could not be checked: .*127\.0\.0\.1/)
    expect(out).not.toContain('secret-of-own')
    const { out: document } = await ask(doctor, stores, '--json')
    expect(JSON.parse(document).stores).toMatchObject([{ store: 'redis', findings: [] }])
  })

  test('has nothing to say where no store is configured', async () => {
    const { exitCode, out } = await ask(doctor, '{}')
    expect([exitCode, out]).toEqual([0, expect.stringContaining('nothing to check')])
  })
})
