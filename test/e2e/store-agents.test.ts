/**
 * Goal: without Node, a store is promoted, demoted and looked at as OCF has it; what cannot be made
 * read-only is ended, and nothing else ever is; and what a dead agent leaves takes no more writes within 2 s.
 * Method: the agents in plain sh over real servers on loopback.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ACCOUNTS, MariadbServer, mariadbInstalled } from '../helpers/mariadb-server.ts'
import { freePort, SETUP, startRedis, type TestRedis } from '../helpers/redis-server.ts'

const AGENTS = join(import.meta.dirname, '../../agents')
const RELEASE_LIMIT_MS = 2_000

interface Ended {
  code: number | null
  said: string
  ms: number
}

type Parameters = Readonly<Record<string, string>>

let scratch = ''
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tandem-store-agents-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Runs one of the agents to its end. */
async function run(file: string, args: string[], env: Parameters): Promise<Ended> {
  const startedMs = performance.now()
  const child = spawn(join(AGENTS, file), args, {
    env: { PATH: '/usr/bin:/bin', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said, ms: performance.now() - startedMs }
}

function secret(name: string, password: string): string {
  const path = join(scratch, name)
  writeFileSync(path, `${password}\n`, { mode: 0o600 })
  return path
}

/** Somebody else's program that takes connections and says nothing. */
async function stranger(): Promise<{ port: number; close(): void }> {
  const server = createServer(() => undefined)
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { port, close: () => server.close() }
}

/** A directory whose programs come first on the path. */
function programs(name: string, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(scratch, `${name}-`))
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(directory, file), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  }
  return `${directory}:/usr/bin:/bin`
}

