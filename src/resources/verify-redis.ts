/**
 * Do two Redis servers hold the same keys?
 *
 * Each database is gone through twice: every key of the active is compared, then every key of the standby
 * is looked for on the active. There is no moment that is the same for both, so what looks different is
 * looked at again until it is certain (`verify-redis-settle.ts`). Changes nothing, repairs nothing.
 */
import { KEY_PREFIX } from './redis-access.ts'
import { askAll } from './redis-ask.ts'
import type { InfoFields } from './redis-info.ts'
import { RedisLine, type RedisLineOptions } from './redis-line.ts'
import { Limit, StoreFailure } from './store-result.ts'
import { type RedisSides, settle, type Verdict } from './verify-redis-settle.ts'
import { dumpWords } from './verify-redis-value.ts'
import { runVerify } from './verify-run.ts'
import {
  addDifference,
  emptyTally,
  type Verifier,
  type VerifyEnd,
  type VerifyPlace,
  type VerifyRequest,
  type VerifyTally,
} from './verify-tally.ts'

export type RedisVerifyOptions = Record<'ours' | 'theirs', Omit<RedisLineOptions, 'database'>>

const STEP_MS = 10_000
/** Keys per look: some milliseconds of each server. */
const BATCH = 1_000
/** A larger value is read in pieces, for DUMP would stop the server while it packs it. */
const DUMP_BYTES_MAX = 262_144
/** And no more at once, about. */
const GROUP_BYTES = 2_097_152
/** So many keys are remembered, so that none is told twice; SCAN may name a key again. */
const TOLD_MAX = 1_000_000

const PASSES = ['active', 'standby'] as const

/** Keys of which server, in which database, from which cursor on; cursors are good for one run of a server. */
interface Reached {
  database: number
  pass: (typeof PASSES)[number]
  cursor: string
  runIds: string
}

interface Roles extends RedisSides {
  leader: 'ours' | 'theirs'
  runIds: string
  /** Keys by number of the database, on the active. */
  keys: ReadonlyMap<number, number>
  databases: readonly number[]
}

export class RedisVerifier implements Verifier {
  readonly #options: RedisVerifyOptions
  #lines: RedisLine[] = []

  constructor(options: RedisVerifyOptions) {
    this.#options = options
  }

