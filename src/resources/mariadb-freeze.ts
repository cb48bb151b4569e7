/**
 * How is a server closed for the writes of everybody, without holding them up for long when it does not
 * work?
 *
 * `read_only` waits for every running statement, as a global lock does, and every other writer waits behind
 * it. So each try is bounded by the server itself, and between two tries the writers go on. A transaction
 * that is open and idle is not waited for; its COMMIT is refused afterwards and it is undone.
 * A FLUSH TABLES WITH READ LOCK, ours or a forgotten one, does not hold it up (seen with 10.11).
 *
 * @source  measured: a statement of 3 s held every writer up for 2.75 s without the bound
 */
import { blockersOf, isApplication, type Own, sessionsOf } from './mariadb-blockers.ts'
import type { Asks } from './mariadb-door.ts'
import { LOCK_WAIT_OVER, SqlFailure, STATEMENT_TIME_OVER, UNKNOWN_THREAD } from './mariadb-fault.ts'
import { type Limit, pause, type StoreFailure } from './store-result.ts'

/** How long one try may hold up writers. */
const TRY_MAX_MS = 500
/** Between two tries writers catch up. */
const PAUSE_MS = 50
const RESERVE_MS = 500

/** Kept for finding out who was in the way, and for a server that is late with giving up. */
export function reserveMsOf({ limitMs }: Limit): number {
  return Math.min(RESERVE_MS, limitMs / 3)
}

const CLOSE = 'SET GLOBAL read_only=1'

/** Lanes of one server that do not wait for each other. */
export interface Lanes {
  act: Asks
  look: Asks
}

/**
 * Carries out what waits for the statements of others, in tries, until no more than a reserve of the
 * limit is left.
 *
 * @returns false when every try was given up
 */
export async function inTries(
  act: Asks,
  statement: string,
  limit: Limit,
  untilLeftMs: number,
): Promise<boolean> {
  for (;;) {
    const leftMs = limit.leftMs() - untilLeftMs
    if (leftMs < 10) return false
    const seconds = Math.min(TRY_MAX_MS, leftMs) / 1000
    try {
      await act.ask(
        `SET STATEMENT max_statement_time=${seconds.toFixed(3)} FOR ${statement}`,
        limit,
      )
      return true
    } catch (failure) {
      if (!gaveUp(failure)) throw failure
    }
    await pause(Math.min(PAUSE_MS, Math.max(0, limit.leftMs() - untilLeftMs)))
  }
}

/** The server ended the statement at the bound we gave it. */
export function gaveUp(failure: unknown): boolean {
  return (
    failure instanceof SqlFailure &&
    (failure.errno === STATEMENT_TIME_OVER || failure.errno === LOCK_WAIT_OVER)
  )
}

/**
 * Ends sessions of applications.
 *
 * @param which  all of them, or those in whose open transaction rows are locked
 * @returns how many were told to end
 */
export async function endApplications(
  lanes: Lanes,
  own: Own,
  limit: Limit,
  which: 'all' | 'holding-rows',
): Promise<number> {
  const sessions = (await sessionsOf(lanes.look, limit)).filter(
    (session) =>
      isApplication(session, own) &&
      (which === 'all' || (session.transactionSeconds !== null && session.transactionRows > 0)),
  )
  let ended = 0
  for (const { id } of sessions) {
    try {
      await lanes.act.ask(`KILL ${id}`, limit)
      ended += 1
    } catch (failure) {
      // It left by itself in the meantime.
      if (!(failure instanceof SqlFailure) || failure.errno !== UNKNOWN_THREAD) throw failure
    }
  }
  return ended
}

/**
 * Closes the server for writes whatever it takes: first politely, then by ending the applications.
 *
 * To be called only when the gate is shut, so that nobody is told of a write that is then undone.
 */
export async function closeByForce(
  lanes: Lanes,
  own: Own,
  limit: Limit,
  refuse: (why: string) => StoreFailure,
): Promise<void> {
  if (await inTries(lanes.act, CLOSE, limit, limit.leftMs() * 0.7)) return
  await endApplications(lanes, own, limit, 'all')
  if (await inTries(lanes.act, CLOSE, limit, reserveMsOf(limit))) return
  const who = await blockersOf(lanes.look, own, limit)
  throw refuse(
    `writes go on although the applications were cut off: ${who}; what is left is to kill the server`,
  )
}
