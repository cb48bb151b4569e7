/**
 * Goal: the promises of the store hold on real servers: nothing that was confirmed is lost in a
 * planned move, nothing is merged, what would be discarded is set aside first, and a sick server is an
 * answer in time. Method: two MariaDB servers on loopback, set up as the set-up prints it, under writes.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MariadbStore } from '../../src/resources/mariadb.ts'
import {
  ACCOUNTS,
  contentOf,
  faultIn,
  type MariadbServer,
  makePair,
  must,
  type Pair,
  sleep,
  untilFollowing,
} from '../helpers/mariadb-server.ts'
import { Writer } from '../helpers/mariadb-writer.ts'

let pair: Pair
let one: MariadbServer
let two: MariadbServer
let first: MariadbStore
let second: MariadbStore

/** A planned move, as the manager does it. @returns the fault that stopped it, when one did */
async function move(from: MariadbStore, to: MariadbStore, done?: () => void) {
  const frozen = await from.freeze(2000, 3000)
  if (!frozen.ok) {
    must(await from.unfreeze(1000))
    return frozen.fault
  }
  const reached = await from.peerReached(frozen.value, 3000)
  if (!reached.ok) {
    must(await from.unfreeze(1000))
    return reached.fault
  }
  must(await from.demote(3000))
  must(await to.promote(1000))
  done?.()
  must(await from.dropClients(2000))
  const comparison = must(await from.compare(2000))
  expect(comparison.verdict).toBe('same')
  expect(must(await from.rejoin(comparison, 8000))).toBe('resumed')
  must(await to.confirm(false, 1000))
  return null
}

beforeAll(async () => {
  pair = await makePair()
  ;({ one, two, first, second } = pair)
})

afterAll(() => pair?.remove())

describe('two servers set up as printed', () => {
  it('need nothing more and show nothing that should be otherwise', async () => {
    expect(must(await first.inspect(8000))).toEqual([])
    expect(must(await second.inspect(8000))).toEqual([])
  })

  it('tell the settings that both should have alike, whatever their role, and no other', async () => {
    const [ours, theirs] = [must(await first.settings(2000)), must(await second.settings(2000))]
    expect([ours.get('binlog_format'), ours.get('sync_binlog')]).toEqual(['ROW', '1'])
    expect(Number(ours.get('max_connections'))).toBeGreaterThan(0)
    expect(ours).toEqual(theirs)
    expect([ours.has('read_only'), ours.has('server_id')]).toEqual([false, false])
  })

  it('let our account see no row of an application and write through no view', async () => {
    const { createConnection } = await import('mysql2/promise')
    const { user, password } = ACCOUNTS
    const session = await createConnection({ host: '127.0.0.1', port: one.port, user, password })
    const errno = (sql: string) =>
      session.query(sql).then(
        () => 0,
        (error: { errno: number }) => error.errno,
      )
    expect([
      await errno('SELECT * FROM app.t'),
      await errno('SELECT * FROM mysql.global_priv'),
      await errno("UPDATE tandem.event_look SET definer='root@localhost'"),
      await errno('DELETE FROM tandem.probe'),
      await errno('SET SESSION sql_log_bin=0'),
      await errno('SHUTDOWN'),
      await errno('SELECT * FROM tandem.table_look'),
    ]).toEqual([1142, 1142, 1142, 1142, 1227, 1227, 0])
    session.destroy()
  })

  it('report their roles, and a write of the active waits for the standby', async () => {
    await one.root(["INSERT INTO app.t VALUES (1, 'a')"])
    await untilFollowing(second)
    const { position } = must(await first.monitor(2000))
    const version = expect.stringMatching(/^1\d\.\d+\.\d+-MariaDB/)
    expect(must(await first.monitor(2000))).toEqual({
      role: 'writable',
      position,
      following: false,
      applies: true,
      backlog: null,
      logBytes: null,
      confirmsTogether: true,
      hazards: [],
      version,
    })
    expect(must(await second.monitor(2000))).toEqual({
      role: 'read-only',
      position,
      following: true,
      applies: true,
      backlog: 0,
      logBytes: null,
      confirmsTogether: false,
      hazards: [],
      version,
    })
  })

  it('are probed by a write on the active alone, which reaches the standby', async () => {
    must(await first.probe('writable', 1000))
    must(await second.probe('read-only', 1000))
    await untilFollowing(second)
    const before = must(await second.monitor(1000)).position
    expect(faultIn(await second.probe('writable', 1000))).toEqual({
      code: 'HA_STORE_REFUSED',
      message: 'store db2: probe: the server is read-only; promote it',
    })
    expect(must(await second.monitor(1000)).position).toEqual(before)
    expect(await two.count('tandem.probe')).toBe(1)
  })

  it('do not open a standby when a freeze is taken back that never was', async () => {
    must(await second.unfreeze(1000))
    expect(must(await second.monitor(1000)).role).toBe('read-only')
  })

  it('let only the active wait for the peer', async () => {
    // On a standby it takes force with the promotion.
    must(await second.confirm(false, 1000))
    expect(await two.value('@@global.rpl_semi_sync_master_enabled')).toBe(0)
    must(await second.confirm(true, 1000))
    must(await first.confirm(true, 1000))
    expect(must(await first.monitor(1000)).confirmsTogether).toBe(false)
    must(await first.confirm(false, 1000))
    // Proven by two looks in a row.
    must(await first.monitor(1000))
    expect(must(await first.monitor(1000)).confirmsTogether).toBe(true)
  })
})

