/**
 * Goal: `tandem verify` names every row and key that is not the same on both nodes, and none that is, while
 * applications write at full pace and hardly notice. Method: real pairs of servers under a writer, with rows
 * and keys changed on the standby behind the replication's back.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Lane } from '../../src/resources/mariadb-door.ts'
import { Limit } from '../../src/resources/store-result.ts'
import { inspectMariadbVerify } from '../../src/resources/verify-mariadb-access.ts'
import { Moments } from '../../src/resources/verify-mariadb-moment.ts'
import { inspectRedisVerify } from '../../src/resources/verify-redis-access.ts'
import { LONG } from '../helpers/long.ts'
import {
  ACCOUNTS,
  type MariadbServer,
  makePair,
  type Pair,
  sleep,
  untilFollowing,
} from '../helpers/mariadb-server.ts'
import { SETUP, startRedis, type TestRedis } from '../helpers/redis-server.ts'
import { VerifyCase } from '../helpers/verify-case.ts'

const ROWS = LONG ? 1_000_000 : 200_000
const RATE = 200
/** Rows below this one are written to meanwhile; the other two are not. */
const WRITTEN_BELOW = ROWS * 0.3
const TAMPERED = Math.round(ROWS * 0.345678)
const REMOVED = Math.round(ROWS * 0.765432)
const KEYS = LONG ? 100_000 : 20_000
/** Of the newest row that any writer made. */
let next = 10_000_000

/** Writes at an even pace and notes how long each write took, ms. */
async function startWriter(server: MariadbServer): Promise<{ stop(): Promise<number[]> }> {
  const connections = await Promise.all(Array.from({ length: 8 }, () => server.application()))
  const tookMs: number[] = []
  const startMs = performance.now()
  const free = [...connections]
  let issued = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * RATE)
    for (; issued < due; issued += 1) {
      const connection = free.pop()
      if (connection === undefined) continue
      const begunMs = performance.now()
      next += 1
      const id = next
      // New rows, and rows that are compared at the same time: the last is changed all the time.
      const sql =
        id % 2 === 0
          ? `INSERT INTO app.big VALUES (${id}, 'new', NULL, 1.5, NOW())`
          : `UPDATE app.big SET v='changed ${id}' WHERE id=${id % 5 === 0 ? 1 : (id * 7919) % WRITTEN_BELOW}`
      connection
        .query(sql)
        .then(() => tookMs.push(performance.now() - begunMs))
        .finally(() => free.push(connection))
    }
  }, 3)
  return {
    async stop() {
      clearInterval(timer)
      while (free.length < connections.length) await sleep(5)
      for (const connection of connections) connection.destroy()
      return tookMs.sort((one, other) => one - other)
    },
  }
}