describe('the agent of Redis', () => {
  let server: TestRedis
  let parameters: Parameters = {}
  const act = (action: string, more: Parameters = {}): Promise<Ended> =>
    run('redis', [action], { ...parameters, ...more })
  const code = async (action: string, more: Parameters = {}): Promise<number | null> =>
    (await act(action, more)).code

  beforeEach(async () => {
    server = await startRedis()
    parameters = {
      OCF_RESKEY_port: String(server.port),
      OCF_RESKEY_password_file: secret('redis', SETUP.password),
      OCF_RESKEY_pid_file: server.pidFile,
      OCF_CALL_SECONDS: '1',
    }
  })
  afterEach(() => server.remove())

  test('promotes and demotes, each twice, and tells rightly each time', async () => {
    expect(await act('validate-all')).toMatchObject({ code: 0, said: '' })
    expect(await code('monitor')).toBe(0)
    for (const _round of [1, 2]) {
      expect(await act('promote')).toMatchObject({ code: 0, said: '' })
      expect(await act('monitor')).toMatchObject({ code: 8, said: '' })
    }
    expect(await server.client().set('key', '1')).toBe('OK')
    for (const _round of [1, 2]) {
      expect(await act('demote')).toMatchObject({ code: 0, said: '' })
      expect(await act('monitor')).toMatchObject({ code: 0, said: '' })
    }
    await expect(server.client().set('key', '2')).rejects.toThrow('READONLY')
    await server.kill()
    expect([await code('monitor'), await code('demote'), await code('promote')]).toEqual([7, 7, 7])
  })

  test('cuts applications off at a demotion and links the server to nobody', async () => {
    const peer = await startRedis()
    try {
      await server.admin('REPLICAOF', '127.0.0.1', String(peer.port))
      expect(await server.info('master_port')).toBe(String(peer.port))
      const gone = once(
        server.client().on('error', () => undefined),
        'end',
      )
      expect(await code('demote')).toBe(0)
      await gone
      expect(await server.client().info('replication')).toContain('master_port:1\r\n')
    } finally {
      await peer.remove()
    }
  })

  test('refuses at once what a freeze held back, so that nobody waits for its end', async () => {
    await act('promote')
    await server.admin('CLIENT', 'PAUSE', '60000', 'WRITE')
    const held = server.client().set('key', '1')
    const refused = expect(held).rejects.toThrow('READONLY')
    expect(await code('release')).toBe(0)
    await refused
  })

  test('calls a promoted server failed whose writes fail', async () => {
    await act('promote')
    await server.admin('CONFIG', 'SET', 'min-replicas-to-write', '1')
    const { code: failed, said } = await act('monitor')
    expect([failed, said]).toEqual([9, expect.stringContaining('NOREPLICAS')])
  })

  test('ends a frozen server, at a demotion and for a dead agent, and no other time', async () => {
    await act('promote')
    server.freeze()
    expect((await act('monitor')).code).toBe(1)
    expect((await act('promote')).code).toBe(1)
    expect((await act('release', { OCF_RESKEY_doubt: 'leave' })).code).toBe(0)
    expect(await processState(server.pid)).toBe('T')
    const { code: ended, said } = await act('release')
    expect([ended, said]).toEqual([0, expect.stringContaining(`SIGKILL to process ${server.pid}`)])
    await server.ended()
    await server.start()
    server.freeze()
    expect(await code('demote')).toBe(0)
    await server.ended()
  })

  test('ends a server that does not let our account change anything', async () => {
    await act('promote')
    const wrong = secret('wrong', 'not the password')
    const { code: ended, said } = await act('release', { OCF_RESKEY_password_file: wrong })
    expect([ended, said]).toEqual([0, expect.stringContaining('could not be made read-only')])
    await server.ended()
  })

  test('ends a server that takes writes for a dead agent also when it cannot speak to it any more', async () => {
    await act('promote')
    const { code: ended, said } = await act('release', {
      OCF_RESKEY_password_file: join(scratch, 'gone'),
    })
    expect([ended, said]).toEqual([0, expect.stringContaining('gone cannot be read')])
    await server.ended()
    await server.start()
    expect(await code('release', { OCF_RESKEY_password_file: join(scratch, 'gone') })).toBe(0)
    expect(await code('monitor')).toBe(0)
  })

  test('never ends a process that is not known beyond doubt', async () => {
    const other = await stranger()
    try {
      const port = { OCF_RESKEY_port: String(other.port), OCF_RESKEY_pid_file: '' }
      const { code: failed, said } = await act('release', port)
      const words = `process ${process.pid} at 127.0.0.1 port ${other.port} is no such server`
      expect([failed, said]).toEqual([1, expect.stringContaining(words)])
    } finally {
      other.close()
    }
    await act('promote')
    server.freeze()
    const pidFile = join(scratch, 'other.pid')
    writeFileSync(pidFile, `${process.pid}\n`)
    const words = `is not the one of ${pidFile}, ${process.pid}`
    expect(await act('release', { OCF_RESKEY_pid_file: pidFile })).toMatchObject({
      code: 1,
      said: expect.stringContaining(words),
    })
    expect(await act('release', { OCF_RESKEY_pid_file: join(scratch, 'none') })).toMatchObject({
      code: 1,
      said: expect.stringContaining('cannot be read'),
    })
    expect(await processState(server.pid)).toBe('T')
  })

  test('leaves a server alone for a dead agent that is read-only and follows the peer', async () => {
    const peer = await startRedis()
    try {
      await peer.admin('REPLICAOF', 'NO', 'ONE')
      await server.admin('REPLICAOF', '127.0.0.1', String(peer.port))
      expect(await act('release')).toMatchObject({ code: 0, said: '' })
      expect(await server.info('master_port')).toBe(String(peer.port))
    } finally {
      await peer.remove()
    }
  })

  test('starts and stops the unit it is told of, read-only after a start, and ends what does not stop', async () => {
    const start = `case $1 in start) setsid redis-server ${server.configFile} >/dev/null 2>&1 & ;; esac`
    const PATH = programs('units', { systemctl: start })
    const unit = { OCF_RESKEY_unit: 'redis-server.service', PATH }
    await server.kill()
    expect((await act('start')).said).toContain('the parameter unit is not set')
    expect([await code('start', unit), await code('monitor')]).toEqual([0, 0])
    expect([await code('start', unit), await code('promote'), await code('start', unit)]).toEqual([
      0, 0, 0,
    ])
    expect(await code('monitor')).toBe(0)
    // That systemctl does not stop anything.
    expect((await act('stop', unit)).said).toContain('SIGKILL')
    expect([await code('monitor'), await code('stop', unit)]).toEqual([7, 0])
    expect([await code('start', unit), await code('stop'), await code('monitor')]).toEqual([
      0, 0, 7,
    ])
  })

  test('gives no password to a program as an argument', async () => {
    const seen = join(scratch, 'arguments')
    const PATH = programs('seen', {
      'redis-cli': `echo "$@" >>${seen}\nexec /usr/bin/redis-cli "$@"`,
      timeout: `echo "$@" >>${seen}\nexec /usr/bin/timeout "$@"`,
    })
    for (const action of ['promote', 'monitor', 'demote', 'release']) {
      expect((await act(action, { PATH })).said).toBe('')
    }
    expect(readFileSync(seen, 'utf8')).toContain('REPLICAOF NO ONE')
    expect(readFileSync(seen, 'utf8')).not.toContain('secret')
  })

  test.each([
    ['a port that is none', { OCF_RESKEY_port: '6379;id' }],
    ['an option as account', { OCF_RESKEY_user: '-a' }],
    ['a password file that is not there', { OCF_RESKEY_password_file: '/nonexistent' }],
    ['a password file that others may read', { OCF_RESKEY_password_file: '/etc/passwd' }],
    ['a unit that is none', { OCF_RESKEY_unit: '--force' }],
  ])('refuses %s', async (_what, wrong) => {
    for (const action of ['validate-all', 'promote', 'demote']) {
      const { code: refused, said } = await act(action, wrong)
      expect([refused, said]).toEqual([6, expect.stringMatching(/^redis: .*\n$/)])
    }
  })
})

