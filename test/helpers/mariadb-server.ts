/**
 * Real MariaDB servers on loopback, each in a directory and on a port of its own.
 *
 * Data directories are copies of one that is installed once per run of the machine. A server can be
 * stopped, killed, frozen and started again with what it has on disk. What the set-up of a pair prints is
 * carried out as printed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import { MariadbStore } from '../../src/resources/mariadb.ts'
import type { MariadbOptions } from '../../src/resources/mariadb-options.ts'
import {
  type MariadbAccounts,
  mariadbConfiguration,
  mariadbStatements,
} from '../../src/resources/mariadb-setup.ts'
import type { StoreFault, StoreResult } from '../../src/resources/replicated-store.ts'

export const ACCOUNTS: MariadbAccounts = {
  user: 'tandem',
  password: "own'pass\\word",
  hosts: ['127.0.0.1', 'localhost'],
  replicationUser: 'repl',
  replicationPassword: "repl'pass",
  replicationHosts: ['127.0.0.1'],
  undo: { user: 'tandem_undo', password: 'undo-pass' },
  verify: { user: 'tandem_verify', password: "verify'pass", schemas: null },
}

export const APP = { user: 'app', password: 'app-pass' }

/** What applications have, and one table of theirs. */
const APPLICATION = [
  'SET SESSION sql_log_bin=0',
  'CREATE DATABASE app',
  'CREATE TABLE app.t (id INT PRIMARY KEY, v VARCHAR(200) NOT NULL)',
  `CREATE USER 'app'@'%' IDENTIFIED BY 'app-pass'`,
  `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, LOCK TABLES, INDEX, REFERENCES ON app.* TO 'app'@'%'`,
  'SET SESSION sql_log_bin=1',
]

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

export function mariadbInstalled(): boolean {
  return existsSync('/usr/sbin/mariadbd')
}

/** An installed data directory to copy; made when it is not there. */
function seedDirectory(): string {
  const version = execFileSync('mariadbd', ['--no-defaults', '--version'], { encoding: 'utf8' })
  const seed = join(tmpdir(), `tandem-mariadb-${/Ver ([\w.]+)/.exec(version)?.[1] ?? 'x'}`)
  if (existsSync(seed)) return seed
  const beside = mkdtempSync(`${seed}.`)
  execFileSync(
    'mariadb-install-db',
    [
      '--no-defaults',
      `--datadir=${beside}`,
      '--user=root',
      '--skip-test-db',
      '--auth-root-authentication-method=normal',
      '--innodb-log-file-size=8M',
    ],
    { stdio: 'pipe' },
  )
  try {
    renameSync(beside, seed)
  } catch {
    // Somebody else was quicker.
    rmSync(beside, { recursive: true, force: true })
  }
  return seed
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}

export interface ServerOptions {
  node: 1 | 2
  /** Lines added below [mariadbd]; the last of a name counts. */
  more?: readonly string[]
  /** Carry out what the set-up prints, and make the applications' table. */
  setUp?: boolean
}

export class MariadbServer {
  readonly node: 1 | 2
  readonly port: number
  readonly directory: string
  #process: ChildProcess | null = null

  private constructor(node: 1 | 2, port: number, directory: string) {
    this.node = node
    this.port = port
    this.directory = directory
  }

  /** Makes a data directory and starts the server in it. */
  static async make(options: ServerOptions): Promise<MariadbServer> {
    const directory = mkdtempSync(join(tmpdir(), `tandem-db${options.node}-`))
    const data = join(directory, 'data')
    execFileSync('cp', ['-r', '--reflink=auto', seedDirectory(), data])
    const server = new MariadbServer(options.node, await freePort(), directory)
    mkdirSync(join(directory, 'tmp'))
    const lines = [
      mariadbConfiguration(options.node, true),
      `datadir = ${data}`,
      `port = ${server.port}`,
      'bind_address = 127.0.0.1',
      `socket = ${server.socketPath}`,
      `pid_file = ${join(directory, 'server.pid')}`,
      `log_error = ${join(directory, 'error.log')}`,
      `tmpdir = ${join(directory, 'tmp')}`,
      'user = root',
      'skip_name_resolve = ON',
      'innodb_buffer_pool_size = 32M',
      'innodb_log_file_size = 8M',
      'performance_schema = OFF',
      ...(options.more ?? []),
    ]
    writeFileSync(server.optionFile, `${lines.join('\n')}\n`)
    await server.start()
    if (options.setUp ?? true) {
      await server.root([...mariadbStatements(ACCOUNTS), ...APPLICATION])
    }
    return server
  }

  get socketPath(): string {
    return join(this.directory, 's.sock')
  }

  get optionFile(): string {
    return join(this.directory, 'server.cnf')
  }

