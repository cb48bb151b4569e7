/**
 * How is one command brought to a Redis server and its answer back, in bounded time?
 *
 * The one door to ioredis. Of it we use the protocol and nothing of its perseverance: no queue for
 * later, no reconnecting, no resending. A line opens when it is first needed and again with the next
 * call after it broke, so a dead server costs one attempt per call. Whoever waits too long destroys the
 * socket: a hung server would otherwise answer the next question with the answer to this one.
 *
 * A command that was handed over before the limit may still be carried out once a hung server goes on,
 * also when our socket is gone: it lies in the server's receive buffer.
 * What a command means is not known here.
 */
import { Redis } from 'ioredis'
import type { StoreFaultCode } from './replicated-store.ts'
import { type Limit, StoreFailure } from './store-result.ts'

/** Where a server listens. */
export type RedisPlace = { address: string; port: number } | { socketPath: string }

export interface RedisLineOptions {
  /** For messages: `redis`, `the peer's redis`. */
  label: string
  place: RedisPlace
  /** Null is the account `default` without a password. */
  account: { username: string; password: string } | null
  /** Number of the database; 0 when left out. */
  database?: number
}

/** An answer as the server sent it, for names and values that are no text. */
export type RedisBytes = Buffer | number | null | readonly RedisBytes[]

/** A command and what it is about. */
export type RedisWords = readonly [string, ...(string | Buffer)[]]

export type RedisReply = string | number | null | readonly RedisReply[]

/** One connection to one server; calls on it are carried out in their order. */
export class RedisLine {
  /** For messages. */
  readonly label: string
  readonly #options: RedisLineOptions
  #client: Redis | null = null
  #opening: Promise<Redis> | null = null
  #closed = false

  constructor(options: RedisLineOptions) {
    this.label = options.label
    this.#options = options
  }

  /**
   * Sends one command and waits for the answer.
   *
   * @param again  may be sent a second time when the connection broke under it, as after a kill of
   *               all connections; only for what does no harm twice
   * @throws StoreFailure
   */
  async call(words: readonly string[], limit: Limit, again = false): Promise<RedisReply> {
    const reused = this.#client !== null
    try {
      return await this.#send(words, limit)
    } catch (cause) {
      const broke = cause instanceof StoreFailure && cause.fault.code === 'HA_STORE_UNREACHABLE'
      if (!again || !reused || !broke || this.#closed) throw cause
      return await this.#send(words, limit)
    }
  }

  /** Like `call`, for commands whose answer is text. */
  async text(words: readonly string[], limit: Limit, again = false): Promise<string> {
    return String(await this.call(words, limit, again))
  }

  /** Like `call`, byte for byte in both directions. */
  async bytes(words: RedisWords, limit: Limit): Promise<RedisBytes> {
    const [name, ...rest] = words
    return await this.#ask(name, limit, (client) => client.callBuffer(name, ...rest))
  }

  /** Several at once, in one piece on the wire; any of them that is refused fails all. */
  async manyBytes(commands: readonly RedisWords[], limit: Limit): Promise<RedisBytes[]> {
    const [first] = commands
    if (first === undefined) return []
    return await this.#ask(`${commands.length} times ${first[0]}`, limit, async (client) => {
      const pipeline = client.pipeline()
      for (const [name, ...rest] of commands) pipeline.callBuffer(name, ...rest)
      const replies = (await pipeline.exec()) ?? []
      return replies.map(([cause, reply]) => {
        if (cause !== null) throw cause
        return reply
      })
    })
  }

  /** Ends the connection; later calls fail. */
  close(): void {
    this.#closed = true
    this.hangUp()
  }

  /** Ends the connection; the next call opens another. */
  hangUp(): void {
    const client = this.#client
    this.#client = null
    this.#opening = null
    if (client !== null) destroy(client)
  }

  async #send(words: readonly string[], limit: Limit): Promise<RedisReply> {
    const [name, ...rest] = words
    return await this.#ask(describe(words), limit, (client) => ask(client, name!, rest))
  }

  /** @param what  for messages, without what could be secret */
  async #ask<Reply>(
    what: string,
    limit: Limit,
    send: (client: Redis) => Promise<unknown>,
  ): Promise<Reply> {
    if (this.#closed) throw this.#failure('HA_STORE_UNREACHABLE', what, 'we closed the connection')
    if (limit.over()) throw this.#failure('HA_STORE_TIMEOUT', what, tooLate(limit, 'not sent'))
    const client = await this.#within(limit, what, 'no connection', this.#ready())
    return (await this.#within(limit, what, 'no answer', send(client))) as Reply
  }

  #ready(): Promise<Redis> {
    if (this.#client?.status === 'ready' && this.#opening === null) {
      return Promise.resolve(this.#client)
    }
    this.#opening ??= this.#open()
    return this.#opening
  }

  async #open(): Promise<Redis> {
    const { place, account } = this.#options
    const client = new Redis({
      ...('socketPath' in place
        ? { path: place.socketPath }
        : { host: place.address, port: place.port }),
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      disableClientInfo: true,
      retryStrategy: () => null,
      // Our own limit decides; ioredis's would say so with an error of its own.
      connectTimeout: 0,
    })
    let first: unknown = null
    // Without a listener ioredis writes to the console; and only here the reason is told.
    client.on('error', (cause: unknown) => {
      first ??= cause
    })
    client.once('end', () => {
      if (this.#client === client) this.hangUp()
    })
    this.#client = client
    try {
      await client.connect()
      if (account !== null) await ask(client, LOGIN, [account.username, account.password])
      const { database = 0 } = this.#options
      if (database !== 0) await ask(client, 'SELECT', [String(database)])
      // Unless somebody hung up meanwhile and opened another.
      if (this.#client === client) this.#opening = null
      return client
    } catch (cause) {
      if (this.#client === client) this.hangUp()
      else destroy(client)
      // What the server said unasked before it closed, or the socket's error, says more.
      throw isReply(cause) ? cause : (first ?? cause)
    }
  }

  /** The answer, or the failure in our words; at the limit the connection is given up. */
  async #within<Value>(
    limit: Limit,
    what: string,
    missing: string,
    work: Promise<Value>,
  ): Promise<Value> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(LATE), limit.leftMs())
    })
    try {
      return await Promise.race([work, late])
    } catch (cause) {
      if (cause === LATE) {
        // Whatever it still says, or that it was given up, interests nobody any more.
        work.catch(() => undefined)
        this.hangUp()
        throw this.#failure('HA_STORE_TIMEOUT', what, tooLate(limit, missing))
      }
      const [code, said] = judge(cause)
      throw this.#failure(code, what, said)
    } finally {
      clearTimeout(timer)
    }
  }

  #failure(code: StoreFaultCode, what: string, said: string): StoreFailure {
    const { label, place } = this.#options
    return new StoreFailure(code, `${label} at ${describePlace(place)}: ${what}: ${said}`)
  }
}

