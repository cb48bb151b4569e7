/**
 * How are the writes of everybody held, so that a client waits instead of being refused?
 *
 * By FLUSH TABLES WITH READ LOCK in a session of its own. A refused client connects anew at once, into the
 * moment in which nobody owns the address, and then waits for the times of TCP; one that is held has sent
 * its write already, says nothing, and is called by the new active. It is no guard: a lock ends with its
 * session. Who demotes sets `read_only` besides, before the lock is given up.
 *
 * A running SELECT and a transaction that is open and idle are not waited for (10.11). Should we die, the
 * server gives the lock up by itself, and writes go on.
 *
 * @source  measured, 12 moves under 500 writes/s: 60 to 100 ms without a confirmed write, and no error but
 *   the closed connection; with `read_only` alone every other move took 350 ms
 */
import { blockersOf, type Own } from './mariadb-blockers.ts'
import type { Asks, Lane } from './mariadb-door.ts'
import { inTries, reserveMsOf } from './mariadb-freeze.ts'
import { type Limit, StoreFailure } from './store-result.ts'

export class WriteHold {
  readonly #open: () => Lane
  #lane: Lane | null = null

  /** @param open  makes a session that is not begun anew when it breaks: the lock is in it */
  constructor(open: () => Lane) {
    this.#open = open
  }

  /** The lock is ours, as far as the connection tells. */
  get stands(): boolean {
    return this.#lane !== null && this.#lane.sessionId !== null
  }

  /** Somebody ended our session, and the lock with it. */
  get lost(): boolean {
    return this.#lane !== null && !this.stands
  }

  /**
   * Holds all writes, or says who is in the way; then they go on as before.
   *
   * @throws StoreFailure  HA_STORE_REFUSED, naming who is in the way
   */
  async take(
    look: Asks,
    own: Own,
    limit: Limit,
    refuse: (why: string) => StoreFailure,
  ): Promise<void> {
    if (this.stands) return
    this.drop()
    const lane = this.#open()
    // Before it is asked for: what was not answered in time may still happen.
    this.#lane = lane
    try {
      if (await inTries(lane, 'FLUSH TABLES WITH READ LOCK', limit, reserveMsOf(limit))) return
      throw refuse(`writes could not be stopped: ${await blockersOf(look, own, limit)}`)
    } catch (failure) {
      this.drop()
      throw failure
    }
  }

  /** What a session asks that holds the lock: it fails when the lock is gone. */
  ask(sql: string, limit: Limit) {
    if (this.#lane === null) throw new StoreFailure('HA_STORE_REFUSED', 'no writes are held')
    return this.#lane.ask(sql, limit)
  }

  /** Writes go on when this returns. Also right when none were held. */
  async release(limit: Limit): Promise<void> {
    const lane = this.#lane
    if (lane === null) return
    try {
      if (this.stands) await lane.ask('UNLOCK TABLES', limit)
    } finally {
      this.drop()
    }
  }

  /** Gives the lock up without waiting for the server. */
  drop(): void {
    this.#lane?.close()
    this.#lane = null
  }
}
