/**
 * How do we speak to a MariaDB server?
 *
 * The one door to mysql2. A *lane* is one connection that is opened when it is needed and does one
 * statement at a time; what must not wait for each other uses different lanes. Every statement has a
 * limit on our own clock: when it is over the socket is destroyed, because a frozen server would
 * otherwise be waited for by whoever comes next. What was asked may still be carried out then; the next
 * statement on the lane first ends that session on the server.
 *
 * All values come back as text or null, as the server prints them. Nothing here reconnects by itself.
 */
import { type Connection, createConnection, type RowDataPacket } from 'mysql2'
import { SqlFailure, UNKNOWN_THREAD } from './mariadb-fault.ts'
import type { Limit } from './store-result.ts'

export interface ServerAddress {
  host: string
  port: number
  /** Used instead of host and port when given. */
  socketPath?: string | null
}

export interface Login {
  user: string
  password: string
}

export type SqlRow = Readonly<Record<string, string | null>>

export interface SqlAnswer {
  /** Empty for statements that give none. */
  rows: readonly SqlRow[]
  /** Rows that were changed; 0 for questions. */
  affected: number
}

/** What a statement is asked on: a lane, or a stand-in of a test. */
export interface Asks {
  ask(sql: string, limit: Pick<Limit, 'leftMs'>): Promise<SqlAnswer>
}

/** Our sessions outlive the servers' habit of closing idle ones, and no site default holds us up. */
const SESSION =
  "SET SESSION wait_timeout=31536000, max_statement_time=0, autocommit=1, sql_mode='', " +
  'lock_wait_timeout=86400'

/** What mysql2 calls its errors; not exported by it. */
interface DriverError {
  code?: string | undefined
  errno?: number | undefined
  sqlMessage?: string | undefined
  message: string
}

export class Lane implements Asks {
  readonly #address: ServerAddress
  readonly #login: Login
  #connection: Connection | null = null
  #tail: Promise<unknown> = Promise.resolve()
  /** Session on the server whose statement we stopped waiting for. */
  #abandoned: number | null = null
  #closed = false
  readonly #oneSession: boolean

  /**
   * @param sessions  `one`: what is asked belongs together (a transaction, settings of the session), so
   *   after the connection broke nothing more is carried out
   */
  constructor(address: ServerAddress, login: Login, sessions: 'one' | 'as-needed' = 'as-needed') {
    this.#address = address
    this.#login = login
    this.#oneSession = sessions === 'one'
  }

  /** As people find it: `127.0.0.1:3306` or the path of the socket. */
  get where(): string {
    const { socketPath, host, port } = this.#address
    return socketPath ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
  }

  /** Id of our session on the server; null while there is none. */
  get sessionId(): number | null {
    return this.#connection?.threadId ?? null
  }

  /**
   * Asks one statement and waits for its turn before.
   *
   * @throws SqlFailure  with code `DEADLINE` when the limit is over
   */
  ask(sql: string, limit: Pick<Limit, 'leftMs'>): Promise<SqlAnswer> {
    const turn = this.#tail.then(() => this.#askNow(sql, limit))
    this.#tail = turn.catch(() => undefined)
    return within(turn, limit, () => undefined).catch((failure: unknown) => {
      if (failure instanceof SqlFailure) failure.where = `${this.#login.user} at ${this.where}`
      throw failure
    })
  }

  /** Ends the connection; the next statement opens another. */
  hangUp(): void {
    this.#drop()
  }

  /** Closes the connection for good. */
  close(): void {
    this.#closed = true
    this.#drop()
  }

  async #askNow(sql: string, limit: Pick<Limit, 'leftMs'>): Promise<SqlAnswer> {
    const known = this.#connection
    try {
      return await this.#once(sql, limit)
    } catch (failure) {
      // A connection that was idle may have been closed without our noticing: once anew. Everything
      // we ask may be asked twice.
      if (!(failure instanceof SqlFailure) || !broke(failure)) throw failure
      // mysql2 may know that it is closed before it tells of it.
      if (known !== null && this.#connection === known) this.#drop()
      if (known === null || limit.leftMs() <= 0) throw failure
      return await this.#once(sql, limit)
    }
  }

