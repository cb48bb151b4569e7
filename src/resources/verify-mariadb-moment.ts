/**
 * How do two servers come to be looked at in one and the same moment, while both are written?
 *
 * Each side begins a transaction with a consistent snapshot. The server tells at which place of its binary
 * log that snapshot was taken; where it is the log's end, the newest GTID is the snapshot's. We take ours
 * on the active, have the standby wait for that transaction and take its own at once, and go by it only when
 * both are exact and name the same transaction. Otherwise nothing was held up and it is tried again: a
 * few times at 200 writes a second, some dozens at 1 000 (measured: 6 and 20 of 11 ms each).
 *
 * Where that does not succeed, and only with an account that has RELOAD, writes are held for the few
 * milliseconds: the statement for the lock gives up by itself, and the session that holds it is ended by
 * the server after a second of silence, so that nobody's death leaves it behind.
 *
 * A snapshot keeps the server from throwing old rows away, so it is given back after a while.
 */
import { Lane, type Login, quoted, type ServerAddress } from './mariadb-door.ts'
import { SqlFailure } from './mariadb-fault.ts'
import { Limit, StoreFailure } from './store-result.ts'

/** The two servers as whoever compares sees them. */
export interface MomentServers {
  ours: ServerAddress
  theirs: ServerAddress
  login: Login
}

/** Both copies at one transaction. Statements are asked on the lanes until the next moment is taken. */
export interface Moment {
  ours: Lane
  theirs: Lane
  leader: 'ours' | 'theirs'
  gtid: string
  atMs: number
}

/** So long is tried without holding anything up. */
const QUIET_MS = 5_000
const STEP_MS = 5_000
const CATCH_UP_SECONDS = 0.5
/** No longer is a writer held up for the lock. */
const LOCK_SECONDS = 0.3
const LOCK_TRIES = 5
/** Snapshots are given back after it. */
export const MOMENT_LIFE_MS = 60_000
/** The server ends what of ours runs for longer, should we be gone. */
const STATEMENT_SECONDS = 600
/** And a session of ours that says nothing; one side waits while the other is read. */
const SILENCE_SECONDS = 900

/** Everything a look depends on, whatever the site's defaults are. */
const SESSION = [
  `SET SESSION time_zone='+00:00', autocommit=1, wait_timeout=${SILENCE_SECONDS},
    idle_transaction_timeout=0, idle_readonly_transaction_timeout=0,
    max_statement_time=${STATEMENT_SECONDS}`,
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
]

const NEEDS_RELOAD = 1227

/** What may be changed for a test. */
export interface MomentTiming {
  quietMs: number
}

export class Moments {
  readonly #servers: MomentServers
  readonly #timing: MomentTiming
  #lanes: { ours: Lane; theirs: Lane } | null = null

  constructor(servers: MomentServers, timing: MomentTiming = { quietMs: QUIET_MS }) {
    this.#servers = servers
    this.#timing = timing
  }

  /**
   * Which of the two takes writes.
   *
   * @throws StoreFailure  when it is not exactly one
   */
  async leader(): Promise<'ours' | 'theirs'> {
    const lanes = await this.#open()
    const [ours, theirs] = [await takesWrites(lanes.ours), await takesWrites(lanes.theirs)]
    if (ours === theirs) {
      const what = ours ? 'both servers take writes' : 'neither server takes writes'
      throw new StoreFailure(
        'HA_STORE_REFUSED',
        `${what}; compare when one node serves and the other follows it`,
      )
    }
    return ours ? 'ours' : 'theirs'
  }

  /**
   * @throws StoreFailure  when there is no such moment: nobody follows, or too much is written
   * @throws SqlFailure    of a statement
   */
  async take(): Promise<Moment> {
    const leader = await this.leader()
    const lanes = await this.#open()
    const active = lanes[leader]
    const standby = lanes[leader === 'ours' ? 'theirs' : 'ours']
    const untilMs = performance.now() + this.#timing.quietMs
    let behind = 0
    while (performance.now() < untilMs) {
      const gtid = await tryOnce(active, standby)
      if (gtid === 'behind') behind += 1
      else if (gtid !== null) return { ...lanes, leader, gtid, atMs: performance.now() }
      // It did not come in half a second, several times: it does not follow.
      if (behind >= 4) throw refuse('the standby does not get what the active writes')
    }
    const gtid = await this.#takeLocked(leader, { active, standby })
    return { ...lanes, leader, gtid, atMs: performance.now() }
  }

