/**
 * How does a returning server give up what only it holds, without being copied anew?
 *
 * By playing the rows of its tail backwards and then forgetting their numbers. Only after `archive`, and
 * only where nothing stands in the way: a statement or a change of the schema in the range, tables
 * without transactions, or rows that others hang on (a cascade deletes children that no log of rows
 * knows of, so undoing the parent alone would leave the copies different).
 *
 * We may die at any point. The rows are undone in one transaction together with a note in `tandem.undone`
 * that says how far we are; whoever comes next goes on from there and undoes nothing twice:
 *
 *     (no note) --rows + note "undone"--> RESET MASTER --> state and position set --> note "finished"
 *
 * Needs an account of its own (`undo` in the options): what it may do is more than what runs all day.
 */
import { join } from 'node:path'
import { readWholeFile } from '../system/file.ts'
import { formatGtidList, formatGtidRange, newestOf, parseGtidList } from './gtid.ts'
import type { MariadbArchive } from './mariadb-archive.ts'
import { binlogStatements } from './mariadb-binlog-text.ts'
import { type Asks, quoted } from './mariadb-door.ts'
import { type Limit, StoreFailure } from './store-result.ts'

/** Larger than this is copied anew rather than undone in one transaction. */
const UNDO_MAX_BYTES = 64 * 1024 * 1024

/** An undo that was begun and not finished. */
export interface PendingUndo {
  /** GTID list that both servers have. */
  common: string
  /** `0-1-6..10`. */
  range: string
  count: number
  /** Where the rows were set aside. */
  archive: string
}

const NOTE = `SELECT common, gtid_range, transactions, archive FROM tandem.undone
  WHERE id = 1 AND finished = 0`

/** Looks whether an undo was interrupted. */
export async function pendingUndo(lane: Asks, limit: Limit): Promise<PendingUndo | null> {
  const row = (await lane.ask(NOTE, limit)).rows[0]
  if (row === undefined) return null
  return {
    common: row['common'] ?? '',
    range: row['gtid_range'] ?? '',
    count: Number(row['transactions'] ?? 0),
    archive: row['archive'] ?? '',
  }
}

export interface UndoRequest {
  look: Asks
  undo: Asks
  pending: PendingUndo | null
  /** Of a moment ago; needed unless one is pending. */
  archived: MariadbArchive | null
}

/**
 * Gives up what was archived, or finishes what was begun.
 *
 * @returns why it cannot be done, with nothing changed; null when done
 */
export async function undoTail(request: UndoRequest, limit: Limit): Promise<string | null> {
  const { look, undo, archived } = request
  if (request.pending === null) {
    if (archived === null) return 'nothing was set aside'
    const obstacle = await undoObstacle(look, archived, limit)
    if (obstacle !== null) return obstacle
    const path = join(archived.directory, 'undo.sql')
    const content = await readWholeFile(path, { maxBytes: UNDO_MAX_BYTES })
    if (!content.ok) return content.message
    await undoRows(undo, archived, content.bytes.toString('latin1'), limit)
  }
  const pending = await pendingUndo(look, limit)
  if (pending === null) return 'the note in tandem.undone is gone'
  await forgetNumbers(undo, pending, limit)
  return null
}

/** Tables others hang on in such a way that a change of a row changes theirs. */
const CASCADES = `SELECT DISTINCT REF_NAME AS parent FROM information_schema.INNODB_SYS_FOREIGN
  WHERE TYPE & 15`

/** Why the archived range cannot be undone; null when it can. */
async function undoObstacle(
  look: Asks,
  archive: MariadbArchive,
  limit: Limit,
): Promise<string | null> {
  const { summary } = archive
  if (summary.obstacle !== null) return summary.obstacle
  const touched = new Set(summary.touched)
  const { rows } = await look.ask(CASCADES, limit)
  const parent = rows
    .map((row) => (row['parent'] ?? '').replace('/', '.'))
    .find((name) => touched.has(name))
  if (parent !== undefined) {
    return `rows of other tables are changed together with those of ${parent} (ON DELETE or ON UPDATE)`
  }
  const image = await look.ask('SELECT @@global.binlog_row_image AS image', limit)
  const found = image.rows[0]?.['image']
  return found === 'FULL' ? null : `binlog_row_image is ${found}, so rows are not whole in the log`
}

/**
 * Undoes the rows; one transaction, not logged.
 *
 * @param text  of `undo.sql`
 */
async function undoRows(
  undo: Asks,
  archive: MariadbArchive,
  text: string,
  limit: Limit,
): Promise<void> {
  const statements = binlogStatements(text)
  if (statements === null || statements.length === 0) {
    throw new StoreFailure('HA_STORE_REFUSED', `undo.sql in ${archive.directory} cannot be read`)
  }
  const { divergence } = archive
  const note = [
    1,
    quoted(formatGtidList(divergence.common)),
    quoted(divergence.errant.map(formatGtidRange).join(', ')),
    divergence.ours ?? 0,
    quoted(archive.directory),
    0,
  ].join(', ')
  await undo.ask('SET SESSION sql_log_bin=0', limit)
  await undo.ask('START TRANSACTION', limit)
  try {
    for (const statement of statements) await undo.ask(statement, limit)
    await undo.ask(
      `INSERT INTO tandem.undone (id, common, gtid_range, transactions, archive, finished)
        VALUES (${note}) ON DUPLICATE KEY UPDATE common=VALUES(common),
        gtid_range=VALUES(gtid_range), transactions=VALUES(transactions),
        archive=VALUES(archive), finished=0`,
      limit,
    )
    await undo.ask('COMMIT', limit)
  } catch (failure) {
    await undo.ask('ROLLBACK', limit).catch(() => undefined)
    throw failure
  }
}

/** Forgets the numbers of what was undone; may be repeated from the note on. */
async function forgetNumbers(undo: Asks, pending: PendingUndo, limit: Limit): Promise<void> {
  const common = parseGtidList(pending.common)
  if (common === null) {
    throw new StoreFailure('HA_STORE_REFUSED', 'the note in tandem.undone cannot be read')
  }
  await undo.ask('SET SESSION sql_log_bin=0', limit)
  // Its binary log was copied by the archive. Without this a state cannot be set.
  await undo.ask('RESET MASTER', limit)
  await undo.ask(`SET GLOBAL gtid_binlog_state=${quoted(pending.common)}`, limit)
  const newest = newestOf(common, common[0]?.domain ?? 0)
  const position = newest === null ? '' : formatGtidList([newest])
  await undo.ask(`SET GLOBAL gtid_slave_pos=${quoted(position)}`, limit)
  await undo.ask('UPDATE tandem.undone SET finished=1 WHERE id=1', limit)
}
