/**
 * Goal: after a failover nothing that was confirmed is missing, and a server that comes back with what
 * the other never saw gives that up only when it is set aside, wholly, once, and never half. Method:
 * real servers that are killed and parted; the archive is read, played again and compared.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MariadbStore } from '../../src/resources/mariadb.ts'
import type { StoreComparison } from '../../src/resources/replicated-store.ts'
import {
  ACCOUNTS,
  contentOf,
  faultIn,
  type MariadbServer,
  makePair,
  must,
  type Pair,
  sleep,
  storeOf,
  untilFollowing,
} from '../helpers/mariadb-server.ts'
import { Writer } from '../helpers/mariadb-writer.ts'

const SAME: StoreComparison = { verdict: 'same', ours: 0, sentence: '' }
const archives = mkdtempSync(join(tmpdir(), 'tandem-archive-'))

let pair: Pair
let one: MariadbServer
let two: MariadbServer
let first: MariadbStore
let second: MariadbStore

beforeEach(async () => {
  pair = await makePair({ semiSyncTimeoutMs: 10_000 })
  ;({ one, two, first, second } = pair)
})

afterEach(() => pair?.remove())
afterAll(() => rmSync(archives, { recursive: true, force: true }))

/** Rows both have; then the first writes alone what `statements` say, and the second goes on without. */
async function diverge(statements: readonly string[]): Promise<void> {
  await one.root(["INSERT INTO app.t VALUES (1, 'a'), (2, 'b'), (3, 'c')"])
  await untilFollowing(second)
  must(await first.confirm(true, 1000))
  must(await second.demote(3000))
  await one.root(statements)
  must(await second.promote(1000))
  await two.root(["INSERT INTO app.t VALUES (100, 'new')", "UPDATE app.t SET v='c-new' WHERE id=3"])
  must(await first.demote(3000))
}

const FIVE = [
  "UPDATE app.t SET v='it''s \\'quoted\\'\\n### UPDATE `x`.`y`' WHERE id=1",
  "INSERT INTO app.t VALUES (10, 'ten')",
  "INSERT INTO app.t VALUES (11, 'eleven')",
  'DELETE FROM app.t WHERE id=2',
  "INSERT INTO app.t VALUES (20, 'r'), (21, 'r'), (22, 'r'), (23, 'r'), (24, 'r')",
]

describe('a failover', () => {
  it('loses nothing that was confirmed together, and the dead one comes back', {
    retry: 0,
    timeout: 90_000,
  }, async () => {
    const writer = new Writer(one, 500).start()
    const ways: string[] = []
    for (let round = 0; round < 4; round += 1) {
      const [dead, heir, deadStore, heirStore] =
        round % 2 === 0 ? [one, two, first, second] : [two, one, second, first]
      await sleep(500)
      // Proven by two looks in a row.
      must(await deadStore.monitor(2000))
      expect(must(await deadStore.monitor(2000)).confirmsTogether).toBe(true)
      await dead.end('SIGKILL')
      const started = performance.now()
      must(await heirStore.drain(5000))
      must(await heirStore.promote(1000))
      const tookMs = performance.now() - started
      writer.target = heir
      await sleep(200)
      await dead.start()
      expect(must(await deadStore.monitor(3000))).toMatchObject({
        role: 'read-only',
        following: false,
      })
      const comparison = must(await deadStore.compare(3000))
      if (comparison.verdict !== 'same') must(await deadStore.archive(archives, 20_000))
      const way = must(await deadStore.rejoin(comparison, 10_000))
      ways.push(`${comparison.ours} ${way} (promoted after ${Math.round(tookMs)} ms)`)
      await untilFollowing(deadStore)
      must(await heirStore.confirm(false, 1000))
    }
    await writer.stop()
    await untilFollowing(second)
    console.log(`confirmed ${writer.acked.length}; ours alone at each return: ${ways.join(', ')}`)
    expect(writer.acked.length).toBeGreaterThan(300)
    expect(await writer.lostOn(one)).toEqual([])
    expect(await writer.lostOn(two)).toEqual([])
    expect(await contentOf(one)).toBe(await contentOf(two))
  })

  it('applies what was received although somebody had stopped the applier', async () => {
    await one.root(["INSERT INTO app.t VALUES (1, 'a')"])
    await untilFollowing(second)
    await two.root(['STOP SLAVE SQL_THREAD'])
    await one.root(["INSERT INTO app.t VALUES (2, 'b')"])
    await one.end('SIGKILL')
    must(await second.drain(5000))
    must(await second.promote(1000))
    expect(await two.count()).toBe(2)
  })
})