  /** A lane to the catalogue of each side. */
  async lanes(): Promise<{ ours: Lane; theirs: Lane }> {
    return await this.#open()
  }

  /** Gives the snapshots back. */
  close(): void {
    this.#lanes?.ours.close()
    this.#lanes?.theirs.close()
    this.#lanes = null
  }

  async #open(): Promise<{ ours: Lane; theirs: Lane }> {
    if (this.#lanes !== null) return this.#lanes
    const { ours, theirs, login } = this.#servers
    const lanes = { ours: new Lane(ours, login, 'one'), theirs: new Lane(theirs, login, 'one') }
    this.#lanes = lanes
    for (const lane of [lanes.ours, lanes.theirs]) {
      for (const statement of SESSION) await lane.ask(statement, new Limit(STEP_MS))
    }
    return lanes
  }

  async #takeLocked(
    leader: 'ours' | 'theirs',
    { active, standby }: { active: Lane; standby: Lane },
  ): Promise<string> {
    const busy = 'no moment was found at which both held the same, so much is written'
    for (let tries = 0; tries < LOCK_TRIES; tries += 1) {
      const lock = new Lane(this.#servers[leader], this.#servers.login, 'one')
      try {
        await lock.ask('SET SESSION wait_timeout=1', new Limit(STEP_MS))
        await lock.ask(
          `SET STATEMENT max_statement_time=${LOCK_SECONDS} FOR FLUSH TABLES WITH READ LOCK`,
          new Limit(STEP_MS),
        )
        const gtid = await tryOnce(active, standby)
        if (gtid !== null && gtid !== 'behind') return gtid
      } catch (failure) {
        if (!(failure instanceof SqlFailure) || failure.errno === 0) throw failure
        if (failure.errno === NEEDS_RELOAD) {
          throw refuse(`${busy}; compare when it is quieter, or GRANT RELOAD ON *.* to the account`)
        }
      } finally {
        // Ends the session, and the lock with it.
        lock.close()
      }
    }
    throw refuse(
      `${busy}, not even with writes held for ${LOCK_SECONDS} s; compare when it is quieter`,
    )
  }
}

/** @returns the transaction; null when it did not come out exact; `behind` when it did not arrive */
async function tryOnce(active: Lane, standby: Lane): Promise<string | 'behind' | null> {
  const limit = new Limit(STEP_MS)
  await active.ask('START TRANSACTION WITH CONSISTENT SNAPSHOT', limit)
  const gtid = await exactGtid(active, limit)
  if (gtid === null) return null
  const waited = await standby.ask(
    `SELECT MASTER_GTID_WAIT(${quoted(gtid)}, ${CATCH_UP_SECONDS}) AS waited`,
    limit,
  )
  if (waited.rows[0]?.['waited'] !== '0') return 'behind'
  await standby.ask('START TRANSACTION WITH CONSISTENT SNAPSHOT', limit)
  return (await exactGtid(standby, limit)) === gtid ? gtid : null
}

/**
 * The transaction that this session's snapshot ends with; null when it cannot be told.
 *
 * The newest GTID is written into the log before its transaction can be seen. Only when nothing was
 * written between the snapshot and the look at the log's end is it the snapshot's.
 */
async function exactGtid(lane: Lane, limit: Limit): Promise<string | null> {
  const { rows } = await lane.ask('SELECT @@global.gtid_binlog_pos AS gtid', limit)
  const end = (await lane.ask('SHOW MASTER STATUS', limit)).rows[0]
  const taken = await lane.ask("SHOW STATUS LIKE 'binlog_snapshot_%'", limit)
  const at = new Map(
    taken.rows.map((row) => [(row['Variable_name'] ?? '').toLowerCase(), row['Value']]),
  )
  const exact =
    at.get('binlog_snapshot_file') === end?.['File'] &&
    at.get('binlog_snapshot_position') === end?.['Position']
  return exact ? (rows[0]?.['gtid'] ?? null) : null
}

async function takesWrites(lane: Lane): Promise<boolean> {
  const { rows } = await lane.ask('SELECT @@global.read_only AS ro', new Limit(STEP_MS))
  return rows[0]?.['ro'] === '0'
}

function refuse(why: string): StoreFailure {
  return new StoreFailure('HA_STORE_REFUSED', why)
}
