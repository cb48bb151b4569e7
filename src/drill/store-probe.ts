/**
 * How long can nothing be written to a store, and is anything lost that was confirmed?
 *
 * One client, one write at a time, each with the next number in the same place. The first write after a
 * connection broke finds what the store has: a confirmed number above that is lost, and so are those between.
 * While this node has the floating IP the questions never leave it, so they go to its own server as the agent's do.
 */
import type { FloatingIp, StoreConfig } from '../config/config.ts'
import type { NodeName } from '../core/policy.ts'
import { Lane } from '../resources/mariadb-door.ts'
import { SqlFailure } from '../resources/mariadb-fault.ts'
import { KEY_PREFIX } from '../resources/redis-access.ts'
import { RedisLine } from '../resources/redis-line.ts'
import { Limit, StoreFailure } from '../resources/store-result.ts'
import { readPassword } from '../system/password.ts'
import type { Answer } from './samples.ts'

/** What a client waits for an answer before it connects anew; a stall may contain it. */
export const WRITE_LIMIT_MS = 300
const EVERY_MS = 5
const AGAIN_MS = 10
const REDIS_KEY = `${KEY_PREFIX}drill`
/** The key goes by itself should nobody take it away. */
const KEY_LIVES_MS = '600000'
/** The probe of the agent has row 1. */
const ROW = 2

/** What a server has to offer here. */
export interface StoreDoor {
  /** Writes a number where writes are taken; throws elsewhere. */
  write(number: number, limitMs: number): Promise<void>
  /** What is there, where writes are taken; 0: nothing. Throws elsewhere. */
  read(limitMs: number): Promise<number>
  hangUp(): void
  /** Takes away what it wrote, as far as the account may. */
  clean(limitMs: number): Promise<void>
  close(): void
}

export interface StoreDoors {
  /** Through the floating IP, to the other node. */
  there: StoreDoor
  /** This node's own server. */
  here: StoreDoor
}

export class StoreProbe {
  readonly name: string
  readonly answers: Answer[] = []
  /** Numbers that were confirmed and are gone. */
  lost = 0
  /** Why the newest attempt did not succeed. */
  trouble: string | null = null
  readonly #doors: StoreDoors
  readonly #by: () => NodeName
  readonly #us: NodeName
  readonly #now: () => number
  /** Confirmed and not known to be gone. */
  #kept: number[] = []
  #broken = true
  #before: NodeName
  #last: number | null = null
  #stopped = false
  #running: Promise<void> = Promise.resolve()

  /** @param by  who has the floating IP now */
  constructor(
    name: string,
    doors: StoreDoors,
    { by, us, now }: { by: () => NodeName; us: NodeName; now: () => number },
  ) {
    this.name = name
    this.#doors = doors
    this.#by = by
    this.#us = us
    this.#now = now
    this.#before = by()
  }

  get confirmed(): number {
    return this.answers.length
  }

  start(): void {
    this.#running = this.#write()
  }

  /** Where the address went elsewhere, what is under way there is given up, as whoever is called by the new active does. */
  look(): void {
    const by = this.#by()
    if (by === this.#before) return
    this.#before = by
    this.#broken = true
    this.#doors.here.hangUp()
    this.#doors.there.hangUp()
  }

  /** Ends the writing, looks for what was confirmed a last time, and takes away what it wrote. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    const door = this.#door()
    await this.#find(door).catch((cause: unknown) => {
      this.trouble = messageOf(cause)
    })
    await door.clean(WRITE_LIMIT_MS).catch(() => undefined)
    this.#doors.here.close()
    this.#doors.there.close()
  }

  #door(): StoreDoor {
    return this.#by() === this.#us ? this.#doors.here : this.#doors.there
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      this.look()
      const sentMs = this.#now()
      const by = this.#by()
      const door = this.#door()
      try {
        if (this.#broken) await this.#find(door)
        const number = (this.#last ?? 0) + 1
        this.#last = number
        await door.write(number, WRITE_LIMIT_MS)
        this.#kept.push(number)
        this.answers.push({ sentMs, atMs: this.#now(), by })
        this.trouble = null
        await pause(Math.max(1, EVERY_MS - (this.#now() - sentMs)))
      } catch (cause) {
        this.trouble = messageOf(cause)
        door.hangUp()
        this.#broken = true
        await pause(AGAIN_MS)
      }
    }
  }

  /** What does the store have? */
  async #find(door: StoreDoor): Promise<void> {
    const found = await door.read(WRITE_LIMIT_MS)
    // What an earlier drill left is where this one begins.
    this.#last = Math.max(this.#last ?? found, found)
    const kept = this.#kept.filter((number) => number <= found)
    this.lost += this.#kept.length - kept.length
    this.#kept = kept
    this.#broken = false
  }
}

