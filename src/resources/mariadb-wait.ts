/**
 * How do we wait until a server has everything up to a point?
 *
 * `MASTER_GTID_WAIT` waits inside the server and comes back within a millisecond of the event. What was
 * received is told by `Gtid_IO_Pos`, which counts whole transactions: positions in log files never
 * meet when the sender died in the middle of one, and `Seconds_Behind_Master` is empty then.
 */
import { formatGtidList, newestOf, parseGtidList } from './gtid.ts'
import { type Asks, quoted } from './mariadb-door.ts'
import { linkFault } from './mariadb-link.ts'
import { isLinked, lookAtServer, positionOf, replicationOf } from './mariadb-status.ts'
import type { StorePosition } from './replicated-store.ts'
import { type Limit, StoreFailure } from './store-result.ts'

/** Kept for the way of the answer, and for finding out how far it came. */
const RESERVE_MS = 40

/** Waits for one GTID; domain and sequence number are what counts. @returns whether it came in time */
async function waitFor(lane: Asks, gtid: string, limit: Limit): Promise<boolean> {
  const leftMs = limit.leftMs()
  const seconds = Math.max(1, leftMs - Math.min(RESERVE_MS, leftMs / 4)) / 1000
  const { rows } = await lane.ask(
    `SELECT MASTER_GTID_WAIT(${quoted(gtid)}, ${seconds.toFixed(3)}) AS reached`,
    limit,
  )
  return rows[0]?.['reached'] === '0'
}

/** Waits until the peer's server applied everything up to a position of ours. @throws StoreFailure */
export async function waitForPosition(
  peer: Asks,
  where: string,
  position: StorePosition,
  limit: Limit,
): Promise<void> {
  if (position.offset === 0) return
  const domain = Number(position.history)
  if (await waitFor(peer, `${domain}-1-${position.offset}`, limit)) return
  const { rows } = await peer.ask('SELECT @@global.gtid_slave_pos AS pos', limit)
  const reached = newestOf(parseGtidList(rows[0]?.['pos'] ?? '') ?? [], domain)?.sequence ?? 0
  throw new StoreFailure(
    'HA_STORE_TIMEOUT',
    `${where} has transaction ${reached} of ${position.offset} after ${Math.round(limit.limitMs)} ms`,
  )
}

/**
 * Applies all that was received.
 *
 * @returns the position then
 * @throws StoreFailure  when it cannot be applied, or not in time
 */
export async function drainReceived(
  act: Asks,
  where: string,
  limit: Limit,
): Promise<StorePosition> {
  for (;;) {
    const state = await lookAtServer(act, limit)
    const { replication } = state
    const received = newestOf(replication?.received ?? [], state.domain)
    const applied = newestOf(state.slavePos, state.domain)?.sequence ?? 0
    const behind = received !== null && received.sequence > applied
    if (state.role === 'writable' || replication === null || !behind) return positionOf(state)
    if (!replication.applier) {
      const fault = linkFault({ ...replication, receiverErrno: 0 }, where)
      if (fault !== null) throw new StoreFailure(fault.code, fault.message)
      // Alone on purpose, with both threads stopped: what lies in the relay log was given up then.
      if (!isLinked(replication)) return positionOf(state)
      await act.ask('START SLAVE SQL_THREAD', limit)
    }
    if (!(await waitFor(act, formatGtidList([received]), limit))) {
      const now = await replicationOf(act, limit)
      const fault = now === null ? null : linkFault({ ...now, receiverErrno: 0 }, where)
      if (fault !== null) throw new StoreFailure(fault.code, fault.message)
      throw new StoreFailure(
        'HA_STORE_TIMEOUT',
        `what was received is not applied after ${Math.round(limit.limitMs)} ms (transaction ${applied} of ${received.sequence} at the last look)`,
      )
    }
  }
}