describe(`${ROWS} rows of MariaDB under ${RATE} writes a second`, { timeout: 300_000 }, () => {
  let pair: Pair
  let verify: VerifyCase

  beforeAll(async () => {
    pair = await makePair()
    const fill = [
      'SET SESSION sql_log_bin=0',
      `CREATE TABLE app.big (id INT PRIMARY KEY, v VARCHAR(40) NOT NULL, n INT, d DECIMAL(12,2), at DATETIME)`,
      `INSERT INTO app.big SELECT seq, CONCAT('name ', seq), IF(seq%7=0, NULL, seq), seq/7,
        '2026-01-01' + INTERVAL seq SECOND FROM app.seq_1_to_${ROWS}`,
      'CREATE TABLE app.named (tenant VARCHAR(20), at DATETIME, note TEXT, f FLOAT, PRIMARY KEY (tenant, at))',
      `INSERT INTO app.named SELECT CONCAT('t', seq%50), '2026-01-01' + INTERVAL seq MINUTE, 'ä', seq/3
        FROM app.seq_1_to_20000`,
      'CREATE TABLE app.keyless (v INT)',
      'INSERT INTO app.keyless SELECT seq%10 FROM app.seq_1_to_1000',
      'CREATE TABLE app.mine (id INT PRIMARY KEY) ENGINE=Aria',
    ]
    await Promise.all([pair.one.root(fill), pair.two.root(fill)])
    await pair.one.root(["INSERT INTO app.t VALUES (1, 'first')"])
    await untilFollowing(pair.second)
    // The node that compares is the standby, as it is when nobody asks.
    verify = new VerifyCase({
      ...{ kind: 'mariadb', port: pair.two.port, peerPort: pair.one.port },
      ...(ACCOUNTS.verify ?? { user: '', password: '' }),
    })
  })

  afterAll(async () => {
    verify?.remove()
    await pair?.remove()
  })

  it('are the same, and nothing is said to differ that was only being written', async () => {
    const writer = await startWriter(pair.one)
    const result = await verify.result('mysql')
    const tookMs = await writer.stop()
    expect(result).toMatchObject({ exitCode: 0, differences: 0, listed: [], places: 4 })
    expect(result.compared).toBeGreaterThanOrEqual(ROWS + 21_000)
    expect(result.notes).toEqual([
      'app.keyless has no primary key to go by; it was compared as a whole',
      'app.mine (Aria) has no transactions; it cannot be compared while it is written',
    ])
    const at = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? 0
    console.log(
      `${result.compared} rows in ${result.durationMs} ms; ${tookMs.length} writes, p50 ${at(0.5).toFixed(1)}, p99 ${at(0.99).toFixed(1)}, max ${tookMs.at(-1)?.toFixed(0)} ms`,
    )
    // 100 ms are asked for on a machine of its own.
    expect(at(0.99)).toBeLessThan(400)
  })

  it('are told apart to the row, and by the values of no row', async () => {
    await pair.two.root([
      'SET SESSION sql_log_bin=0',
      `UPDATE app.big SET v='tampered' WHERE id=${TAMPERED}`,
      `DELETE FROM app.big WHERE id=${REMOVED}`,
      "INSERT INTO app.named VALUES ('zz', '2026-05-05 05:05:05', 'secret', 1)",
      "UPDATE app.named SET f=f+0.001 WHERE tenant='t7' AND at='2026-01-01 00:07:00'",
      'UPDATE app.keyless SET v=11 WHERE v=3 LIMIT 1',
      'CREATE TABLE app.extra (id INT PRIMARY KEY)',
    ])
    const writer = await startWriter(pair.one)
    const { exitCode, out } = await verify.run(['mariadb', '--restart'])
    await writer.stop()
    expect(exitCode).toBe(5)
    expect(out).toContain('6 differences')
    expect(out.split('\n').filter((line) => line.startsWith('  app.'))).toEqual([
      '  app.extra: only on sp1',
      `  app.big id=${TAMPERED}: differs`,
      `  app.big id=${REMOVED}: only on sp2`,
      '  app.keyless: differs',
      '  app.named tenant=t7, at=2026-01-01 00:07:00: differs',
      '  app.named tenant=zz, at=2026-05-05 05:05:05: only on sp1',
    ])
    expect(out).not.toMatch(/secret|tampered/)
    const last = await verify.result('mariadb', '--last')
    expect(last).toMatchObject({ exitCode: 5, differences: 6 })
  })

  it('go on where a run was stopped', async () => {
    const small = [
      'SET SESSION sql_log_bin=0',
      'CREATE DATABASE small',
      'CREATE TABLE small.t (id INT PRIMARY KEY, v INT NOT NULL)',
      'INSERT INTO small.t SELECT seq, seq FROM app.seq_1_to_100000',
    ]
    await Promise.all([pair.one.root(small), pair.two.root(small)])
    await pair.two.root([
      'SET SESSION sql_log_bin=0',
      'UPDATE small.t SET v=0 WHERE id IN (5, 99000)',
    ])
    const part = new VerifyCase({
      ...{ kind: 'mariadb', port: pair.two.port, peerPort: pair.one.port },
      ...(ACCOUNTS.verify ?? { user: '', password: '' }),
      more: ', verify_schemas: [small]',
    })
    const stopped = part.run(['mariadb'])
    while (!part.seen().includes('%')) await sleep(5)
    part.stop()
    expect(await stopped).toMatchObject({
      exitCode: 6,
      err: 'tandem verify: stopped\n  mend: tandem verify mariadb goes on there; --restart begins anew\n',
    })
    const path = join(part.directory, 'verify/mariadb.place.json')
    const { at, tally } = JSON.parse(readFileSync(path, 'utf8')) as {
      at: { place: string; upTo: string[] }
      tally: { compared: number; differences: number }
    }
    expect([at, tally.differences]).toEqual([{ place: 'small.t', upTo: [`${tally.compared}`] }, 1])
    const { exitCode, out } = await part.run(['mariadb'])
    expect(exitCode).toBe(5)
    expect(out).toMatch(/^goes on with the run of /)
    expect(out).toContain('100 000 rows in 1 table: 2 differences')
    expect(out).toContain('small.t id=5: differs\n  small.t id=99000: differs\n')
    part.remove()
  })

  it('are read by an account that the check finds able, or names what it lacks', async () => {
    const account = ACCOUNTS.verify
    if (account == null) throw new Error('no account')
    const servers = {
      ours: { host: '127.0.0.1', port: pair.two.port },
      theirs: { host: '127.0.0.1', port: pair.one.port },
    }
    const lacks = async (changes: Partial<typeof account>): Promise<string[]> => {
      const findings = await inspectMariadbVerify(servers, { ...account, ...changes }, 5_000)
      return findings.map(({ setting, wanted }) => `${setting}: ${wanted}`)
    }
    expect(await lacks({})).toEqual([])
    expect(await lacks({ schemas: ['app', 'nowhere'] })).toEqual([
      'verify account at our server: SELECT ON nowhere.*',
      "verify account at the peer's server: SELECT ON nowhere.*",
    ])
    expect(await lacks({ user: 'app', password: 'app-pass' })).toEqual([
      'verify account at our server: logs in, with BINLOG MONITOR',
      "verify account at the peer's server: logs in, with BINLOG MONITOR",
    ])
  })

  it('are looked at in one and the same moment on both, each of forty times', async () => {
    const servers = {
      ours: { host: '127.0.0.1', port: pair.two.port },
      theirs: { host: '127.0.0.1', port: pair.one.port },
      login: ACCOUNTS.verify ?? { user: '', password: '' },
    }
    const newest = `SELECT COUNT(*) AS amount, MAX(id) AS last, (SELECT v FROM app.big WHERE id=1) AS v
      FROM app.big WHERE id > ${ROWS}`
    const writer = await startWriter(pair.one)
    const moments = new Moments(servers)
    const apart: unknown[] = []
    for (let times = 0; times < 40; times += 1) {
      const { ours, theirs, gtid } = await moments.take()
      const [own] = (await ours.ask(newest, new Limit(5_000))).rows
      const [other] = (await theirs.ask(newest, new Limit(5_000))).rows
      if (JSON.stringify(own) !== JSON.stringify(other)) apart.push({ gtid, own, other })
    }
    moments.close()
    await writer.stop()
    expect(apart).toEqual([])
  })

  it('are looked at with the lock where the account has RELOAD, which nobody leaves behind', async () => {
    await pair.one.root([
      'SET SESSION sql_log_bin=0',
      "GRANT RELOAD ON *.* TO 'tandem_verify'@'127.0.0.1'",
    ])
    const servers = {
      ours: { host: '127.0.0.1', port: pair.two.port },
      theirs: { host: '127.0.0.1', port: pair.one.port },
      login: ACCOUNTS.verify ?? { user: '', password: '' },
    }
    const writer = await startWriter(pair.one)
    const moments = new Moments(servers, { quietMs: 0 })
    const taken = []
    for (let tries = 0; tries < 10; tries += 1) taken.push((await moments.take()).gtid)
    moments.close()
    const tookMs = await writer.stop()
    expect(new Set(taken).size).toBeGreaterThan(1)
    expect(tookMs.at(-1)).toBeLessThan(2_000)
    // A holder that falls silent is ended by the server.
    const holder = new Lane(servers.theirs, servers.login, 'one')
    await holder.ask('SET SESSION wait_timeout=1', new Limit(1_000))
    await holder.ask('FLUSH TABLES WITH READ LOCK', new Limit(1_000))
    const begunMs = performance.now()
    await pair.one.root(["INSERT INTO app.t VALUES (99, 'after the lock')"])
    expect(performance.now() - begunMs).toBeLessThan(3_000)
    holder.close()
  })

  it('are not compared when nothing follows, and the reason is one line', async () => {
    await pair.two.root(['STOP ALL SLAVES'])
    await pair.one.root(["INSERT INTO app.t VALUES (100, 'alone')"])
    const { exitCode, err } = await verify.run(['mariadb', '--restart'])
    expect([exitCode, err.split('\n')[0]]).toEqual([
      3,
      'tandem verify: mariadb: the standby does not get what the active writes',
    ])
  })
})