/** @returns the doors of a store, or why there are none */
export async function openStoreDoors(
  store: StoreConfig,
  floatingIp: Pick<FloatingIp, 'address'>,
): Promise<StoreDoors | string> {
  const read = store.passwordFile === null ? null : await readPassword(store.passwordFile)
  if (read?.ok === false) return read.message
  const password = read?.password ?? ''
  const there = { address: floatingIp.address, port: store.port }
  const { socketPath, address, port } = store
  if (store.kind === 'redis') {
    const account = store.passwordFile === null ? null : { username: store.user, password }
    const door = (place: { address: string; port: number } | { socketPath: string }): StoreDoor =>
      redisDoor(new RedisLine({ label: store.name, place, account }))
    return {
      there: door(there),
      here: door(socketPath === null ? { address, port } : { socketPath }),
    }
  }
  const login = { user: store.user, password }
  return {
    there: mariadbDoor(new Lane({ host: there.address, port: there.port }, login)),
    here: mariadbDoor(new Lane({ host: address, port, socketPath }, login)),
  }
}

function redisDoor(line: RedisLine): StoreDoor {
  return {
    async write(number, limitMs) {
      await line.call(['SET', REDIS_KEY, String(number), 'PX', KEY_LIVES_MS], new Limit(limitMs))
    },
    // SET with GET asks for no right beyond those that the agent has; NX leaves a number that is there.
    async read(limitMs) {
      const words = ['SET', REDIS_KEY, '0', 'NX', 'PX', KEY_LIVES_MS, 'GET']
      return Number(await line.call(words, new Limit(limitMs)))
    },
    hangUp: () => line.hangUp(),
    async clean(limitMs) {
      await line.call(['SET', REDIS_KEY, '0', 'PX', '1'], new Limit(limitMs))
    },
    close: () => line.close(),
  }
}

function mariadbDoor(lane: Lane): StoreDoor {
  return {
    async write(number, limitMs) {
      // Our account may write on a read-only server, where this would be a transaction of its own. A write
      // that was held and carried out late must not hide a newer one.
      const { affected } = await lane.ask(
        `INSERT INTO tandem.probe (id, number, at)
          SELECT ${ROW}, ${number}, NOW(6) FROM DUAL WHERE @@global.read_only = 0
          ON DUPLICATE KEY UPDATE number=GREATEST(number, VALUES(number)), at=VALUES(at)`,
        new Limit(limitMs),
      )
      if (affected === 0) throw new StoreFailure('HA_STORE_REFUSED', 'the server is read-only')
    },
    async read(limitMs) {
      const { rows } = await lane.ask(
        `SELECT @@global.read_only AS closed,
          (SELECT number FROM tandem.probe WHERE id=${ROW}) AS number`,
        new Limit(limitMs),
      )
      const [row] = rows
      if (row?.['closed'] !== '0') {
        throw new StoreFailure('HA_STORE_REFUSED', 'the server is read-only')
      }
      return Number(row['number'])
    },
    hangUp: () => lane.hangUp(),
    // The account may not delete: the row stays, as that of the agent's probe does.
    clean: async () => undefined,
    close: () => lane.close(),
  }
}

function messageOf(cause: unknown): string {
  if (cause instanceof StoreFailure) return cause.fault.message
  if (cause instanceof SqlFailure) return cause.message
  return cause instanceof Error ? cause.message : String(cause)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
