/**
 * Goal: a server that is sick, misconfigured or wrongly named is an answer in time that says what to do,
 * never a hang, and never with a secret in it. Method: a real pair, one server of which is frozen,
 * locked, filled up, or asked with the wrong words; every fault that was ever said is searched for
 * passwords in the end.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MariadbStore } from '../../src/resources/mariadb.ts'
import { Lane } from '../../src/resources/mariadb-door.ts'
import type { MariadbOptions } from '../../src/resources/mariadb-options.ts'
import type { StoreFault, StoreResult } from '../../src/resources/replicated-store.ts'
import { Limit } from '../../src/resources/store-result.ts'
import {
  ACCOUNTS,
  APP,
  faultIn,
  freePort,
  MariadbServer,
  makePair,
  must,
  type Pair,
  sleep,
  storeOf,
  untilFollowing,
} from '../helpers/mariadb-server.ts'

let pair: Pair
let one: MariadbServer
let two: MariadbServer
let first: MariadbStore
let second: MariadbStore
const said: StoreFault[] = []

beforeAll(async () => {
  pair = await makePair()
  ;({ one, two, first, second } = pair)
})

afterAll(() => pair?.remove())

async function refused(work: Promise<StoreResult<unknown>>): Promise<StoreFault> {
  const fault = faultIn(await work)
  said.push(fault)
  return fault
}

/** A store with other options, closed afterwards. */
async function withStore<Value>(
  more: Partial<MariadbOptions>,
  work: (store: MariadbStore) => Promise<Value>,
): Promise<Value> {
  const store = storeOf(one, two, more)
  try {
    return await work(store)
  } finally {
    store.close()
  }
}

describe('a server that is frozen', () => {
  it('costs every call its limit and no more, and answers again when it goes on', async () => {
    must(await first.monitor(2000))
    one.freeze()
    try {
      const calls: Record<string, (store: MariadbStore) => Promise<StoreResult<unknown>>> = {
        monitor: (store) => store.monitor(300),
        freeze: (store) => store.freeze(300, 1000),
        probe: (store) => store.probe('writable', 300),
        demote: (store) => store.demote(300),
        promote: (store) => store.promote(300),
        confirm: (store) => store.confirm(true, 300),
        drain: (store) => store.drain(300),
        compare: (store) => store.compare(300),
        archive: (store) => store.archive('/nonexistent', 300),
        rejoin: (store) => store.rejoin({ verdict: 'same', ours: 0, sentence: '' }, 300),
        dropClients: (store) => store.dropClients(300),
        inspect: (store) => store.inspect(300),
      }
      for (const [name, call] of Object.entries(calls)) {
        // On connections that were open before, and on new ones, which the kernel still accepts.
        for (const round of ['open', 'new']) {
          const started = performance.now()
          const fault = await refused(call(first))
          expect(`${name} ${round} ${fault.code}`).toBe(`${name} ${round} HA_STORE_TIMEOUT`)
          expect(performance.now() - started).toBeLessThan(1500)
        }
      }
      expect(await refused(second.peerReached({ history: '0', offset: 99_999 }, 300))).toEqual({
        code: 'HA_STORE_TIMEOUT',
        message: `store db2: wait for the peer: tandem at 127.0.0.1:${one.port}: no answer in time (limit 300 ms)`,
      })
    } finally {
      one.thaw()
    }
    must(await first.promote(3000))
    await sleep(100)
    // Whatever was asked of it while it was frozen is not carried out late.
    expect(must(await first.monitor(3000)).role).toBe('writable')
    must(await first.probe('writable', 3000))
    must(await first.confirm(false, 1000))
  })
})