  get dataDirectory(): string {
    return join(this.directory, 'data')
  }

  get pid(): number {
    return this.#process?.pid ?? -1
  }

  async start(): Promise<void> {
    this.#process = spawn('mariadbd', [`--defaults-file=${this.optionFile}`], { stdio: 'ignore' })
    let ended = false
    this.#process.once('exit', () => {
      ended = true
    })
    for (let tries = 0; tries < 600; tries += 1) {
      try {
        await this.root(['SELECT 1'])
        return
      } catch {
        if (ended) break
        await sleep(50)
      }
    }
    throw new Error(
      `mariadbd did not start: ${readFileSync(join(this.directory, 'error.log'), 'utf8').slice(-2000)}`,
    )
  }

  /** Carries statements out as root on one session. @returns the rows of the last one */
  async root(statements: readonly string[]): Promise<RowDataPacket[]> {
    const connection = await createConnection({
      socketPath: this.socketPath,
      user: 'root',
      connectTimeout: 5000,
    })
    try {
      let last: RowDataPacket[] = []
      for (const statement of statements) {
        const [rows] = await connection.query<RowDataPacket[] | ResultSetHeader>(statement)
        last = Array.isArray(rows) ? rows : []
      }
      return last
    } finally {
      connection.destroy()
    }
  }

  /** A session of the application; errors of a cut-off one stay silent. */
  async application() {
    const connection = await createConnection({
      host: '127.0.0.1',
      port: this.port,
      ...APP,
      connectTimeout: 2000,
    })
    connection.on('error', () => undefined)
    return connection
  }

  /** One value as root. */
  async value(expression: string): Promise<unknown> {
    return (await this.root([`SELECT ${expression} AS value`]))[0]?.['value']
  }

  async count(table = 'app.t'): Promise<number> {
    return Number(await this.value(`(SELECT COUNT(*) FROM ${table})`))
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Ends it and waits until it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await gone
  }

  /** Killed, and nothing of it left on disk. */
  async remove(): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** A store that is this server's, with the other as its peer. */
export function storeOf(
  server: MariadbServer,
  peer: Pick<MariadbServer, 'port'>,
  more: Partial<MariadbOptions> = {},
): MariadbStore {
  return new MariadbStore({
    name: `db${server.node}`,
    server: { host: '127.0.0.1', port: server.port },
    peer: { host: '127.0.0.1', port: peer.port },
    user: ACCOUNTS.user,
    password: ACCOUNTS.password,
    replicationUser: ACCOUNTS.replicationUser,
    replicationPassword: ACCOUNTS.replicationPassword,
    undo: ACCOUNTS.undo,
    semiSync: true,
    semiSyncTimeoutMs: 1000,
    pidFile: null,
    binlogDirectory: null,
    ...more,
  })
}

export interface Pair {
  one: MariadbServer
  two: MariadbServer
  first: MariadbStore
  second: MariadbStore
  remove(): Promise<void>
}

/** Two servers set up as printed: the first active, the second following, writes wait for it. */
export async function makePair(more: Partial<MariadbOptions> = {}): Promise<Pair> {
  const [one, two] = await Promise.all([
    MariadbServer.make({ node: 1 }),
    MariadbServer.make({ node: 2 }),
  ])
  const first = storeOf(one, two, more)
  const second = storeOf(two, one, more)
  must(await first.promote(2000))
  must(await second.rejoin(must(await second.compare(2000)), 8000))
  must(await first.confirm(false, 1000))
  const remove = async (): Promise<void> => {
    first.close()
    second.close()
    await one.remove()
    await two.remove()
  }
  return { one, two, first, second, remove }
}

/** @throws when it is a fault */
export function must<Value>(result: StoreResult<Value>): Value {
  if (!result.ok) throw new Error(`${result.fault.code} ${result.fault.message}`)
  return result.value
}

/** @throws when it is none */
export function faultIn(result: StoreResult<unknown>): StoreFault {
  if (result.ok) throw new Error(`it worked: ${JSON.stringify(result.value)}`)
  return result.fault
}

/** Waits until a store follows its peer with nothing left to apply. */
export async function untilFollowing(store: MariadbStore): Promise<void> {
  for (let tries = 0; tries < 150; tries += 1) {
    const report = must(await store.monitor(3000))
    if (report.following && report.backlog === 0) return
    await sleep(30)
  }
  throw new Error(`it does not follow: ${JSON.stringify(await store.monitor(3000))}`)
}

/** All application rows of a server in one word. */
export function contentOf(server: MariadbServer): Promise<unknown> {
  return server.value(
    "(SELECT CONCAT(COUNT(*), '/', COALESCE(BIT_XOR(CRC32(CONCAT(id, ':', v))), 0)) FROM app.t)",
  )
}
