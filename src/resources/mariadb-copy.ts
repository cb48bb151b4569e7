/**
 * How is a MariaDB server copied anew from the active one, with nothing but the two servers' doors?
 *
 * For what cannot be undone: a changed schema, a log that no longer reaches back, rows that differ. First
 * everything that may fail is done beside our server: the peer's data is dumped to a file, ours to an
 * archive. Only when both are whole is ours emptied and filled. We may die at any point; a note in
 * `tandem.undone` (its second row) says that the content is not whole, and until a copy came to its end
 * the server is neither linked nor promoted.
 *
 *     dump the peer, dump ours -> note -> drop, play, numbers -> note finished -> link
 *
 * Accounts (schema `mysql`) stay as they are here. Events come as a standby has them: not running.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../system/file.ts'
import { makeDurable, makeFreshDirectory, renameDirectory } from '../system/set-aside.ts'
import { assertRoom } from './archive-room.ts'
import { formatGtidList, type Gtid, newestOf, parseGtidList } from './gtid.ts'
import { type Asks, Lane, type Login, quoted, type ServerAddress } from './mariadb-door.ts'
import { dump, play, positionIn } from './mariadb-dump.ts'
import { type CopiedEvent, makeEvents, readEvents } from './mariadb-events.ts'
import { COPY_PRIVILEGES, missing } from './mariadb-setup.ts'
import type { StoreArchive } from './replicated-store.ts'
import { Limit, StoreFailure } from './store-result.ts'

/** The server's own, and what only looks like a database. */
const NOT_COPIED = "('mysql', 'information_schema', 'performance_schema', 'sys', 'tandem')"

const DATABASES = `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA
  WHERE SCHEMA_NAME NOT IN ${NOT_COPIED} ORDER BY SCHEMA_NAME`
const SIZE = `SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS bytes
  FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ${NOT_COPIED}`

const TRUST = '@@global.log_bin_trust_function_creators'

/** Of a question to either server. */
const QUESTION_MS = 30_000

/** A dump of text is seldom larger than the tables it is of; hexadecimal blobs are. */
const DUMP_RATIO = 1.5

export interface CopySides {
  ours: ServerAddress
  peer: ServerAddress
  /** An account with `COPY_PRIVILEGES` on both. */
  login: Login
}

/** What was dumped of the peer, ready to be played here. */
export interface PeerCopy {
  path: string
  /** GTID state to begin with, the newest of each domain last. */
  state: readonly Gtid[]
  position: readonly Gtid[]
  /** In no dump, for there they would run at once. */
  events: readonly CopiedEvent[]
}

/** A copy that was begun and not finished: the archive it set aside. Null when none was. */
export async function pendingCopy(lane: Asks, limit: Limit): Promise<string | null> {
  const note = 'SELECT archive FROM tandem.undone WHERE id = 2 AND finished = 0'
  const row = (await lane.ask(note, limit)).rows[0]
  return row === undefined ? null : (row['archive'] ?? '')
}

/** Whether the account may do it, on both servers. @throws StoreFailure naming what is missing */
export async function assertMayCopy({ ours, peer, login }: CopySides): Promise<void> {
  for (const server of [ours, peer]) {
    await withLane(server, login, async (lane) => {
      const { rows } = await lane.ask('SHOW GRANTS', new Limit(QUESTION_MS))
      const grants = rows.flatMap((row) => Object.values(row).filter((value) => value !== null))
      const lacks = missing(grants, COPY_PRIVILEGES)
      if (lacks.length === 0) return
      throw refuse(
        `${login.user} at ${lane.where} may not copy (it lacks ${lacks.join(', ')}); on both nodes: tandem setup NAME --copy-grants | mariadb`,
      )
    })
  }
}

/** Dumps the peer's data into a directory that is no archive. Changes nothing on any server. */
export async function fetchPeer(
  { peer, login }: CopySides,
  into: string,
  limit: Limit,
): Promise<PeerCopy> {
  const path = join(into, 'peer.sql')
  const before = await withLane(peer, login, async (lane) => {
    const { bytes, databases } = await contentOf(lane)
    await assertRoom(into, DUMP_RATIO * bytes)
    const asked = 'SELECT @@global.gtid_binlog_state AS state'
    const { rows } = await lane.ask(asked, new Limit(QUESTION_MS))
    return { databases, state: parseGtidList(rows[0]?.['state'] ?? '') ?? [] }
  })
  const databases = [...before.databases, 'tandem']
  await dump({ label: "copy the peer's data", server: peer, login, databases, path }, limit)
  const position = await positionIn(path)
  if (position === null) throw refuse('the dump does not say of which transaction it is')
  const events = await withLane(peer, login, (lane) => readEvents(lane, new Limit(QUESTION_MS)))
  return { path, position, state: stateAt(before.state, position), events }
}

/** The state of a moment before, moved on to the position of the dump. */
export function stateAt(before: readonly Gtid[], position: readonly Gtid[]): Gtid[] {
  const isIn = ({ domain, server }: Gtid): boolean =>
    position.some((gtid) => gtid.domain === domain && gtid.server === server)
  return [...before.filter((gtid) => !isIn(gtid)), ...position].sort(
    (one, other) => one.domain - other.domain || one.sequence - other.sequence,
  )
}