const LATE = Symbol('late')

/** ioredis keeps the name with the error as it was sent. */
const LOGIN = 'AUTH'

/** `10.0.0.1:6379`, `[fd00::1]:6379` or a path. */
export function describePlace(place: RedisPlace): string {
  if ('socketPath' in place) return place.socketPath
  const address = place.address.includes(':') ? `[${place.address}]` : place.address
  return `${address}:${place.port}`
}

function ask(client: Redis, name: string, rest: readonly string[]): Promise<RedisReply> {
  return client.call(name, ...rest) as Promise<RedisReply>
}

function destroy(client: Redis): void {
  const stream = client.stream
  client.disconnect()
  // `disconnect` only says goodbye and waits two seconds for a server that may be frozen.
  stream?.on('error', () => undefined)
  stream?.destroy()
}

/** The command without what could be secret. */
function describe(words: readonly string[]): string {
  return words[0] === LOGIN ? LOGIN : words.join(' ')
}

function tooLate(limit: Limit, missing: string): string {
  return `${missing} within ${Math.round(limit.limitMs)} ms`
}

function isReply(cause: unknown): cause is Error {
  return cause instanceof Error && cause.name === 'ReplyError'
}

const FORBIDDEN = /^(NOAUTH|WRONGPASS|NOPERM|DENIED)\b/

/** What a server says to a new connection before it closes it, whatever was asked. */
const GREETINGS: readonly [RegExp, StoreFaultCode, string][] = [
  [
    /protected mode/,
    'HA_STORE_FORBIDDEN',
    'it is in protected mode, which lets only its own host in',
  ],
  [/max number of clients/, 'HA_STORE_REFUSED', 'the maximum number of clients is reached'],
]

function judge(cause: unknown): [StoreFaultCode, string] {
  const text = cause instanceof Error ? cause.message : String(cause)
  // Also inside of ioredis's own complaint about an answer that nobody asked for.
  for (const [pattern, code, said] of GREETINGS) {
    if (pattern.test(text)) return [code, said]
  }
  if (isReply(cause)) {
    // An answer to AUTH might repeat what it was asked; its first word is enough.
    const login = (cause as Error & { command?: { name?: string } }).command?.name === LOGIN
    if (login) return ['HA_STORE_FORBIDDEN', `login refused (${text.split(' ')[0]})`]
    return [FORBIDDEN.test(text) ? 'HA_STORE_FORBIDDEN' : 'HA_STORE_REFUSED', text]
  }
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'EACCES' || code === 'EPERM') return ['HA_STORE_FORBIDDEN', `${code} (no access)`]
  return ['HA_STORE_UNREACHABLE', code ?? 'the connection broke']
}
