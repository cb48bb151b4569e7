/**
 * Goal: a server that cannot find back by itself is copied anew from the active one, after everything it
 * held was set aside; a copy that breaks off leaves nothing that could be taken for whole. Method: real
 * servers; the schema changes in what only one of them has.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MariadbStore } from '../../src/resources/mariadb.ts'
import { mariadbCopyGrants } from '../../src/resources/mariadb-setup.ts'
import type { CopyRequest } from '../../src/resources/replicated-store.ts'
import {
  ACCOUNTS,
  contentOf,
  faultIn,
  type MariadbServer,
  makePair,
  must,
  type Pair,
  storeOf,
  untilFollowing,
} from '../helpers/mariadb-server.ts'

const archives = mkdtempSync(join(tmpdir(), 'tandem-copy-'))
const LIMIT_MS = 60_000

let pair: Pair
let one: MariadbServer
let two: MariadbServer
let first: MariadbStore
let second: MariadbStore
let told: string[]

const REQUEST: CopyRequest = {
  directory: archives,
  whenStill: (work) => work(),
  tell: (progress) => told.push(progress.replaceAll(archives, 'ARCHIVES')),
}

const GRANTS = mariadbCopyGrants(ACCOUNTS.undo?.user ?? '', ACCOUNTS.hosts)

beforeEach(async () => {
  pair = await makePair({ semiSyncTimeoutMs: 10_000 })
  ;({ one, two, first, second } = pair)
  told = []
})

afterEach(() => pair?.remove())
afterAll(() => rmSync(archives, { recursive: true, force: true }))

/** What makes a copy more than rows. */
const SCHEMA = [
  'CREATE DATABASE `odd ``name`',
  "CREATE TABLE `odd ``name`.b (id INT PRIMARY KEY, v VARBINARY(20)) COMMENT='it''s'",
  "INSERT INTO `odd ``name`.b VALUES (1, x'00ff27')",
  'CREATE DATABASE gone',
  'CREATE TABLE gone.g (id INT PRIMARY KEY)',
  "CREATE DEFINER='app'@'%' VIEW app.w AS SELECT id FROM app.t",
  'CREATE TABLE app.log (id INT AUTO_INCREMENT PRIMARY KEY, t INT)',
  'CREATE TRIGGER app.noted AFTER INSERT ON app.t FOR EACH ROW INSERT INTO app.log (t) VALUES (NEW.id)',
  "CREATE DEFINER='app'@'%' PROCEDURE app.p() SELECT 1",
  "CREATE DEFINER='app'@'%' EVENT app.e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
]

/** The first goes on alone with a change of the schema; the second serves without it. */
async function divergeWithSchema(): Promise<void> {
  await one.root([...SCHEMA, "INSERT INTO app.t VALUES (1, 'a'), (2, 'b')"])
  await untilFollowing(second)
  must(await first.confirm(true, 1000))
  must(await second.demote(3000))
  await one.root([
    "INSERT INTO app.t VALUES (10, 'x')",
    'ALTER TABLE app.t ADD COLUMN w INT',
    'CREATE DATABASE only_here',
  ])
  must(await second.promote(1000))
  await two.root(["INSERT INTO app.t VALUES (100, 'new')", 'DROP DATABASE gone'])
  must(await first.demote(3000))
}

const shapeOf = (server: MariadbServer): Promise<unknown> =>
  server.value(
    `(SELECT GROUP_CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME ORDER BY 1)
      FROM information_schema.COLUMNS WHERE TABLE_SCHEMA IN ('app', 'gone', 'only_here', 'odd \`name'))`,
  )

