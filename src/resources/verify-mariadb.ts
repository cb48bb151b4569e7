/**
 * Do two MariaDB servers hold the same rows?
 *
 * The order of the steps: catalogue, then table after table, each in chunks at moments that are the same
 * for both servers. What is found is found for certain, for nothing changes inside a moment. Changes
 * nothing, repairs nothing.
 */
import type { Lane } from './mariadb-door.ts'
import { judgeFailure, SqlFailure } from './mariadb-fault.ts'
import { Limit, StoreFailure } from './store-result.ts'
import {
  alike,
  type ChunkRange,
  type ChunkRow,
  type ChunkSide,
  compareChunks,
} from './verify-chunks.ts'
import { type Catalogue, pairTables, readTables } from './verify-mariadb-catalog.ts'
import {
  MOMENT_LIFE_MS,
  type Moment,
  type MomentServers,
  Moments,
} from './verify-mariadb-moment.ts'
import {
  boundaryOf,
  type Key,
  listOf,
  readKey,
  showKey,
  summaryOf,
  type Table,
} from './verify-mariadb-sql.ts'
import { runVerify } from './verify-run.ts'
import {
  addDifference,
  addNote,
  emptyTally,
  PAUSE_FACTOR,
  type Verifier,
  type VerifyEnd,
  type VerifyPlace,
  type VerifyRequest,
} from './verify-tally.ts'

export interface MariadbVerifyOptions extends MomentServers {
  /** Null: all that the account may see. */
  schemas: readonly string[] | null
  /** How often a snapshot is taken anew, ms; for tests. */
  momentLifeMs?: number
}

/** For one chunk: much more than it should take, less than the server lets it run. */
const CHUNK_LIMIT_MS = 120_000
const WHOLE_LIMIT_MS = 600_000
const CATALOGUE_LIMIT_MS = 60_000

/** A table was changed in its shape under a snapshot. */
const SHAPE_CHANGED = 1412
const NO_SUCH_TABLE = 1146
const GONE: ReadonlySet<number> = new Set([SHAPE_CHANGED, NO_SUCH_TABLE, 1054, 1176])

/** What was reached: everything before this table, and of it everything up to the key. */
interface Reached {
  place: string
  upTo: Key | null
}

export class MariadbVerifier implements Verifier {
  readonly #options: MariadbVerifyOptions
  readonly #moments: Moments
  #moment: Moment | null = null

  constructor(options: MariadbVerifyOptions, moments = new Moments(options)) {
    this.#options = options
    this.#moments = moments
  }

  run(request: VerifyRequest): Promise<VerifyEnd> {
    return runVerify(request, {
      compare: (all) => this.#run(all),
      faultOf: (failure) => {
        if (!(failure instanceof SqlFailure)) return null
        const { code, why } = judgeFailure(failure)
        return { code, message: `${failure.where}: ${why}` }
      },
      close: () => this.close(),
    })
  }

  close(): void {
    this.#moments.close()
  }

