/**
 * Who holds up a server, told without what they write?
 *
 * The sentence names the session, its account, how long, and the first words of its statement with
 * every value taken out, because statements hold passwords and callers' numbers. A session that does
 * nothing and still holds a lock is only seen with the plugin `metadata_lock_info`; without it the
 * sentence says so.
 */
import type { Asks, SqlRow } from './mariadb-door.ts'
import { SqlFailure } from './mariadb-fault.ts'
import type { Limit } from './store-result.ts'

export interface Session {
  id: number
  user: string
  host: string
  command: string
  seconds: number
  /** Null while it does nothing. */
  statement: string | null
  /** Of its open transaction; null when it has none. */
  transactionSeconds: number | null
  /** Rows it changed or locked in it. */
  transactionRows: number
}

const SESSIONS = `SELECT p.ID AS id, p.USER AS user, p.HOST AS host, p.COMMAND AS command,
    p.TIME_MS / 1000 AS seconds, LEFT(p.INFO, 2000) AS info,
    TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS trx_seconds,
    t.trx_rows_modified + t.trx_rows_locked AS trx_rows
  FROM information_schema.PROCESSLIST p
  LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID`

/** Global locks that keep everybody from writing. */
const HOLDERS = `SELECT DISTINCT THREAD_ID AS id, LOCK_MODE AS mode
  FROM information_schema.METADATA_LOCK_INFO
  WHERE LOCK_MODE LIKE 'MDL_BACKUP_%' OR LOCK_TYPE = 'Global read lock'`

const PLUGIN_MISSING = 1109

/** Accounts whose sessions are never an application's. */
export interface Own {
  user: string
  replicationUser: string
  /** Compares both servers and may be cut off at any time; null: none. */
  verifyUser?: string | null
}

/** Everybody on the server. */
export async function sessionsOf(lane: Asks, limit: Limit): Promise<Session[]> {
  return (await lane.ask(SESSIONS, limit)).rows.map(readSession)
}

function readSession(row: SqlRow): Session {
  return {
    id: Number(row['id']),
    user: row['user'] ?? '',
    host: row['host'] ?? '',
    command: row['command'] ?? '',
    seconds: Math.max(0, Number(row['seconds'] ?? 0)),
    statement: row['info'] ?? null,
    transactionSeconds: row['trx_seconds'] == null ? null : Number(row['trx_seconds']),
    transactionRows: Number(row['trx_rows'] ?? 0),
  }
}

const SYSTEM_USERS: ReadonlySet<string> = new Set(['system user', 'event_scheduler', ''])

/** Neither replication nor the server itself nor we. */
export function isApplication(session: Session, own: Own): boolean {
  if (SYSTEM_USERS.has(session.user) || session.command === 'Daemon') return false
  if (session.command.startsWith('Binlog Dump') || session.command.startsWith('Slave_'))
    return false
  return ![own.user, own.replicationUser, own.verifyUser].includes(session.user)
}

/** What holds up a freeze or a write: one sentence. */
export async function blockersOf(lane: Asks, own: Own, limit: Limit): Promise<string> {
  const sessions = (await sessionsOf(lane, limit)).filter((session) => isApplication(session, own))
  const holders = await holdersOf(lane, limit)
  const known = sessions.filter((session) => holders?.includes(session.id))
  const busy = sessions
    .filter((session) => session.command !== 'Sleep' && session.statement !== null)
    .sort((one, other) => other.seconds - one.seconds)
  const suspect = longest(known) ?? busy[0]
  if (suspect !== undefined) return `it is held up by ${nameSession(suspect)}`
  const plugin =
    holders === null ? ' (load the plugin metadata_lock_info to see who holds a lock idly)' : ''
  return `nobody is seen who holds it up${plugin}`
}

function longest(sessions: readonly Session[]): Session | undefined {
  return [...sessions].sort((one, other) => other.seconds - one.seconds)[0]
}

/** Null when the server cannot tell. */
async function holdersOf(lane: Asks, limit: Limit): Promise<number[] | null> {
  try {
    return (await lane.ask(HOLDERS, limit)).rows.map((row) => Number(row['id']))
  } catch (failure) {
    if (failure instanceof SqlFailure && failure.errno === PLUGIN_MISSING) return null
    throw failure
  }
}

/** `session 12, app@10.0.0.5:40312, for 3 s: INSERT INTO app.t VALUES (?, ?)`. */
export function nameSession(session: Session): string {
  const seconds = Math.round(session.seconds)
  const what =
    session.statement === null ? 'it is idle and holds a lock' : firstWords(session.statement)
  return `session ${session.id}, ${session.user}@${session.host}, for ${seconds} s: ${what}`
}

const WORDS_MAX_CHARS = 60

/**
 * The beginning of a statement without comments and values.
 *
 * A text that is cut off inside a value ends there: what follows the quote is never shown. Where
 * backslashes occur we cannot know whether they escape (NO_BACKSLASH_ESCAPES), so all from the first
 * quote on is left out.
 */
export function firstWords(statement: string): string {
  const quote = statement.search(/['"]/)
  const cut = statement.includes('\\') && quote >= 0 ? `${statement.slice(0, quote)}?` : statement
  const plain = cut
    // One alternation in reading order: a quote in a comment and a comment in a quote both stay whole.
    .replace(
      /\/\*[\s\S]*?(?:\*\/|$)|(?:--\s|#)[^\n]*|'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|"(?:[^"\\]|\\[\s\S]|"")*(?:"|$)/g,
      (found) => (/^['"]/.test(found) ? '?' : ' '),
    )
    .replace(/(?<![\w`])(?:0x[\da-f]+|\d[\d.e+-]*)/gi, '?')
    .replace(/\s+/g, ' ')
    .trim()
  return plain.length > WORDS_MAX_CHARS ? `${plain.slice(0, WORDS_MAX_CHARS)}…` : plain
}
