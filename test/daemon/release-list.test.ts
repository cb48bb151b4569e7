/**
 * Goal: the crash helper finds in its lists all that it needs, and no secret.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FloatingIp, StoreConfig } from '../../src/config/config.ts'
import { writeReleaseLists } from '../../src/daemon/release-list.ts'

const REDIS: StoreConfig = {
  name: 'redis-calls',
  kind: 'redis',
  socketPath: null,
  address: '127.0.0.1',
  port: 6380,
  peerAddress: '192.0.2.2',
  peerPort: 6380,
  user: 'tandem',
  passwordFile: '/etc/tandem/redis calls.password',
  replicationUser: 'tandem_repl',
  replicationPasswordFile: null,
  undoUser: null,
  undoPasswordFile: null,
  semiSync: false,
  dataDirectory: null,
  pidFile: '/run/redis/redis-calls.pid',
  probeMisses: 3,
  minFreeMb: null,
  archivesKept: 10,
  lagMax: 0,
  verify: null,
}
const MARIADB: StoreConfig = {
  ...REDIS,
  name: 'mariadb',
  kind: 'mariadb',
  socketPath: '/run/mysqld/mysqld.sock',
  port: 3306,
  passwordFile: null,
  pidFile: null,
}
const ADDRESS: FloatingIp = {
  address: '192.0.2.10',
  family: 4,
  prefixLength: 24,
  interface: 'eth0',
  label: null,
}

let runDir = ''
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'tandem-lists-'))
})
afterEach(() => rmSync(runDir, { recursive: true }))

const written = (name: string): string => readFileSync(join(runDir, name), 'utf8')

test('addresses stand one to a line, stores one to a block that begins with its name', async () => {
  const six: FloatingIp = { ...ADDRESS, address: '2001:db8::10', family: 6, prefixLength: 64 }
  await writeReleaseLists(runDir, { floatingIps: [ADDRESS, six], stores: [REDIS, MARIADB] })
  expect(written('floating-ips')).toBe('eth0 192.0.2.10/24\neth0 2001:db8::10/64\n')
  expect(written('stores')).toBe(
    [
      'store redis-calls',
      'kind redis',
      'address 127.0.0.1',
      'port 6380',
      'user tandem',
      'password_file /etc/tandem/redis calls.password',
      'pid_file /run/redis/redis-calls.pid',
      'store mariadb',
      'kind mariadb',
      'socket /run/mysqld/mysqld.sock',
      'address 127.0.0.1',
      'port 3306',
      'user tandem',
      'replication_user tandem_repl',
      '',
    ].join('\n'),
  )
})

test('the list of stores is for its owner alone, also where an older one was not', async () => {
  writeFileSync(join(runDir, 'stores'), 'store old\n', { mode: 0o644 })
  await writeReleaseLists(runDir, { floatingIps: [ADDRESS], stores: [] })
  expect(written('stores')).toBe('')
  expect(statSync(join(runDir, 'stores')).mode & 0o777).toBe(0o600)
})