describe(`${KEYS} keys of Redis under writes`, { timeout: 400_000 }, () => {
  let active: TestRedis
  let standby: TestRedis
  let verify: VerifyCase

  beforeAll(async () => {
    ;[active, standby] = await Promise.all([startRedis(), startRedis()])
    await active.admin('REPLICAOF', 'NO', 'ONE')
    const fill = `for i = 1, ${KEYS} do redis.call('HSET', 'h:' .. i, 'a', i, 'b', 'x' .. i) end
      for i = 1, 5000 do redis.call('SADD', 'big-set', 'm' .. i) redis.call('HSET', 'big-hash', 'f' .. i, i)
        redis.call('ZADD', 'big-zset', i, 'm' .. i) redis.call('RPUSH', 'big-list', i) end
      redis.call('XADD', 'stream', '1-1', 'a', '1') redis.call('SET', 'long', string.rep('x', 3000000))`
    await active.admin('EVAL', fill, '0')
    await active.admin('SET', 'tandem:probe', '1')
    await standby.admin('REPLICAOF', '127.0.0.1', String(active.port))
    while (
      (await standby.info('slave_repl_offset')) !== (await active.info('master_repl_offset')) ||
      (await standby.admin('DBSIZE')) !== (await active.admin('DBSIZE'))
    ) {
      await sleep(50)
    }
    verify = new VerifyCase({
      ...{ kind: 'redis', port: active.port, peerPort: standby.port },
      ...(SETUP.verify ?? { user: '', password: '' }),
    })
  })

  afterAll(async () => {
    verify?.remove()
    await active?.remove()
    await standby?.remove()
  })

  /** Changes, new keys, keys that end, and one that is counted up all the time. */
  function startClient(): { stop(): Promise<void> } {
    const client = active.client()
    let number = 0
    const timer = setInterval(() => {
      for (let count = 0; count < 2; count += 1) {
        number += 1
        // None of those that are changed on the standby.
        const other = KEYS * 0.6 + ((number * 7919) % (KEYS * 0.3))
        client.hset(`h:${other}`, 'c', number).catch(() => undefined)
        client.set(`short:${number}`, number, 'PX', 30 + (number % 300)).catch(() => undefined)
        client.incr('counter').catch(() => undefined)
        client.sadd('hot-set', `n${number}`).catch(() => undefined)
      }
    }, 10)
    return {
      async stop() {
        clearInterval(timer)
        await client.quit().catch(() => undefined)
      },
    }
  }

  it('are the same, also those that are kept in another order', async () => {
    const client = startClient()
    const result = await verify.result('redis')
    await client.stop()
    console.log(`${result.compared} keys in ${result.durationMs} ms, ${result.unsettled} unsettled`)
    expect(result).toMatchObject({ exitCode: 0, differences: 0, listed: [], places: 1 })
    expect(result.compared).toBeGreaterThanOrEqual(KEYS + 6)
    expect(result.unsettled).toBeLessThan(20)
  })

  it('are told apart to the key when some were changed, made or removed on the standby', async () => {
    await standby.admin('CONFIG', 'SET', 'replica-read-only', 'no')
    for (let index = 1; index <= 10; index += 1) {
      await standby.admin('HSET', `h:${index * 11}`, 'b', 'secret')
      await standby.admin('DEL', `h:${KEYS / 2 + index}`)
      await standby.admin('SET', `extra:${index}`, 'secret')
    }
    await standby.admin('SREM', 'big-set', 'm77')
    await standby.admin('EXPIRE', `h:${KEYS - 1}`, '100000')
    await standby.admin('SELECT', '3')
    await standby.admin('SET', 'elsewhere', '1')
    const client = startClient()
    const result = await verify.result('redis')
    await client.stop()
    const named = (onlyOn: string | null): string[] =>
      result.listed
        .filter((difference) => difference.onlyOn === onlyOn)
        .map(({ place, key }) => `${place} ${key}`)
        .sort()
    const ten = (name: (index: number) => string): string[] =>
      Array.from({ length: 10 }, (_, index) => `db0 ${name(index + 1)}`).sort()
    expect(named(null)).toEqual(
      [...ten((index) => `h:${index * 11}`), 'db0 big-set', `db0 h:${KEYS - 1}`].sort(),
    )
    expect(named('sp1')).toEqual(ten((index) => `h:${KEYS / 2 + index}`))
    expect(named('sp2')).toEqual([...ten((index) => `extra:${index}`), 'db3 elsewhere'].sort())
    expect([result.exitCode, result.differences]).toEqual([5, 33])
    expect(JSON.stringify(result)).not.toContain('secret')
  })

  it('go on where a run was stopped', async () => {
    const stopped = verify.run(['redis'])
    while (!verify.seen().includes('%')) await sleep(5)
    verify.stop()
    expect((await stopped).exitCode).toBe(6)
    const result = await verify.result('redis')
    expect([result.exitCode, result.differences]).toEqual([5, 33])
  })

  it('are read by an account that the check finds able, or names what it lacks', async () => {
    const servers = { ours: active.place, theirs: standby.place }
    const lacks = async (username: string, password: string): Promise<string[]> => {
      const findings = await inspectRedisVerify(servers, { username, password }, 5_000)
      return findings.map(({ setting, wanted }) => `${setting}: ${wanted}`)
    }
    const { user, password } = SETUP.verify ?? { user: '', password: '' }
    expect(await lacks(user, password)).toEqual([])
    expect(await lacks(SETUP.username, SETUP.password)).toEqual([
      expect.stringMatching(/^verify account at our server: \+time \+select \+scan .*\+xrange$/),
      expect.stringMatching(/^verify account at the peer's server: \+time \+select .*\+xrange$/),
    ])
    expect(await lacks(user, 'wrong')).toEqual([
      'verify account at our server: logs in',
      "verify account at the peer's server: logs in",
    ])
  })

  it('are not compared with an account that may not, which is told in one line', async () => {
    const other = new VerifyCase({
      ...{ kind: 'redis', port: active.port, peerPort: standby.port },
      ...{ user: 'tandem_verify', password: 'wrong' },
    })
    const { exitCode, err } = await other.run(['redis'])
    other.remove()
    expect(exitCode).toBe(3)
    expect(err.split('\n')[0]).toMatch(
      /^tandem verify: redis: redis at 127\.0\.0\.1:\d+: .*login refused/,
    )
  })
})