describe('a server that returns with transactions of its own', () => {
  it('sets them aside, undoes them and follows', async () => {
    await diverge(FIVE)
    const comparison = must(await first.compare(2000))
    expect(comparison).toEqual({
      verdict: 'ahead',
      ours: 5,
      sentence: expect.stringMatching(
        /^5 transactions here that the peer never saw: 0-1-\d+\.\.\d+\.$/,
      ),
    })
    expect(faultIn(await first.rejoin(comparison, 8000)).message).toBe(
      'store db1: rejoin: what only we hold is not set aside yet; archive it first',
    )
    expect(faultIn(await first.rejoin(SAME, 8000)).message).toContain('compare again')
    const archive = must(await first.archive(archives, 20_000))
    // Twice in one second is two archives.
    const again = must(await first.archive(archives, 20_000))
    expect(again.paths.filter((path) => archive.paths.includes(path))).toEqual([])
    expect(archive.count).toBe(5)
    expect(archive.sentence).toMatch(
      /^5 transactions with 9 row changes \(0-1-\d+\.\.\d+\) set aside in /,
    )
    for (const path of archive.paths) expect(statSync(path).mode & 0o777).toBe(0o600)
    const named = (name: string) => archive.paths.find((path) => path.endsWith(name)) ?? ''
    expect(readFileSync(named('README.txt'), 'utf8')).toContain('5 transactions, 9 row changes')
    expect(readFileSync(named('transactions.txt'), 'utf8')).toContain("@2='eleven'")
    expect(await one.count()).toBe(9)

    expect(must(await first.rejoin(comparison, 10_000))).toBe('undone')
    await untilFollowing(first)
    expect(await contentOf(one)).toBe(await contentOf(two))
    expect(await two.value('(SELECT GROUP_CONCAT(id, v ORDER BY id) FROM app.t)')).toBe(
      '1a,2b,3c-new,100new',
    )
    expect(must(await first.compare(2000)).verdict).toBe('same')

    // What was set aside can be played again on the active, and reaches the other too.
    execFileSync(
      'mariadb',
      ['--no-defaults', '--binary-mode', '-uroot', `--socket=${two.socketPath}`],
      { input: readFileSync(named('transactions.sql')) },
    )
    await untilFollowing(first)
    expect(await two.count()).toBe(10)
    expect(await contentOf(one)).toBe(await contentOf(two))
  })

  it('is told that it has to be copied when the schema was changed', async () => {
    await diverge(["INSERT INTO app.t VALUES (10, 'x')", 'ALTER TABLE app.t ADD COLUMN w INT'])
    const comparison = must(await first.compare(2000))
    const archive = must(await first.archive(archives, 20_000))
    expect(archive.paths.some((path) => path.endsWith('undo.sql'))).toBe(false)
    expect(faultIn(await first.rejoin(comparison, 8000))).toEqual({
      code: 'HA_STORE_REFUSED',
      message: expect.stringMatching(
        /^store db1: rejoin: 0-1-\d+ cannot be undone: it changes the schema or accounts; copy this server anew/,
      ),
    })
    expect(must(await first.monitor(1000))).toMatchObject({
      role: 'read-only',
      following: false,
    })
    expect(await one.count()).toBe(4)
  })

  it('is told so when rows hang on those that were changed, or are without transactions', async () => {
    await one.root([
      'CREATE TABLE app.child (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES app.t (id) ON DELETE CASCADE)',
      'CREATE TABLE app.loose (id INT PRIMARY KEY) ENGINE=MyISAM',
    ])
    await diverge(['INSERT INTO app.child VALUES (1, 2)', 'DELETE FROM app.t WHERE id=2'])
    const comparison = must(await first.compare(2000))
    must(await first.archive(archives, 20_000))
    expect(faultIn(await first.rejoin(comparison, 8000)).message).toContain(
      'rows of other tables are changed together with those of app.t',
    )
    await one.root([
      'SET GLOBAL read_only=0',
      'INSERT INTO app.loose VALUES (1)',
      'SET GLOBAL read_only=1',
    ])
    must(await first.archive(archives, 20_000))
    expect(faultIn(await first.rejoin(comparison, 8000)).message).toContain(
      'it writes to a table without transactions',
    )
  })

  it('undoes all or nothing', async () => {
    await diverge(FIVE)
    const comparison = must(await first.compare(2000))
    must(await first.archive(archives, 20_000))
    // A row of the range is not as the log says: found only after others were undone.
    await one.root(['SET SESSION sql_log_bin=0', 'DELETE FROM app.t WHERE id=10'])
    const before = await contentOf(one)
    expect(faultIn(await first.rejoin(comparison, 8000)).code).toBe('HA_STORE_REFUSED')
    expect(await contentOf(one)).toBe(before)
    expect(must(await first.compare(2000))).toEqual(comparison)
    expect(must(await first.monitor(1000)).following).toBe(false)
  })

  it.each([
    { name: 'before the numbers are forgotten', after: [] },
    { name: 'after the log was reset', after: ['RESET MASTER'] },
    {
      name: 'before the note is finished',
      after: [
        'RESET MASTER',
        'SET GLOBAL gtid_binlog_state=@common',
        'SET GLOBAL gtid_slave_pos=@common',
      ],
    },
  ])('goes on where it was interrupted, $name, and undoes nothing twice', async ({ after }) => {
    await diverge(FIVE)
    const comparison = must(await first.compare(2000))
    const archive = must(await first.archive(archives, 20_000))
    const account = `'${ACCOUNTS.undo?.user}'@'127.0.0.1'`
    await one.root(['SET SESSION sql_log_bin=0', `REVOKE RELOAD ON *.* FROM ${account}`])
    const state = await one.value('@@global.gtid_binlog_state')
    expect(faultIn(await first.rejoin(comparison, 8000))).toEqual({
      code: 'HA_STORE_FORBIDDEN',
      message: expect.stringContaining('a privilege is missing'),
    })
    expect(await one.value('@@global.gtid_binlog_state')).toBe(state)
    await one.root([
      'SET SESSION sql_log_bin=0',
      'SELECT common INTO @common FROM tandem.undone',
      ...after,
      `GRANT RELOAD ON *.* TO ${account}`,
    ])
    const fresh = storeOf(one, two)
    try {
      expect(faultIn(await fresh.promote(1000)).message).toContain('was interrupted')
      const again = must(await fresh.compare(2000))
      expect(again).toMatchObject({ verdict: 'ahead', ours: 5 })
      expect(must(await fresh.archive(archives, 8000)).paths).toEqual([
        archive.paths[0]?.replace(/\/[^/]*$/, ''),
      ])
      expect(must(await fresh.rejoin(again, 10_000))).toBe('undone')
      await untilFollowing(fresh)
      expect(await contentOf(one)).toBe(await contentOf(two))
      must(await second.demote(3000))
      must(await fresh.promote(1000))
    } finally {
      fresh.close()
    }
  })
})