async function processState(pid: number): Promise<string> {
  await sleep(20)
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? ''
}

describe.skipIf(!mariadbInstalled())('the agent of MariaDB', () => {
  let server: MariadbServer
  let parameters: Parameters = {}
  const act = (action: string, more: Parameters = {}): Promise<Ended> =>
    run('mariadb', [action], { ...parameters, ...more })
  const code = async (action: string, more: Parameters = {}): Promise<number | null> =>
    (await act(action, more)).code
  const readOnly = async (): Promise<unknown> => server.value('@@global.read_only')

  beforeAll(async () => {
    server = await MariadbServer.make({ node: 1 })
    parameters = {
      OCF_RESKEY_port: String(server.port),
      OCF_RESKEY_password_file: secret('mariadb', ACCOUNTS.password),
      OCF_RESKEY_replication_user: ACCOUNTS.replicationUser,
      OCF_RESKEY_pid_file: join(server.directory, 'server.pid'),
      OCF_CALL_SECONDS: '2',
    }
  }, 120_000)
  afterAll(() => server.remove())

  test('promotes and demotes, each twice, and tells rightly each time', async () => {
    expect(await act('validate-all')).toMatchObject({ code: 0, said: '' })
    expect(await code('monitor')).toBe(0)
    for (const _round of [1, 2]) {
      expect(await act('promote')).toMatchObject({ code: 0, said: '' })
      expect(await act('monitor')).toMatchObject({ code: 8, said: '' })
    }
    const application = await server.application()
    const lost = once(application, 'error')
    for (const _round of [1, 2]) {
      expect(await act('demote')).toMatchObject({ code: 0, said: '' })
      expect(await act('monitor')).toMatchObject({ code: 0, said: '' })
    }
    await lost
  })

  test('ends applications that keep it from becoming read-only', async () => {
    await act('promote')
    const application = await server.application()
    const lost = once(application, 'error')
    await application.query('LOCK TABLES app.t WRITE')
    const { code: released, ms, said } = await act('release')
    expect([released, said]).toEqual([0, ''])
    expect(ms).toBeLessThan(RELEASE_LIMIT_MS)
    expect(Number(await readOnly())).toBe(1)
    await lost
  })

  test('confirms nothing alone before it is read-only', async () => {
    const seen = join(scratch, 'statements')
    const PATH = programs('order', {
      mariadb: `echo "$@" >>${seen}\nexec /usr/bin/mariadb "$@"`,
    })
    await act('promote')
    expect((await act('release', { PATH })).said).toBe('')
    const said = readFileSync(seen, 'utf8')
    expect(said.indexOf('SET GLOBAL read_only=1')).toBeGreaterThan(0)
    expect(said.indexOf('rpl_semi_sync_master_enabled=0')).toBeGreaterThan(
      said.indexOf('SET GLOBAL read_only=1'),
    )
    expect(said).not.toContain(ACCOUNTS.password)
  })

  test('leaves a server alone for a dead agent that is read-only', async () => {
    expect(Number(await readOnly())).toBe(1)
    expect(await act('release')).toMatchObject({ code: 0, said: '' })
  })

  test('calls a promoted server failed whose writes fail', async () => {
    await act('promote')
    await server.root(['RENAME TABLE tandem.probe TO tandem.elsewhere'])
    const { code: failed, said } = await act('monitor')
    await server.root(['RENAME TABLE tandem.elsewhere TO tandem.probe'])
    expect([failed, said]).toEqual([9, expect.stringContaining('a write')])
  })

  test('ends a frozen server for a dead agent, and never one that is not known beyond doubt', async () => {
    process.kill(server.pid, 'SIGSTOP')
    const pidFile = join(scratch, 'mariadb.pid')
    writeFileSync(pidFile, '1\n')
    const wrong = { OCF_RESKEY_pid_file: pidFile, OCF_CALL_SECONDS: '0.3' }
    expect(await act('release', wrong)).toMatchObject({
      code: 1,
      said: expect.stringContaining(`is not the one of ${pidFile}, 1`),
    })
    expect(await processState(server.pid)).toBe('T')
    const { code: released, said } = await act('release', { OCF_CALL_SECONDS: '0.3' })
    expect([released, said]).toEqual([0, expect.stringContaining('SIGKILL')])
    await server.end('SIGKILL')
    expect(await code('monitor')).toBe(7)
    await server.start()
    expect(await code('monitor')).toBe(0)
  })

  test('stops its server and says so', async () => {
    expect([await code('stop'), await code('monitor'), await code('stop')]).toEqual([0, 7, 0])
  })
})