  run(request: VerifyRequest): Promise<VerifyEnd> {
    return runVerify(request, { compare: (all) => this.#run(all), close: () => this.close() })
  }

  close(): void {
    for (const line of this.#lines) line.close()
    this.#lines = []
  }

  async #run(request: VerifyRequest): Promise<VerifyEnd> {
    const roles = await this.#roles()
    const known = readPlace(request.from?.at)
    const usable = known?.runIds === roles.runIds
    const tally = (usable ? request.from?.tally : null) ?? emptyTally()
    const told = new Set(tally.listed.map(({ place, key }) => `${place} ${key}`))
    const from = usable ? known : null
    const all = [...roles.keys.values()].reduce((sum, keys) => sum + keys, 0)
    let seen = 0
    for (const database of roles.databases) {
      const sides = this.#sides(roles, database)
      for (const pass of PASSES) {
        if (from !== null && isBefore({ database, pass }, from)) {
          seen += roles.keys.get(database) ?? 0
          continue
        }
        const goesOn = from !== null && from.database === database && from.pass === pass
        let cursor = goesOn ? from.cursor : '0'
        do {
          const startedMs = performance.now()
          const scanned = await scan(sides[pass], cursor)
          cursor = scanned.cursor
          const keys = scanned.keys.filter((key) => !isOurs(key))
          const found = pass === 'active' ? await differing(sides, keys) : await alone(sides, keys)
          if (pass === 'active') tally.compared += keys.length
          if (found.length > 0)
            note({ found, database, request, roles, tally, told }, await settle(sides, found))
          seen += scanned.keys.length
          const done = cursor === '0'
          if (done && pass === 'standby') tally.places += 1
          const at: Reached = done
            ? nextPass({ database, pass }, roles)
            : { database, pass, cursor, runIds: roles.runIds }
          const ratio = all === 0 ? 1 : Math.min(1, seen / (2 * all))
          request.step({ ratio, place: `db${database}`, tally }, { ...at })
          if (request.stopped()) return { type: 'stopped' }
          // Most of the time is our own work on the answers, during which the servers are free already.
          await request.pause(performance.now() - startedMs)
        } while (cursor !== '0')
      }
      for (const line of [sides.active, sides.standby]) line.close()
    }
    return { type: 'done', tally }
  }

  async #roles(): Promise<Roles> {
    const limit = new Limit(STEP_MS)
    const [ours, theirs] = [this.#line('ours', 0), this.#line('theirs', 0)]
    const [own, other] = [await askAll(ours, limit), await askAll(theirs, limit)]
    const writable = own.replication.following === null
    if (writable === (other.replication.following === null)) {
      const what = writable ? 'both servers take writes' : 'neither server takes writes'
      throw new StoreFailure(
        'HA_STORE_REFUSED',
        `${what}; compare when one node serves and the other follows it`,
      )
    }
    const standby = writable ? other : own
    if (standby.replication.following?.linkUp !== true) {
      throw new StoreFailure(
        'HA_STORE_REFUSED',
        'the standby does not follow the active; compare when it does',
      )
    }
    const keys = keyCounts(writable ? own.fields : other.fields)
    return {
      leader: writable ? 'ours' : 'theirs',
      active: writable ? ours : theirs,
      standby: writable ? theirs : ours,
      runIds: `${own.server.runId} ${other.server.runId}`,
      keys,
      databases: [...new Set([...keys.keys(), ...keyCounts(standby.fields).keys()])].sort(
        (a, b) => a - b,
      ),
    }
  }

  #sides({ leader }: Roles, database: number): RedisSides {
    return {
      active: this.#line(leader, database),
      standby: this.#line(leader === 'ours' ? 'theirs' : 'ours', database),
    }
  }

  #line(side: 'ours' | 'theirs', database: number): RedisLine {
    const line = new RedisLine({ ...this.#options[side], database })
    this.#lines.push(line)
    return line
  }
}

/** `db0:keys=17,expires=0,avg_ttl=0` of each. */
function keyCounts(fields: InfoFields): Map<number, number> {
  const counts = new Map<number, number>()
  for (const [name, value] of fields) {
    const database = /^db(\d+)$/.exec(name)?.[1]
    const keys = /^keys=(\d+)/.exec(value)?.[1]
    if (database !== undefined && keys !== undefined) counts.set(Number(database), Number(keys))
  }
  return counts
}

async function scan(line: RedisLine, cursor: string): Promise<{ cursor: string; keys: Buffer[] }> {
  const limit = new Limit(STEP_MS)
  const reply = await line.bytes(['SCAN', cursor, 'COUNT', String(BATCH)], limit)
  const [next, keys] = reply as [Buffer, Buffer[]]
  return { cursor: String(next), keys }
}

/** Keys of ours, such as the probe's, are written on the active alone all the time. */
function isOurs(key: Buffer): boolean {
  return key.subarray(0, KEY_PREFIX.length).toString('latin1') === KEY_PREFIX
}

/** Those of the active that look otherwise on the standby, or are too large for one look. */
async function differing(
  { active, standby }: RedisSides,
  keys: readonly Buffer[],
): Promise<Buffer[]> {
  const limit = new Limit(STEP_MS)
  const sizes = await standby.manyBytes(
    keys.map((key) => ['MEMORY', 'USAGE', key, 'SAMPLES', '1']),
    limit,
  )
  const suspects: Buffer[] = []
  let group: Buffer[] = []
  let groupBytes = 0
  const compareGroup = async (): Promise<void> => {
    const first = await dumpWords(active, group)
    const second = await dumpWords(standby, group)
    const alike = (index: number): boolean =>
      JSON.stringify(first[index]) === JSON.stringify(second[index])
    suspects.push(...group.filter((_, index) => !alike(index)))
    group = []
    groupBytes = 0
  }
  for (const [index, key] of keys.entries()) {
    const bytes = Number(sizes[index] ?? 0)
    if (bytes > DUMP_BYTES_MAX) {
      suspects.push(key)
      continue
    }
    group.push(key)
    groupBytes += bytes
    if (groupBytes > GROUP_BYTES) await compareGroup()
  }
  await compareGroup()
  return suspects
}

/** Those of the standby that the active does not have. */
async function alone({ active }: RedisSides, keys: readonly Buffer[]): Promise<Buffer[]> {
  const limit = new Limit(STEP_MS)
  const there = await active.manyBytes(
    keys.map((key) => ['EXISTS', key]),
    limit,
  )
  return keys.filter((_, index) => there[index] === 0)
}

interface Noting {
  found: readonly Buffer[]
  database: number
  request: VerifyRequest
  roles: Roles
  tally: VerifyTally
  told: Set<string>
}

function note(
  { found, database, request, roles, tally, told }: Noting,
  verdicts: readonly Verdict[],
): void {
  const active = request.names[roles.leader]
  const standby = request.names[roles.leader === 'ours' ? 'theirs' : 'ours']
  for (const [index, verdict] of verdicts.entries()) {
    if (verdict === 'same') continue
    if (verdict === 'unsettled') {
      tally.unsettled += 1
      continue
    }
    const key = showKey(found[index] ?? Buffer.alloc(0))
    const place = `db${database}`
    if (told.has(`${place} ${key}`)) continue
    if (told.size < TOLD_MAX) told.add(`${place} ${key}`)
    const onlyOn = verdict === 'active-only' ? active : verdict === 'standby-only' ? standby : null
    addDifference(tally, { place, key, onlyOn })
  }
}

/** As text where it is text; bytes that are none as `\xff`. */
export function showKey(key: Buffer): string {
  const text = key.toString('utf8')
  if (Buffer.from(text, 'utf8').equals(key)) return text
  return key.toString('latin1').replace(/[^\x20-\x7e]/g, (byte) => {
    return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

function isBefore(one: Pick<Reached, 'database' | 'pass'>, other: Reached): boolean {
  if (one.database !== other.database) return one.database < other.database
  return PASSES.indexOf(one.pass) < PASSES.indexOf(other.pass)
}

function nextPass({ database, pass }: Pick<Reached, 'database' | 'pass'>, roles: Roles): Reached {
  const { runIds } = roles
  if (pass === 'active') return { database, pass: 'standby', cursor: '0', runIds }
  return { database: database + 1, pass: 'active', cursor: '0', runIds }
}

/** As written by an earlier run; anything else begins anew. */
function readPlace(at: VerifyPlace | undefined): Reached | null {
  const { database, pass, cursor, runIds } = at ?? {}
  const known = PASSES.find((name) => name === pass)
  if (typeof database !== 'number' || known === undefined) return null
  if (typeof cursor !== 'string' || typeof runIds !== 'string') return null
  return /^\d+$/.test(cursor) ? { database, pass: known, cursor, runIds } : null
}