  async #run(request: VerifyRequest): Promise<VerifyEnd> {
    const leader = await this.#moments.leader()
    const { tables, differences, notes } = await this.#catalogue(request)
    if (tables.length === 0 && differences.length === 0) {
      const why = 'the account sees no table on either server'
      throw new StoreFailure('HA_STORE_REFUSED', `${why}; if there are any, GRANT SELECT on them`)
    }
    const tally = request.from?.tally ?? emptyTally()
    const reached = readPlace(request.from?.at)
    if (reached === null) {
      for (const difference of differences) addDifference(tally, difference)
    }
    for (const note of notes) addNote(tally, note)
    const all = tables.reduce((sum, { rowsEstimate }) => sum + Math.max(1, rowsEstimate), 0)
    for (const table of tables) {
      const place = `${table.schema}.${table.name}`
      if (reached !== null && place < reached.place) continue
      const upTo = reached?.place === place ? usableKey(table, reached.upTo) : null
      const step = (rows: number, last: Key | null): boolean => {
        tally.compared += rows
        if (last === null) tally.places += 1
        const ratio = all === 0 ? 1 : Math.min(1, tally.compared / all)
        // A table that is done is followed by nothing of it: the next one begins after its name.
        const at: Reached =
          last === null ? { place: `${place}\0`, upTo: null } : { place, upTo: last }
        request.step({ ratio, place, tally }, { ...at })
        return !request.stopped()
      }
      const found = (key: Key | null, side: 'ours' | 'theirs' | null): void =>
        addDifference(tally, {
          place,
          key: key === null ? null : showKey(table, key),
          onlyOn: side === null ? null : request.names[side],
        })
      try {
        const ended = await this.#compareTable(table, { upTo, leader, step, found, request })
        if (!ended) return { type: 'stopped' }
      } catch (failure) {
        if (!(failure instanceof SqlFailure) || !GONE.has(failure.errno)) throw failure
        addNote(
          tally,
          `${place} was changed in its shape meanwhile; the rest of it was not compared`,
        )
        if (!step(0, null)) return { type: 'stopped' }
      }
    }
    return { type: 'done', tally }
  }

  async #catalogue({ names }: VerifyRequest): Promise<Catalogue> {
    const { ours, theirs } = await this.#moments.lanes()
    const limit = new Limit(CATALOGUE_LIMIT_MS)
    const { schemas } = this.#options
    return pairTables(
      await readTables(ours, schemas, limit),
      await readTables(theirs, schemas, limit),
      names,
    )
  }

  async #compareTable(
    table: Table,
    {
      upTo,
      leader,
      step,
      found,
      request,
    }: {
      upTo: Key | null
      leader: 'ours' | 'theirs'
      step: (rows: number, last: Key | null) => boolean
      found: (key: Key | null, onlyOn: 'ours' | 'theirs' | null) => void
      request: VerifyRequest
    },
  ): Promise<boolean> {
    const now = (): number => performance.now()
    if (table.key === null) {
      const { ours, theirs } = await this.#currentMoment(leader)
      const startedMs = now()
      const all = { after: null, upTo: null }
      const own = await summarize(ours, table, all, WHOLE_LIMIT_MS)
      const other = await summarize(theirs, table, all, WHOLE_LIMIT_MS)
      if (!alike(own, other)) found(null, null)
      const goOn = step(Math.max(own.rows, other.rows), null)
      if (goOn) await request.pause(PAUSE_FACTOR * (now() - startedMs))
      return goOn
    }
    return await compareChunks<Key>(
      {
        sides: async () => {
          const { ours, theirs } = await this.#currentMoment(leader)
          return { ours: sideOf(ours, table), theirs: sideOf(theirs, table), leader }
        },
        found: ({ key, onlyOn }) => found(key, onlyOn),
        done: step,
        pause: request.pause,
        now,
      },
      upTo,
    )
  }

  /** @throws StoreFailure  when the roles changed since the beginning */
  async #currentMoment(leader: 'ours' | 'theirs'): Promise<Moment> {
    const life = this.#options.momentLifeMs ?? MOMENT_LIFE_MS
    if (this.#moment === null || performance.now() - this.#moment.atMs > life) {
      this.#moment = await this.#moments.take()
    }
    if (this.#moment.leader === leader) return this.#moment
    throw new StoreFailure(
      'HA_STORE_REFUSED',
      'the role changed meanwhile; begin again when the pair is settled',
    )
  }
}

function sideOf(lane: Lane, table: Table): ChunkSide<Key> {
  return {
    summary: (range) => summarize(lane, table, range, CHUNK_LIMIT_MS),
    boundary: async (range, rows) => {
      const answer = await lane.ask(boundaryOf(table, range, rows), new Limit(CHUNK_LIMIT_MS))
      const [row] = answer.rows
      return row === undefined ? null : readKey(table, row)
    },
    rows: async (range) => {
      const { rows } = await lane.ask(listOf(table, range), new Limit(CHUNK_LIMIT_MS))
      const words = new Map<string, ChunkRow<Key>>()
      for (const row of rows) {
        const key = readKey(table, row)
        words.set(JSON.stringify(key), { key, word: row['word'] ?? '' })
      }
      return words
    },
  }
}

async function summarize(
  lane: Lane,
  table: Table,
  range: ChunkRange<Key>,
  limitMs: number,
): Promise<{ rows: number; word: string }> {
  const { rows } = await lane.ask(summaryOf(table, range), new Limit(limitMs))
  return { rows: Number(rows[0]?.['amount'] ?? 0), word: rows[0]?.['total'] ?? '' }
}

/** The key may have been another when it was written down: then from the beginning. */
function usableKey(table: Table, key: Key | null): Key | null {
  if (key === null || table.key?.length !== key.length) return null
  try {
    summaryOf(table, { after: key, upTo: null })
    return key
  } catch {
    return null
  }
}

/** As written by an earlier run; anything else begins anew. */
function readPlace(at: VerifyPlace | undefined): Reached | null {
  const place = at?.['place']
  const upTo = at?.['upTo']
  if (typeof place !== 'string') return null
  if (upTo === null) return { place, upTo: null }
  const isKey = Array.isArray(upTo) && upTo.every((part) => typeof part === 'string')
  return isKey ? { place, upTo } : null
}