describe('a planned move', () => {
  it('loses nothing that was confirmed, twenty times under 500 writes a second', {
    retry: 0,
    timeout: 80_000,
  }, async () => {
    const writer = new Writer(one, 500).start()
    let [from, to, target] = [first, second, two]
    const stops: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const extra: Promise<unknown>[] = []
      const active = writer.target
      if (round % 5 === 1) {
        // Open and idle with a row in it: refused at its end.
        const open = await active.application()
        await open.query('START TRANSACTION')
        await open.query(`INSERT INTO app.t VALUES (${500 + round}, 'open')`)
      }
      if (round % 5 === 2) {
        const bulk = await active.application()
        extra.push(
          bulk
            .query(
              `INSERT INTO app.t SELECT ${2_000_000 + round * 100_000} + seq, 'bulk' FROM app.seq_1_to_50000`,
            )
            .catch(() => null),
        )
        await sleep(20)
      }
      if (round === 8) {
        const slow = await active.application()
        extra.push(
          slow.query("INSERT INTO app.t SELECT 700 + SLEEP(3), 'secret'").catch(() => null),
        )
        await sleep(100)
      }
      for (;;) {
        const stopped = await move(from, to, () => {
          writer.target = target
        })
        if (stopped === null) break
        stops.push(`${stopped.code} ${stopped.message}`)
      }
      await Promise.all(extra)
      await untilFollowing(from)
      ;[from, to, target] = [to, from, target === two ? one : two]
      await sleep(60)
    }
    await writer.stop()
    await untilFollowing(second)
    // A busy machine may be too late for a good answer, but not every time.
    expect(stops).toContainEqual(
      expect.stringMatching(
        /^HA_STORE_REFUSED store db\d: freeze: writes could not be stopped: it is held up by session \d+, app@127\.0\.0\.1:\d+, for \d s: INSERT INTO app\.t SELECT \? \+ SLEEP\(\?\), \?$/,
      ),
    )
    expect(await writer.lostOn(one)).toEqual([])
    expect(await writer.lostOn(two)).toEqual([])
    expect(await contentOf(one)).toBe(await contentOf(two))
    expect(writer.acked.length).toBeGreaterThan(1000)
    const bulk = Number(await one.value("(SELECT COUNT(*) FROM app.t WHERE v='bulk')"))
    expect(bulk % 50_000).toBe(0)
    expect(bulk).toBeGreaterThan(0)
    for (const server of [one, two]) {
      const log = readFileSync(join(server.directory, 'error.log'), 'utf8')
      // Errors only: positions in files are numbers too.
      const errors = log.split('\n').filter((line) => line.includes('[ERROR]'))
      expect(errors.filter((line) => /\b1236\b|\b1950\b|out-of-order/.test(line))).toEqual([])
    }
    console.log(
      `confirmed ${writer.acked.length}, refused ${writer.failed}, longest stall ${Math.round(writer.stallMs)} ms`,
    )
  })

  it('goes on where the old active is, although the log before that is gone at the new one', async () => {
    // So that it has a place where it was when it followed last.
    await one.root(["INSERT INTO app.t VALUES (600, 'before')"])
    await untilFollowing(second)
    expect(await move(first, second)).toBe(null)
    await two.root(["INSERT INTO app.t VALUES (601, 'there')"])
    await untilFollowing(first)
    expect(await move(second, first)).toBe(null)
    await one.root(["INSERT INTO app.t VALUES (602, 'since')"])
    await untilFollowing(second)
    await two.root(['SET SESSION sql_log_bin=0', 'FLUSH BINARY LOGS'])
    // A file is kept while a sender that lost its receiver has not noticed yet.
    for (let logs = await two.root(['SHOW BINARY LOGS']); logs.length > 1; ) {
      await two.root([`PURGE BINARY LOGS TO '${logs.at(-1)?.['Log_name']}'`])
      await sleep(100)
      logs = await two.root(['SHOW BINARY LOGS'])
    }
    expect(await move(first, second)).toBe(null)
    await untilFollowing(first)
    expect(await move(second, first)).toBe(null)
    await untilFollowing(second)
  })

  it('holds writers instead of refusing them, and lets them go on when it is taken back', async () => {
    const reader = (await one.application()).query('SELECT SLEEP(3) FROM app.t LIMIT 1')
    const idle = await one.application()
    await idle.query('BEGIN')
    await idle.query("INSERT INTO app.t VALUES (820, 'open')")
    const { offset } = must(await first.freeze(1500, 3000))
    let answer = 'none'
    const held = (await one.application()).query("INSERT INTO app.t VALUES (821, 'held')").then(
      () => (answer = 'written'),
      (error: Error) => (answer = error.message),
    )
    await sleep(300)
    expect([answer, must(await first.monitor(1000)).position.offset]).toEqual(['none', offset])
    must(await first.unfreeze(500))
    await held
    await idle.query('COMMIT')
    await reader
    expect([answer, await one.count('app.t WHERE id IN (820, 821)')]).toEqual(['written', 2])
  })

  it('ends the writers it holds when it goes through: none of their writes is done late', async () => {
    const { offset } = must(await first.freeze(1500, 3000))
    const held = (await one.application()).query("INSERT INTO app.t VALUES (822, 'held')").then(
      () => 'written',
      () => 'ended',
    )
    await sleep(100)
    must(await first.demote(3000))
    expect(await held).toBe('ended')
    expect(must(await first.monitor(1000)).position.offset).toBe(offset)
    must(await first.promote(1000))
    must(await first.confirm(false, 1000))
    expect(await one.count('app.t WHERE id = 822')).toBe(0)
  })

  it('does not go on when somebody ended the session that holds the writes', async () => {
    const { value: position } = await first.freeze(1500, 3000).then((frozen) => {
      if (!frozen.ok) throw new Error(frozen.fault.message)
      return frozen
    })
    const [row] = await one.root([
      "SELECT GROUP_CONCAT(CONCAT('KILL ', ID) SEPARATOR ';') AS kills FROM information_schema.PROCESSLIST" +
        ` WHERE USER='${ACCOUNTS.user}' AND COMMAND='Sleep'`,
    ])
    for (const kill of String(row?.['kills']).split(';')) await one.root([kill])
    await sleep(100)
    expect(faultIn(await first.peerReached(position, 1000)).message).toContain(
      'the session with the lock was ended',
    )
    must(await first.unfreeze(500))
    const writer = await one.application()
    await writer.query("INSERT INTO app.t VALUES (823, 'goes on')")
    await untilFollowing(second)
  })

  it('cuts off whoever still writes when the gate is shut', async () => {
    const slow = await one.application()
    const ended = slow.query("INSERT INTO app.t SELECT 800 + SLEEP(8), 'x'").then(
      () => 'done',
      () => 'cut off',
    )
    await sleep(100)
    expect(faultIn(await first.freeze(600, 1000)).message).toContain('SLEEP(?)')
    must(await first.unfreeze(500))
    must(await first.demote(4000))
    expect(await ended).toBe('cut off')
    expect(must(await first.monitor(1000)).role).toBe('read-only')
    must(await first.promote(1000))
    must(await first.confirm(false, 1000))
  })

  it('counts the clients it cuts off and leaves replication and ourselves alone', async () => {
    const clients = await Promise.all([one.application(), one.application(), one.application()])
    expect(must(await first.dropClients(2000))).toBe(3)
    const [alive] = await Promise.allSettled([clients[0]?.query('SELECT 1')])
    expect(alive?.status).toBe('rejected')
    await untilFollowing(second)
  })
})
