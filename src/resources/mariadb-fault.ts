/**
 * What does an error of MariaDB or of the way to it mean for whoever asked?
 *
 * One table from numbers to the four codes of the contract, each with what to do about it. Texts of
 * the server are passed on only where they cannot hold values of somebody's rows or a password.
 *
 * @source  MariaDB error codes; Node's system errors
 */
import type { StoreFaultCode } from './replicated-store.ts'

/** A failure of one statement or of a connection, before it is told to anybody. */
export class SqlFailure extends Error {
  /** The number the server gave; 0 when the failure is not the server's. */
  readonly errno: number
  /** `ECONNREFUSED`, `ER_ACCESS_DENIED_ERROR`, or `DEADLINE` when our own limit was over. */
  readonly code: string
  /** Which server and account, filled in by the lane. */
  where = ''

  constructor(code: string, errno: number, message: string) {
    super(message)
    this.code = code
    this.errno = errno
  }
}

/** `max_statement_time` was over. */
export const STATEMENT_TIME_OVER = 1969
/** A lock was not to be had in time. */
export const LOCK_WAIT_OVER = 1205
export const UNKNOWN_THREAD = 1094

const FORBIDDEN: Readonly<Record<number, string>> = {
  1044: 'the account may not use that database; GRANT as `mariadb-setup` prints it',
  1045: 'wrong password, or no such account for this address; compare with the configuration',
  1130: 'no account may come from this address; CREATE USER for it',
  1142: 'a privilege on a table is missing; GRANT as `mariadb-setup` prints it',
  1143: 'a privilege on a column is missing; GRANT as `mariadb-setup` prints it',
  1227: 'a privilege is missing; GRANT as `mariadb-setup` prints it',
  1370: 'a privilege is missing; GRANT as `mariadb-setup` prints it',
  1698: 'the account exists but does not log in with a password; ALTER USER',
  1820: 'the password of the account must be changed first',
  1862: 'the password of the account has expired; ALTER USER',
  4151: 'the account is locked; ALTER USER ... ACCOUNT UNLOCK',
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOENT: 'the socket is not there',
  ENOTFOUND: 'the name cannot be resolved',
  EAI_AGAIN: 'the name cannot be resolved',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  PROTOCOL_CONNECTION_LOST: 'the connection broke',
  EACCES: 'the socket may not be used by this user',
}

/** Numbers whose text tells about the server and never about rows. */
const HARMLESS_TEXT: ReadonlySet<number> = new Set([1040, 1146, 1198, 1231, 1238, 1290, 1947, 1948])

/** What a failure means. */
export function judgeFailure(failure: SqlFailure): { code: StoreFaultCode; why: string } {
  const forbidden = FORBIDDEN[failure.errno]
  if (forbidden !== undefined) {
    const missing = /need \(at least one of\) the (.*?) privilege/.exec(failure.message)?.[1]
    const named = missing === undefined ? '' : ` (${missing})`
    return { code: 'HA_STORE_FORBIDDEN', why: `${forbidden}${named}` }
  }
  if (failure.code === 'DEADLINE' || failure.code === 'ETIMEDOUT') {
    return { code: 'HA_STORE_TIMEOUT', why: 'no answer in time' }
  }
  const unreachable = UNREACHABLE[failure.code]
  if (unreachable !== undefined) return { code: 'HA_STORE_UNREACHABLE', why: unreachable }
  if (failure.errno === STATEMENT_TIME_OVER || failure.errno === LOCK_WAIT_OVER) {
    return { code: 'HA_STORE_REFUSED', why: 'something held it up for too long' }
  }
  const text = HARMLESS_TEXT.has(failure.errno) ? `: ${failure.message}` : ''
  return { code: 'HA_STORE_REFUSED', why: `error ${failure.errno || failure.code}${text}` }
}

/** What the words of a replication error are, without the values of rows in them. */
export function withoutValues(text: string): string {
  return text
    .replace(/'(?:[^'\\]|\\.|'')*('|$)/g, "'?'")
    .replace(/"(?:[^"\\]|\\.|"")*("|$)/g, '"?"')
    .replace(/\s+/g, ' ')
    .slice(0, 300)
    .trim()
}
