/**
 * A real MariaDB server on each node of the lab, set up as operators are told to.
 *
 * Its files lie below the node's state directory, which is the disk that survives a power cut. The data
 * directory is a copy of one that is installed once per run of the machine. Statements are given to the
 * `mariadb` client over the server's socket, as root, beside whatever the pair does.
 */
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mariadbConfiguration, mariadbStatementText } from '../resources/mariadb-setup.ts'
import { APPLICATION, APPLICATION_STATEMENTS } from './application.ts'
import type { LabNode } from './node.ts'
import { attempt, must, type Running } from './process.ts'

export const MARIADB_PORT = 3306
const PASSWORDS = { manager: 'lab-manager', replication: 'lab-replica', undo: 'lab-undo' }
/** Wherever a node or the peer comes from, its own addresses and the crosslink's. */
const HOSTS = ['127.0.0.1', '10.71.0.%', '192.168.255.%']
const START_LIMIT_MS = 30_000
const INSTALL_LIMIT_MS = 60_000
/** What one command may say is bounded. */
const PAGE_ROWS = 50_000

function passwordFile(workDir: string, whose: keyof typeof PASSWORDS): string {
  return `${workDir}/mariadb-${whose}.password`
}

/** Lines below `tandem.stores`; the same on both nodes. */
export function mariadbConfigLines(workDir: string, { semiSync }: { semiSync: boolean }): string[] {
  return [
    'mariadb:',
    `  password_file: ${passwordFile(workDir, 'manager')}`,
    `  replication_password_file: ${passwordFile(workDir, 'replication')}`,
    '  undo_user: tandem_undo',
    `  undo_password_file: ${passwordFile(workDir, 'undo')}`,
    `  semi_sync: ${semiSync ? 'yes' : 'no'}`,
  ]
}

/** Says why no server can be started here; null when one can. */
export function mariadbMissing(): string | null {
  const wanted = ['/usr/sbin/mariadbd', '/usr/bin/mariadb-install-db', '/usr/bin/mariadb']
  const missing = wanted.find((path) => !existsSync(path))
  return missing === undefined ? null : `${missing} is missing; install mariadb-server`
}

/** The server of one node. */
export class LabMariadb {
  readonly #node: LabNode
  #server: Running | null = null

  constructor(node: LabNode) {
    this.#node = node
  }

  /** Everything of it: `data`, `server.cnf`, `error.log`. */
  get directory(): string {
    return `${this.#node.directories.state}/mariadb`
  }

  get socketPath(): string {
    return `${this.directory}/s.sock`
  }

  /** Id of its process; it is the one that answers. */
  async pid(): Promise<number> {
    return Number((await readFile(`${this.directory}/server.pid`, 'utf8')).trim())
  }

  /** Installs it on an empty disk, else starts it on what is there; then waits until it answers. */
  async start(): Promise<void> {
    const { directory } = this
    const fresh = !existsSync(`${directory}/ready`)
    if (fresh) await this.#install()
    this.#server = this.#node.launch(['mariadbd', `--defaults-file=${directory}/server.cnf`])
    await this.#untilItAnswers()
    if (!fresh) return
    await this.sql(`${this.#setUp()}SET SESSION sql_log_bin = 0;\n${APPLICATION_STATEMENTS}`)
    await writeFile(`${directory}/ready`, '')
  }

  /**
   * Runs statements as root on one session.
   *
   * @returns the rows of all, each a list of fields
   * @throws Error with what the server said
   */
  async sql(statements: string, limitMs = 30_000): Promise<string[][]> {
    const out = await must('ask mariadb', this.#client(), { input: statements, timeoutMs: limitMs })
    const lines = out.split('\n').filter((line) => line !== '')
    return lines.map((line) => line.split('\t'))
  }

  /** One value as root. */
  async value(expression: string): Promise<string> {
    return (await this.sql(`SELECT ${expression};`))[0]?.[0] ?? ''
  }

  /** Keys of the application's table, from one on to another that is not among them. */
  async ids(from = 0, to = Number.MAX_SAFE_INTEGER): Promise<number[]> {
    const ids: number[] = []
    for (;;) {
      const after = ids.at(-1) ?? from - 1
      const rows = await this.sql(
        `SELECT id FROM ${APPLICATION.table} WHERE id > ${after} AND id < ${to}
          ORDER BY id LIMIT ${PAGE_ROWS};`,
      )
      for (const [id] of rows) ids.push(Number(id))
      if (rows.length < PAGE_ROWS) return ids
    }
  }

  async #install(): Promise<void> {
    const { directory } = this
    const { workDir, name } = this.#node
    await rm(directory, { recursive: true, force: true })
    await mkdir(`${directory}/tmp`, { recursive: true })
    await cp(await seedDirectory(), `${directory}/data`, { recursive: true })
    for (const whose of ['manager', 'replication', 'undo'] as const) {
      await writeFile(passwordFile(workDir, whose), `${PASSWORDS[whose]}\n`, { mode: 0o600 })
    }
    const lines = [
      mariadbConfiguration(name === 'sp1' ? 1 : 2, true),
      `datadir = ${directory}/data`,
      `port = ${MARIADB_PORT}`,
      `socket = ${this.socketPath}`,
      `pid_file = ${directory}/server.pid`,
      `log_error = ${directory}/error.log`,
      `tmpdir = ${directory}/tmp`,
      'user = root',
      'skip_name_resolve = ON',
      'innodb_buffer_pool_size = 64M',
      'innodb_log_file_size = 32M',
      'performance_schema = OFF',
      '',
    ]
    await writeFile(`${directory}/server.cnf`, lines.join('\n'))
  }

  #setUp(): string {
    return mariadbStatementText({
      user: 'tandem',
      password: PASSWORDS.manager,
      hosts: HOSTS,
      replicationUser: 'tandem_repl',
      replicationPassword: PASSWORDS.replication,
      replicationHosts: HOSTS.slice(1),
      undo: { user: 'tandem_undo', password: PASSWORDS.undo },
    })
  }

  async #untilItAnswers(): Promise<void> {
    const endMs = performance.now() + START_LIMIT_MS
    while (performance.now() < endMs && this.#server?.ended() === false) {
      const asked = await attempt('ask mariadb', this.#client(), { input: 'SELECT 1;' })
      if (asked.ok) return
      await sleep(50)
    }
    const log = await readFile(`${this.directory}/error.log`, 'utf8').catch(() => '')
    throw new Error(`lab: mariadbd of ${this.#node.name} did not start: ${log.slice(-1000)}`)
  }

  #client(): string[] {
    const options = ['--no-defaults', `--socket=${this.socketPath}`, '--user=root']
    return ['mariadb', ...options, '--batch', '--skip-column-names']
  }
}

/** An installed data directory to copy; made when it is not there. */
export async function seedDirectory(): Promise<string> {
  const said = await must('version of mariadbd', ['mariadbd', '--no-defaults', '--version'])
  const seed = join(tmpdir(), `tandem-mariadb-${/Ver ([\w.]+)/.exec(said)?.[1] ?? 'x'}`)
  if (existsSync(seed)) return seed
  const beside = await mkdtemp(`${seed}.`)
  const options = ['--user=root', '--skip-test-db', '--auth-root-authentication-method=normal']
  await must(
    'install mariadb',
    ['mariadb-install-db', '--no-defaults', `--datadir=${beside}`, ...options],
    { timeoutMs: INSTALL_LIMIT_MS },
  )
  // Somebody else may have been quicker.
  await rename(beside, seed).catch(() => rm(beside, { recursive: true, force: true }))
  return seed
}