export interface WholeArchiveRequest {
  name: string
  directory: string
  nowIso: string
  /** What a comparison said. */
  sentence: string
}

/** Sets all our databases aside, as one file that can be read and played. */
export async function archiveWhole(
  { ours, login }: CopySides,
  request: WholeArchiveRequest,
  limit: Limit,
): Promise<StoreArchive> {
  const { name, directory, nowIso, sentence } = request
  const { bytes, databases } = await withLane(ours, login, contentOf)
  await assertRoom(directory, DUMP_RATIO * bytes)
  const stamp = nowIso.replace(/[-:]/g, '').replace(/\.\d+/, '')
  const target = join(directory, `${name}-${stamp}-whole`)
  const beside = `${target}.partial`
  ensure(await makeFreshDirectory(beside))
  const path = join(beside, 'data.sql')
  const what = { label: 'set our data aside', server: ours, login }
  await dump({ ...what, databases: [...databases, 'tandem'], path }, limit)
  const page = `All data of ${name}, set aside by tandem at ${nowIso}, before it was copied anew.

What it was compared to: ${sentence}
Databases: ${databases.join(', ') || 'none'}

data.sql   to read, or to play into a server of its own (mariadb < data.sql). Never on the pair:
           it drops and makes the tables anew.
`
  ensure(await replaceFile(join(beside, 'README.txt'), page, { mode: 0o600 }))
  const names = ['data.sql', 'README.txt']
  ensure(await makeDurable(beside, names))
  ensure(await renameDirectory(beside, target))
  return {
    paths: names.map((file) => join(target, file)),
    count: null,
    sentence: `All data of ${name} (${databases.length} databases) set aside in ${target}.`,
  }
}

/**
 * Empties our server and fills it. Its slave threads must be stopped.
 *
 * @param archive  directory in which ours was set aside
 */
export async function replaceOurs(
  { ours, login }: CopySides,
  { copy, archive }: { copy: PeerCopy; archive: string },
  limit: Limit,
): Promise<void> {
  await withLane(ours, login, async (lane) => {
    await lane.ask('SET SESSION sql_log_bin=0, foreign_key_checks=0', limit)
    await lane.ask(
      `INSERT INTO tandem.undone (id, common, gtid_range, transactions, archive, finished)
        VALUES (2, ${quoted(formatGtidList(copy.state))}, '', 0, ${quoted(archive)}, 0)
        ON DUPLICATE KEY UPDATE common=VALUES(common), archive=VALUES(archive), finished=0`,
      limit,
    )
    for (const name of (await contentOf(lane)).databases) {
      await lane.ask(`DROP DATABASE \`${name.replaceAll('`', '``')}\``, limit)
    }
    const trust = (await lane.ask(`SELECT ${TRUST} AS trust`, limit)).rows[0]?.['trust'] ?? '0'
    // Else only SUPER may make a trigger, although nothing of this is logged.
    await lane.ask(`SET ${TRUST}=1`, limit)
    try {
      await play({ label: 'fill our server', server: ours, login, path: copy.path }, limit)
      await withLane(ours, login, async (session) => {
        await session.ask('SET SESSION sql_log_bin=0', limit)
        await makeEvents(session, copy.events, limit)
      })
    } finally {
      await lane.ask(`SET ${TRUST}=${trust === '1' ? 1 : 0}`, limit)
    }
    await lane.ask('RESET MASTER', limit)
    await lane.ask(`SET GLOBAL gtid_binlog_state=${quoted(formatGtidList(copy.state))}`, limit)
    const newest = [...new Set(copy.position.map(({ domain }) => domain))]
      .map((domain) => newestOf(copy.position, domain))
      .filter((gtid) => gtid !== null)
    await lane.ask(`SET GLOBAL gtid_slave_pos=${quoted(formatGtidList(newest))}`, limit)
    await lane.ask('UPDATE tandem.undone SET finished=1', limit)
  })
}

/** Removes what was fetched. */
export async function forget(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}

async function contentOf(lane: Asks): Promise<{ databases: string[]; bytes: number }> {
  const limit = new Limit(QUESTION_MS)
  const { rows } = await lane.ask(DATABASES, limit)
  const bytes = Number((await lane.ask(SIZE, limit)).rows[0]?.['bytes'] ?? 0)
  return { databases: rows.flatMap(({ name }) => (name == null ? [] : [name])), bytes }
}

async function withLane<Value>(
  server: ServerAddress,
  login: Login,
  work: (lane: Lane) => Promise<Value>,
): Promise<Value> {
  const lane = new Lane(server, login, 'one')
  try {
    return await work(lane)
  } finally {
    lane.close()
  }
}

function ensure(result: { ok: true } | { ok: false; message: string }): void {
  if (!result.ok) throw refuse(result.message)
}

function refuse(message: string): StoreFailure {
  return new StoreFailure('HA_STORE_REFUSED', message)
}