describe('a statement that nobody waits for any more', () => {
  it('is ended on the server by the next one', async () => {
    const { user, password } = ACCOUNTS
    const lane = new Lane({ host: '127.0.0.1', port: one.port }, { user, password })
    await expect(lane.ask('SELECT SLEEP(30)', new Limit(300))).rejects.toMatchObject({
      code: 'DEADLINE',
    })
    const running =
      "(SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO='SELECT SLEEP(30)')"
    expect(Number(await one.value(running))).toBe(1)
    expect((await lane.ask('SELECT 1 AS x', new Limit(3000))).rows).toEqual([{ x: '1' }])
    await sleep(200)
    expect(Number(await one.value(running))).toBe(0)
    lane.close()
  })

  it('is not begun anew in the middle of what belongs together', async () => {
    const { user, password } = ACCOUNTS
    const lane = new Lane({ host: '127.0.0.1', port: one.port }, { user, password }, 'one')
    await lane.ask('START TRANSACTION', new Limit(2000))
    await one.root([`KILL ${lane.sessionId}`])
    await sleep(100)
    const lost = { code: 'PROTOCOL_CONNECTION_LOST' }
    await expect(lane.ask('SELECT 1', new Limit(2000))).rejects.toMatchObject(lost)
    await expect(lane.ask('SELECT 1', new Limit(2000))).rejects.toMatchObject(lost)
  })
})

describe('a server that somebody holds up', () => {
  it('refuses the probe and names who holds a global lock', async () => {
    const holder = await one.root(['CREATE USER IF NOT EXISTS backup@localhost'])
    expect(holder).toEqual([])
    await one.root(['GRANT RELOAD ON *.* TO backup@localhost'])
    const { createConnection } = await import('mysql2/promise')
    const lock = await createConnection({ socketPath: one.socketPath, user: 'backup' })
    await lock.query('FLUSH TABLES WITH READ LOCK')
    const fault = await refused(first.probe('writable', 1000))
    expect(fault.code).toBe('HA_STORE_REFUSED')
    expect(fault.message).toMatch(
      /^store db1: probe: nothing can be written: it is held up by session \d+, backup@localhost, for \d s: it is idle and holds a lock$/,
    )
    // It does not keep a freeze or a demotion from being done.
    must(await first.freeze(1000, 1000))
    lock.destroy()
    must(await first.unfreeze(1000))
  })

  it('refuses to freeze under LOCK TABLES and names who has it', async () => {
    const session = await one.application()
    await session.query('LOCK TABLES app.t WRITE')
    expect((await refused(first.freeze(700, 1000))).message).toMatch(
      /freeze: writes could not be stopped: it is held up by session \d+, app@127\.0\.0\.1:\d+, for \d s: it is idle and holds a lock$/,
    )
    session.destroy()
    must(await first.unfreeze(1000))
    must(await first.probe('writable', 1000))
  })
})