describe('a server whose tail cannot be undone', () => {
  it('is copied anew, follows, and can be switched to and from', async () => {
    await divergeWithSchema()
    await two.root(GRANTS)
    await one.root(GRANTS)
    const comparison = must(await first.compare(2000))
    expect(comparison.verdict).toBe('ahead')
    const archive = must(await first.copy(REQUEST, LIMIT_MS))
    expect(told).toEqual([
      "the peer's data is being copied to a file",
      'our data is being set aside',
      expect.stringMatching(
        /^All data of db1 \(4 databases\) set aside in ARCHIVES\/db1-.*-whole\.$/,
      ),
      'our server is emptied and filled',
    ])
    await untilFollowing(first)
    expect(must(await first.compare(2000)).verdict).toBe('same')
    expect(await contentOf(one)).toBe(await contentOf(two))
    expect(await shapeOf(one)).toBe(await shapeOf(two))
    expect(await one.value('(SELECT HEX(v) FROM `odd ``name`.b)')).toBe('00FF27')
    expect(
      await one.value(
        "(SELECT GROUP_CONCAT(EVENT_NAME, ' ', STATUS) FROM information_schema.EVENTS)",
      ),
    ).toBe('e SLAVESIDE_DISABLED')
    expect(
      await one.value(
        '(SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA="app")',
      ),
    ).toBe(1)

    // Nothing of the peer's dump and no login is left; ours is there, readable by root alone.
    const left = readdirSync(archives).filter((name) => !/-whole$|-0-1-/.test(name))
    expect(left).toEqual([])
    const named = (name: string) => archive.paths.find((path) => path.endsWith(name)) ?? ''
    for (const path of archive.paths) expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(named('data.sql'), 'utf8')).toContain("(10,'x',NULL)")
    expect(readFileSync(named('transactions.txt'), 'utf8')).toContain("@2='x'")
    expect(
      execFileSync('ls', ['-la', dirname(named('data.sql'))], { encoding: 'utf8' }),
    ).not.toContain('login')

    // There and back: the log of the copied server is one that the other can follow.
    must(await second.demote(3000))
    must(await first.promote(2000))
    must(await second.rejoin(must(await second.compare(2000)), 8000))
    await one.root(["INSERT INTO app.t VALUES (200, 'back')"])
    must(await first.peerReached(must(await first.monitor(1000)).position, 5000))
    expect(await two.count()).toBe(await one.count())
    expect(await contentOf(one)).toBe(await contentOf(two))
  }, 120_000)

  it('says which privilege its account lacks, and changes nothing', async () => {
    await divergeWithSchema()
    const shape = await shapeOf(one)
    expect(faultIn(await first.copy(REQUEST, LIMIT_MS))).toEqual({
      code: 'HA_STORE_REFUSED',
      message: expect.stringMatching(
        /^store db1: copy: tandem_undo at 127\.0\.0\.1:\d+ may not copy \(it lacks SELECT, INSERT, .*\); on both nodes: tandem setup NAME --copy-grants/,
      ),
    })
    const without = storeOf(one, two, { undo: null })
    expect(faultIn(await without.copy(REQUEST, LIMIT_MS)).message).toContain(
      'no account to copy with is configured',
    )
    without.close()
    expect([await shapeOf(one), told]).toEqual([shape, []])
  }, 60_000)

  it('is neither linked nor promoted after a copy that broke off, and is copied again', async () => {
    await divergeWithSchema()
    for (const server of [one, two]) await server.root(GRANTS)
    // The import stops in the middle.
    const account = `'${ACCOUNTS.undo?.user}'@'127.0.0.1'`
    const whenStill: CopyRequest['whenStill'] = async (work) => {
      await one.root(['SET SESSION sql_log_bin=0', `REVOKE CREATE VIEW ON *.* FROM ${account}`])
      return work()
    }
    expect(faultIn(await first.copy({ ...REQUEST, whenStill }, LIMIT_MS)).message).toContain(
      'fill our server',
    )
    const fresh = storeOf(one, two)
    try {
      for (const refused of [
        await fresh.promote(1000),
        // So that the node counts as sick, and is not chosen to serve.
        await fresh.probe('read-only', 1000),
        await fresh.compare(2000),
        await fresh.rejoin({ verdict: 'same', ours: 0, sentence: '' }, 8000),
      ]) {
        expect(faultIn(refused).message).toContain('copying it anew was interrupted')
      }
      await one.root(GRANTS)
      must(await fresh.copy(REQUEST, LIMIT_MS))
      await untilFollowing(fresh)
      expect(await shapeOf(one)).toBe(await shapeOf(two))
      must(await second.demote(3000))
      must(await fresh.promote(1000))
    } finally {
      fresh.close()
    }
  }, 120_000)

  it('is left as it is when the role changes before it is emptied', async () => {
    await divergeWithSchema()
    for (const server of [one, two]) await server.root(GRANTS)
    const shape = await shapeOf(one)
    const request = { ...REQUEST, whenStill: async () => null }
    expect(faultIn(await first.copy(request, LIMIT_MS)).message).toContain('the role changed')
    expect(await shapeOf(one)).toBe(shape)
    must(await second.demote(3000))
    must(await first.promote(1000))
  }, 60_000)
})