describe('the crash helper', () => {
  let one: TestRedis
  let two: TestRedis
  let runDir = ''

  beforeEach(async () => {
    ;[one, two] = await Promise.all([startRedis(), startRedis()])
    runDir = mkdtempSync(join(scratch, 'run-'))
  })
  afterEach(async () => {
    await one.remove()
    await two.remove()
  })

  const release = (): Promise<Ended> => run('release', [], { TANDEM_RUN: runDir })
  function list(...servers: TestRedis[]): void {
    const file = secret('released', SETUP.password)
    const text = servers.map(
      ({ port, pidFile }, index) =>
        `store redis-${index}\nkind redis\naddress 127.0.0.1\nport ${port}\nuser tandem\n` +
        `password_file ${file}\npid_file ${pidFile}\n`,
    )
    writeFileSync(join(runDir, 'stores'), text.join(''))
  }
  function state(role: string): void {
    const copy = `7 ${role === 'active' ? 'active' : 'standby'} ${role} 99 3`
    writeFileSync(join(runDir, 'state'), `${`tandem1 ${copy} ${copy} `.padEnd(125)}.\n`)
  }

  test('has nothing to do where no agent ever was', async () => {
    expect(await release()).toMatchObject({ code: 0, said: '' })
  })

  test('makes every store read-only that takes writes, and leaves the others as they are', async () => {
    await one.admin('REPLICAOF', 'NO', 'ONE')
    await two.admin('REPLICAOF', '127.0.0.1', String(one.port))
    list(one, two)
    state('active')
    const { code, said, ms } = await release()
    expect([code, said]).toEqual([0, ''])
    expect(ms).toBeLessThan(RELEASE_LIMIT_MS)
    expect([await one.info('role'), await one.info('master_port')]).toEqual(['slave', '1'])
    expect(await two.info('master_port')).toBe(String(one.port))
  })

  test('ends all that hang, at once and within its time', { retry: 3 }, async () => {
    list(one, two)
    state('active')
    one.freeze()
    two.freeze()
    const { code, ms } = await release()
    await Promise.all([one.ended(), two.ended()])
    expect(code).toBe(0)
    expect(ms).toBeLessThan(RELEASE_LIMIT_MS)
  })

  test('leaves a hanging store alone where this node was standby', async () => {
    list(one)
    state('standby')
    one.freeze()
    expect(await release()).toMatchObject({
      code: 0,
      said: expect.stringContaining("it was a standby's, and is left alone"),
    })
    expect(await processState(one.pid)).toBe('T')
  })

  test('does the others when one fails, and says so with its end', async () => {
    await two.admin('REPLICAOF', 'NO', 'ONE')
    list(one, two)
    const text = readFileSync(join(runDir, 'stores'), 'utf8')
    writeFileSync(join(runDir, 'stores'), text.replace(/^port \d+$/m, 'port none'))
    const { code, said } = await release()
    expect([code, said]).toEqual([6, "redis: no port: 'none'\n"])
    expect(await two.info('role')).toBe('slave')
  })
})

describe('the agents of stores', () => {
  const files = ['redis', 'mariadb'] as const

  test.each(files)('%s describes every parameter and action that it has', async (file) => {
    const { stdout } = spawnSync(join(AGENTS, file), ['meta-data'], { encoding: 'utf8' })
    const names = (element: string): string[] =>
      [...stdout.matchAll(new RegExp(`<${element} name="([^"]+)"`, 'g'))].map(
        ([, name]) => name ?? '',
      )
    const all = ['socket', 'address', 'port', 'user', 'password_file', 'pid_file', 'unit']
    const more = file === 'mariadb' ? ['replication_user'] : []
    expect(names('parameter')).toEqual([...all, ...more])
    const actions = ['start', 'stop', 'monitor', 'monitor', 'promote', 'demote', 'notify']
    expect(names('action')).toEqual([...actions, 'release', 'validate-all', 'meta-data'])
    const opened = [...stdout.matchAll(/<([a-z]+[a-z-]*)[^>/]*>/g)].length
    expect([...stdout.matchAll(/<\/[a-z-]+>/g)].length).toBe(opened)
    expect((await run(file, ['notify'], {})).code).toBe(0)
    expect((await run(file, ['reload'], {})).code).toBe(3)
  })

  test('the checker of shell scripts has nothing to say', () => {
    const scripts = [...files, 'release', 'lib/store.sh', 'lib/ocf.sh'].map((file) =>
      join(AGENTS, file),
    )
    const ended = spawnSync('shellcheck', ['-x', '-P', join(AGENTS, '..'), ...scripts], {
      encoding: 'utf8',
    })
    expect([ended.stdout, ended.status]).toEqual(['', 0])
  })
})
