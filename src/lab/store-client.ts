/**
 * An application of the lab: writes to a store through the floating IP all the time, and remembers what
 * was acknowledged and when.
 *
 * What was acknowledged must be found in the surviving store; how long nothing was acknowledged is what
 * an application feels of a move.
 */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LabMariadb, MARIADB_PORT } from './mariadb.ts'
import { namespaceOf } from './plan.ts'
import { inside, type Running, startProgram } from './process.ts'
import { labProgram } from './program.ts'
import { type LabRedis, REDIS_PORT } from './redis.ts'
import type { Lab } from './topology.ts'

/** One acknowledged write; `atMs` of the monotonic clock, see `monotonicMs`. */
export interface Write {
  key: string
  atMs: number
}

/** The clock of the writers, the same in every process of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Keys of one client of MariaDB. */
const IDS_EACH = 10_000_000

export class StoreClient {
  readonly #outFile: string
  readonly #running: Running

  private constructor(outFile: string, running: Running) {
    this.#outFile = outFile
    this.#running = running
  }

  /**
   * Writes from now on until stopped.
   *
   * @param number  of this client, unique for its store while the lab stands; its keys begin with it
   */
  static async start(
    lab: Lab,
    { kind, number, perSecond }: { kind: 'redis' | 'mariadb'; number: number; perSecond: number },
  ): Promise<StoreClient> {
    const { workDir } = lab.plan
    const outFile = `${workDir}/${kind}-client-${number}.log`
    closeSync(openSync(outFile, 'w', 0o600))
    const address = lab.plan.floatingIps[0]?.address
    const where = { outFile, address, perSecond }
    const program =
      kind === 'redis'
        ? await labProgram('store-writer', { ...where, port: REDIS_PORT, prefix: `w${number}:` })
        : await labProgram('sql-writer', {
            ...where,
            ...{ port: MARIADB_PORT, firstId: number * IDS_EACH },
          })
    const running = startProgram(inside(namespaceOf(lab.plan, 'client'), program), {
      logFile: `${workDir}/${kind}-client.err`,
    })
    return new StoreClient(outFile, running)
  }

  /** Everything acknowledged so far, in the order of the moments. */
  acknowledged(): Write[] {
    const lines = readFileSync(this.#outFile, 'utf8').split('\n')
    // The last line may be half written.
    return lines.slice(0, -1).map((line) => {
      const [key = '', atMs = ''] = line.split(' ')
      return { key, atMs: Number(atMs) }
    })
  }

  async stop(): Promise<Write[]> {
    if (!this.#running.ended()) process.kill(this.#running.pid, 'SIGTERM')
    while (!this.#running.ended()) await sleep(10)
    return this.acknowledged()
  }
}

/** Longest time without an acknowledgement between two moments, ms. */
export function stallOf(writes: readonly Write[], fromMs: number, toMs: number): number {
  let lastMs = fromMs
  let longest = 0
  for (const { atMs } of writes) {
    if (atMs < fromMs) continue
    if (atMs > toMs) break
    longest = Math.max(longest, atMs - lastMs)
    lastMs = atMs
  }
  return Math.max(longest, toMs - lastMs)
}

/** When the first write after a moment was acknowledged; null when none was. */
export function nextAfter(writes: readonly Write[], fromMs: number): number | null {
  return writes.find(({ atMs }) => atMs > fromMs)?.atMs ?? null
}

/** Acknowledged, and not in the store. */
export async function lostOf(
  writes: readonly Write[],
  store: Pick<LabRedis, 'keys'> | Pick<LabMariadb, 'ids'>,
): Promise<string[]> {
  const [first] = writes
  if (first === undefined) return []
  const held = new Set(
    'keys' in store ? await store.keys(prefixOf(first)) : await idsOf(first, store),
  )
  return writes.filter(({ key }) => !held.has(key)).map(({ key }) => key)
}

/** What else the store holds is of other clients. */
function prefixOf({ key }: Write): string {
  return `${key.slice(0, key.indexOf(':'))}:*`
}

async function idsOf({ key }: Write, store: Pick<LabMariadb, 'ids'>): Promise<string[]> {
  const from = Math.floor(Number(key) / IDS_EACH) * IDS_EACH
  return (await store.ids(from, from + IDS_EACH)).map((id) => String(id))
}