describe('a server that is asked with the wrong words', () => {
  it('says each mistake in one sentence with its mend', async () => {
    const closed = await freePort()
    const nobody = { host: '127.0.0.1', port: closed }
    const faults = {
      password: await withStore({ password: 'nonsense-4711' }, (store) =>
        refused(store.monitor(1000)),
      ),
      port: await withStore({ server: nobody }, (store) => refused(store.monitor(1000))),
      socket: await withStore(
        { server: { host: '', port: 0, socketPath: '/nonexistent.sock' } },
        (store) => refused(store.monitor(1000)),
      ),
      peer: await withStore({ peer: nobody }, (store) =>
        refused(store.peerReached({ history: '0', offset: 1 }, 1000)),
      ),
      privilege: await withStore({ user: APP.user, password: APP.password }, (store) =>
        refused(store.monitor(1000)),
      ),
      itself: await withStore({ peer: { host: '127.0.0.1', port: one.port } }, (store) =>
        refused(store.compare(1000)),
      ),
    }
    const at = `127.0.0.1:${one.port}`
    expect(faults).toEqual({
      password: {
        code: 'HA_STORE_FORBIDDEN',
        message: `store db1: look: tandem at ${at}: wrong password, or no such account for this address; compare with the configuration`,
      },
      port: {
        code: 'HA_STORE_UNREACHABLE',
        message: `store db1: look: tandem at 127.0.0.1:${closed}: nobody listens there`,
      },
      socket: {
        code: 'HA_STORE_UNREACHABLE',
        message: 'store db1: look: tandem at /nonexistent.sock: the socket is not there',
      },
      peer: {
        code: 'HA_STORE_UNREACHABLE',
        message: `store db1: wait for the peer: tandem at 127.0.0.1:${closed}: nobody listens there`,
      },
      privilege: {
        code: 'HA_STORE_FORBIDDEN',
        message: `store db1: look: app at ${at}: a privilege is missing; GRANT as \`mariadb-setup\` prints it (SUPER, SLAVE MONITOR)`,
      },
      itself: {
        code: 'HA_STORE_REFUSED',
        message: `store db1: compare: our server and ${at} have the same server_id 1; give them different ones (or is it the same server?)`,
      },
    })
  })

  it('does not begin to follow with a wrong replication account, and stays alone', async () => {
    must(await second.demote(3000))
    const comparison = must(await second.compare(1000))
    const wrong = storeOf(two, one, { replicationPassword: 'nonsense-4711' })
    expect(await refused(wrong.rejoin(comparison, 4000))).toEqual({
      code: 'HA_STORE_FORBIDDEN',
      message: `store db2: rejoin: 127.0.0.1:${one.port} refuses the replication account (error 1045); compare its password and GRANT REPLICATION SLAVE to it for this host`,
    })
    wrong.close()
    must(await second.demote(4000))
    expect(must(await second.monitor(1000))).toMatchObject({ role: 'read-only', following: false })
    must(await second.rejoin(comparison, 8000))
    await untilFollowing(second)
  })

  it('names a setting, a privilege and an account that should be otherwise', async () => {
    await one.root([
      'SET GLOBAL gtid_strict_mode=0',
      "REVOKE CONNECTION ADMIN ON *.* FROM 'tandem'@'127.0.0.1'",
    ])
    const fresh = { replicationPassword: 'nonsense-4711', undo: null }
    const findings = await withStore(fresh, async (store) => must(await store.inspect(5000)))
    expect(
      findings.map(({ severity, setting, found }) => `${severity} ${setting} ${found}`),
    ).toEqual([
      'error gtid_strict_mode OFF',
      'error CONNECTION ADMIN null',
      'warning undo account null',
      "error replication account at the peer's server null",
    ])
    said.push(
      ...findings.map((finding) => ({
        code: 'HA_STORE_REFUSED' as const,
        message: JSON.stringify(finding),
      })),
    )
    await one.root([
      'SET GLOBAL gtid_strict_mode=1',
      "GRANT CONNECTION ADMIN ON *.* TO 'tandem'@'127.0.0.1'",
    ])
    expect(must(await first.inspect(5000))).toEqual([])
  })
})

describe('a server with dangers in it', () => {
  it('tells each of them with its mend', async () => {
    // Or a second try would stumble over what the first one left.
    await one.root([
      "CREATE OR REPLACE USER 'boss'@'%'",
      "GRANT ALL ON *.* TO 'boss'@'%'",
      'CREATE OR REPLACE TABLE app.keyless (a INT)',
      'CREATE OR REPLACE TABLE app.loose (a INT PRIMARY KEY) ENGINE=MyISAM',
      "CREATE OR REPLACE DEFINER='boss'@'%' EVENT app.nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM app.t",
      "CREATE OR REPLACE DEFINER='app'@'%' EVENT app.daily ON SCHEDULE EVERY 1 DAY DO DELETE FROM app.t",
    ])
    const slow = await one.application()
    const ended = slow.query("SELECT SLEEP(20), 'secret-4711'").catch(() => null)
    await sleep(1600)
    const { hazards } = await withStore({}, async (store) => must(await store.monitor(3000)))
    await one.root([`KILL ${slow.threadId}`])
    await ended
    expect(hazards).toEqual([
      expect.stringMatching(
        /^A long statement holds up a switchover: session \d+, app@127\.0\.0\.1:\d+, for \d s: SELECT SLEEP\(\?\), \?; wait for it or KILL \d+\.$/,
      ),
      'Tables without transactions may differ after a crash: app.loose (MyISAM); ALTER TABLE ... ENGINE=InnoDB.',
      'Tables without a primary key make the standby search all rows for each change: app.keyless; ALTER TABLE ... ADD PRIMARY KEY.',
      'Accounts that may write on a read-only server: boss@%; REVOKE READ_ONLY ADMIN ON *.* FROM each (GRANT ALL contains it).',
      'Events run with an account that may write on a read-only server, so they go on after a demotion: app.nightly (boss@%); ALTER DEFINER=... EVENT to an account without READ_ONLY ADMIN.',
      'Events are enabled on one node only and stay there after a switchover: app.daily (app@%), app.nightly (boss@%); run such jobs from outside the server, or ALTER EVENT ... ENABLE on the new active.',
    ])
  })

  it('tells that a standby stopped because of what came from the peer, without the rows', async () => {
    await untilFollowing(second)
    await two.root(['SET SESSION sql_log_bin=0', "INSERT INTO app.t VALUES (4711, 'here')"])
    await one.root(["INSERT INTO app.t VALUES (4711, 'secret-4711')"])
    await sleep(500)
    const report = must(await second.monitor(2000))
    expect(report.following).toBe(false)
    expect(report.hazards[0]).toMatch(
      /^What 127\.0\.0\.1:\d+ sent could not be applied, error 1062 /,
    )
    expect(report.hazards[0]).not.toContain('4711')
    expect((await refused(second.drain(1000))).message).toContain('error 1062')
    await two.root(['SET SESSION sql_log_bin=0', 'DELETE FROM app.t WHERE id=4711'])
    must(await second.demote(3000))
    must(await second.rejoin(must(await second.compare(1000)), 8000))
    await untilFollowing(second)
  })
})