  async #once(sql: string, limit: Pick<Limit, 'leftMs'>): Promise<SqlAnswer> {
    if (limit.leftMs() <= 0) throw deadline()
    const connection = this.#connection ?? (await this.#open(limit))
    return await within(send(connection, sql), limit, () => {
      this.#abandoned = connection.threadId ?? null
      this.#drop()
    })
  }

  async #open(limit: Pick<Limit, 'leftMs'>): Promise<Connection> {
    if (this.#closed) throw new SqlFailure('PROTOCOL_CONNECTION_LOST', 0, 'closed for good')
    const { socketPath, host, port } = this.#address
    const connection = createConnection({
      ...(socketPath ? { socketPath } : { host, port }),
      user: this.#login.user,
      password: this.#login.password,
      connectTimeout: Math.max(1, Math.ceil(limit.leftMs())) + 1000,
      typeCast: (field) => field.string(),
      enableKeepAlive: true,
      multipleStatements: false,
    })
    this.#connection = connection
    if (this.#oneSession) this.#closed = true
    connection.on('error', () => this.#forget(connection))
    connection.on('end', () => this.#forget(connection))
    await within(connected(connection), limit, () => this.#drop()).catch((failure: unknown) => {
      this.#forget(connection)
      throw failure
    })
    const abandoned = this.#abandoned
    await within(send(connection, SESSION), limit, () => this.#drop())
    if (abandoned !== null) {
      this.#abandoned = null
      await within(this.#end(connection, abandoned), limit, () => this.#drop())
    }
    return connection
  }

  /** Ends a session of ours that is still busy; after a restart its id is somebody else's. */
  async #end(connection: Connection, id: number): Promise<void> {
    const { rows } = await send(
      connection,
      `SELECT ID FROM information_schema.PROCESSLIST WHERE ID=${id} AND ID<>CONNECTION_ID()
        AND USER=${quoted(this.#login.user)} AND COMMAND<>'Sleep'`,
    )
    if (rows.length === 0) return
    try {
      await send(connection, `KILL ${id}`)
    } catch (failure) {
      // It came to its end by itself.
      if (!(failure instanceof SqlFailure) || failure.errno !== UNKNOWN_THREAD) throw failure
    }
  }

  #forget(connection: Connection): void {
    if (this.#connection === connection) this.#connection = null
    connection.destroy()
  }

  #drop(): void {
    if (this.#connection !== null) this.#forget(this.#connection)
  }
}

/** A text in a statement. */
export function quoted(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "''").replace(/\0/g, '')}'`
}

function deadline(): SqlFailure {
  return new SqlFailure('DEADLINE', 0, 'no answer within the limit')
}

function broke(failure: SqlFailure): boolean {
  return ['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE'].includes(failure.code)
}

function translate(error: DriverError): SqlFailure {
  const late = /closed state/i.test(error.message)
  const code = late ? 'PROTOCOL_CONNECTION_LOST' : (error.code ?? 'UNKNOWN')
  // For failures of the system mysql2 passes the negative number of Node on.
  return new SqlFailure(code, Math.max(0, error.errno ?? 0), error.sqlMessage ?? error.message)
}

function connected(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(translate(error)) : resolve()))
  })
}

function send(connection: Connection, sql: string): Promise<SqlAnswer> {
  return new Promise((resolve, reject) => {
    connection.query<RowDataPacket[]>(sql, (error, result: unknown) => {
      if (error) reject(translate(error))
      else if (Array.isArray(result)) resolve({ rows: result as SqlRow[], affected: 0 })
      else {
        const { affectedRows } = (result ?? {}) as { affectedRows?: number }
        resolve({ rows: [], affected: affectedRows ?? 0 })
      }
    })
  })
}

/** The work's end, or a failure at the limit, after which nobody listens to the work any more. */
async function within<Value>(
  work: Promise<Value>,
  limit: Pick<Limit, 'leftMs'>,
  giveUp: () => void,
): Promise<Value> {
  work.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        giveUp()
        reject(deadline())
      },
      Math.max(0, Math.ceil(limit.leftMs())),
    )
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
