/**
 * Redis servers of our own for tests and the lab: started on a free port of loopback with a directory
 * of their own and the configuration that `redis-setup.ts` tells operators to write, so that each use
 * of them checks that text too. Stopped, killed, frozen and removed by the process we started.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import {
  accessLines,
  configurationLines,
  type RedisSetup,
} from '../../src/resources/redis-setup.ts'

/** Of all servers started here. Quotes, spaces and more: no character may matter. */
export const SETUP: Omit<RedisSetup, 'aclFile'> = {
  username: 'tandem',
  password: 'our "secret" \\ with #1 of all',
  replicaUsername: 'replica',
  replicaPassword: 'the replicas\' "secret" \\ #2',
  verify: { user: 'tandem_verify', password: 'verify "secret" #3' },
}
export const ACCOUNT = { username: SETUP.username, password: SETUP.password }

export interface TestServerOptions {
  /** Lines at the end of redis.conf. */
  extra?: readonly string[]
  /** Changes the access list, for tests of what is missing. */
  access?: (lines: string) => string
  /** Leaves the boot state out: starts writable, as an unprepared server does. */
  plain?: boolean
  directory?: string
}

export class TestRedis {
  readonly port: number
  readonly directory: string
  readonly #options: TestServerOptions
  #child: ChildProcess | null = null
  #admin: Redis | null = null

  constructor(port: number, options: TestServerOptions) {
    this.port = port
    this.#options = options
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'tandem-redis-'))
  }

  get pidFile(): string {
    return join(this.directory, 'redis.pid')
  }

  get configFile(): string {
    return join(this.directory, 'redis.conf')
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get place(): { address: string; port: number } {
    return { address: '127.0.0.1', port: this.port }
  }

  /** Starts and waits until it has loaded. */
  async start(): Promise<void> {
    this.launch()
    await this.loaded()
  }

  /** Starts only. */
  launch(): void {
    mkdirSync(this.directory, { recursive: true })
    this.#write()
    this.#child = spawn('redis-server', [this.configFile], { stdio: 'ignore' })
  }

  async loaded(): Promise<void> {
    for (let tries = 0; tries < 500; tries += 1) {
      try {
        // Not asked before it has loaded: LOADING is an error.
        await this.admin('DBSIZE')
        return
      } catch {
        this.#forgetAdmin()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    throw new Error(`redis-server at port ${this.port} did not start`)
  }

  /** As an administrator, past every limit that the accounts have. */
  async admin(...words: string[]): Promise<unknown> {
    if (this.#admin === null) {
      this.#admin = new Redis({
        host: '127.0.0.1',
        port: this.port,
        username: 'admin',
        password: 'admin',
        retryStrategy: () => null,
        disableClientInfo: true,
      })
      this.#admin.on('error', () => undefined)
    }
    const [name, ...rest] = words
    return await this.#admin.call(name!, ...rest)
  }

  /** One field of INFO. */
  async info(field: string): Promise<string> {
    const text = String(await this.admin('INFO', 'everything'))
    return new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(text)?.[1] ?? ''
  }

  /** A connection as applications have it. */
  client(): Redis {
    const client = new Redis({
      host: '127.0.0.1',
      port: this.port,
      retryStrategy: () => null,
      disableClientInfo: true,
      connectionName: 'app',
    })
    client.on('error', () => undefined)
    return client
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** With a save, as at a shutdown. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Waits for the end that somebody else brought about. */
  async ended(): Promise<void> {
    const child = this.#child
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      await once(child, 'exit')
    }
    this.#child = null
    this.#forgetAdmin()
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.directory, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal)
    await this.ended()
  }

  #forgetAdmin(): void {
    this.#admin?.disconnect()
    this.#admin = null
  }

  #write(): void {
    const { extra = [], access = (lines) => lines, plain = false } = this.#options
    const aclFile = join(this.directory, 'users.acl')
    const setup: RedisSetup = { ...SETUP, aclFile }
    const lines = access(accessLines(setup))
    writeFileSync(aclFile, `${lines}user admin on >admin ~* &* +@all\n`, { mode: 0o600 })
    const ours = configurationLines(setup)
    const text = [
      `port ${this.port}`,
      'bind 127.0.0.1',
      'protected-mode no',
      `dir ${this.directory}`,
      `pidfile ${this.pidFile}`,
      `logfile ${join(this.directory, 'redis.log')}`,
      'save 3600 1',
      plain ? ours.replace(/^replicaof.*\n/m, '') : ours,
      ...extra,
      '',
    ].join('\n')
    writeFileSync(this.configFile, text, { mode: 0o600 })
  }
}

/** A server that runs, in a directory that goes with `remove`. */
export async function startRedis(options: TestServerOptions = {}): Promise<TestRedis> {
  const server = new TestRedis(await freePort(), options)
  try {
    await server.start()
  } catch (cause) {
    await server.remove()
    throw cause
  }
  return server
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/**
 * Writes keys of their own, at a steady rate whatever the answers, to whichever of two servers takes
 * them; remembers each one that was confirmed.
 */
export class Writer {
  readonly acked = new Set<string>()
  /** The longest time without a confirmation. */
  longestGapMs = 0
  #refused = 0
  #clients: readonly [Redis, Redis]
  #turn: 0 | 1 = 0
  #number = 0
  #lastAckMs = performance.now()
  #flying = new Set<Promise<void>>()
  #timer: NodeJS.Timeout

  constructor(servers: readonly [TestRedis, TestRedis], prefix: string, perSecond = 500) {
    this.#clients = [servers[0].client(), servers[1].client()]
    const startMs = performance.now()
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) / 1000) * perSecond)
      while (this.#number < due) this.#write(`${prefix}:${this.#number++}`)
    }, 2)
  }

  get refused(): number {
    return this.#refused
  }

  /** Measures the gap anew. */
  forgetGap(): void {
    this.longestGapMs = 0
  }

  /** Stops writing and waits for what is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#flying)
    for (const client of this.#clients) client.disconnect()
  }

  #write(key: string): void {
    const turn = this.#turn
    const flight = this.#clients[turn]!.set(key, key).then(
      () => {
        const nowMs = performance.now()
        this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastAckMs)
        this.#lastAckMs = nowMs
        this.acked.add(key)
      },
      () => {
        this.#refused += 1
        if (this.#turn === turn) this.#turn = turn === 0 ? 1 : 0
      },
    )
    this.#flying.add(flight)
    void flight.finally(() => this.#flying.delete(flight))
  }
}

/** Which of the keys a server does not have. */
export async function missingKeys(server: TestRedis, keys: Iterable<string>): Promise<string[]> {
  const wanted = [...keys]
  const missing: string[] = []
  for (let at = 0; at < wanted.length; at += 1000) {
    const part = wanted.slice(at, at + 1000)
    const values = (await server.admin('MGET', ...part)) as (string | null)[]
    part.forEach((key, index) => {
      if (values[index] !== key) missing.push(key)
    })
  }
  return missing
}