describe('a server that cannot be helped', () => {
  it('hangs in a commit on a full disk, is told by the probe, and ends by our hand', async () => {
    const place = mkdtempSync(join(tmpdir(), 'tandem-full-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', place])
    const full = await MariadbServer.make({ node: 1, more: [`log_bin = ${join(place, 'binlog')}`] })
    const store = storeOf(full, two)
    try {
      must(await store.promote(1000))
      must(await store.monitor(2000))
      writeFileSync(join(place, 'filler'), Buffer.alloc(16_000))
      execFileSync('sh', ['-c', `cat /dev/zero > ${join(place, 'filler')} 2>/dev/null || true`])
      let last: StoreResult<void> = await store.probe('writable', 500)
      for (let tries = 0; tries < 200 && last.ok; tries += 1)
        last = await store.probe('writable', 500)
      expect(faultIn(last).code).toBe('HA_STORE_TIMEOUT')
      expect((await refused(store.demote(1500))).code).not.toBe('HA_STORE_UNREACHABLE')
      must(await store.kill())
      expect(await refused(store.monitor(1000))).toEqual({
        code: 'HA_STORE_UNREACHABLE',
        message: `store db1: look: tandem at 127.0.0.1:${full.port}: nobody listens there`,
      })
      must(await store.kill())
    } finally {
      store.close()
      await full.remove()
      execFileSync('umount', [place])
      rmSync(place, { recursive: true, force: true })
    }
  })

  it('is never killed by mistake: only the process that answered', async () => {
    const stranger = spawn('sleep', ['60'])
    const pidFile = join(one.directory, 'other.pid')
    writeFileSync(pidFile, `${stranger.pid}\n`)
    const fault = await withStore({ pidFile }, async (store) => {
      must(await store.monitor(2000))
      return await refused(store.kill())
    })
    expect(fault).toEqual({
      code: 'HA_STORE_REFUSED',
      message:
        'store db1: kill: its process is not known (it never answered here, or its pid file cannot be read), so nothing was killed',
    })
    expect(stranger.exitCode).toBe(null)
    stranger.kill()
    must(await first.monitor(2000))
    one.freeze()
    must(await first.kill())
    await one.end('SIGKILL')
    expect((await refused(first.monitor(1000))).code).toBe('HA_STORE_UNREACHABLE')
  })
})

describe('whatever was said', () => {
  it('holds no password and no value of a row', () => {
    const secrets = [
      ACCOUNTS.password,
      ACCOUNTS.replicationPassword,
      ACCOUNTS.undo?.password,
      APP.password,
    ]
    const texts = said.map(({ message }) => message)
    expect(texts.length).toBeGreaterThan(30)
    for (const secret of [...secrets, '4711']) {
      expect(texts.filter((text) => text.includes(secret ?? ''))).toEqual([])
    }
  })
})
