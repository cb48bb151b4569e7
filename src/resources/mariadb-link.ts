/**
 * How does our server come to follow the peer's, and how do we know that it does?
 *
 * A server that was active has a slave position from before that time; it is told to go on after what it
 * wrote itself. Then both threads must run and the peer must have sent something. Threads that say `Yes`
 * before that say nothing: the peer may be about to answer that it no longer has what is asked for.
 */
import { formatGtidList, newestOf } from './gtid.ts'
import { type Asks, quoted, type ServerAddress } from './mariadb-door.ts'
import { withoutValues } from './mariadb-fault.ts'
import {
  HEARTBEAT_SECONDS,
  type ReplicationStatus,
  replicationOf,
  type ServerState,
} from './mariadb-status.ts'
import type { StoreFaultCode } from './replicated-store.ts'
import { type Limit, pause, StoreFailure } from './store-result.ts'

export interface LinkRequest {
  state: ServerState
  peer: ServerAddress
  replication: { user: string; password: string }
}

/** How often the start of replication is looked at. */
const LOOK_EVERY_MS = 20

/** Sets position and address and starts both threads. They must be stopped. */
export async function startFollowing(act: Asks, request: LinkRequest, limit: Limit): Promise<void> {
  const { state, peer, replication } = request
  const written = newestOf(state.binlogPos, state.domain)
  const applied = newestOf(state.slavePos, state.domain)
  if (written !== null && written.sequence > (applied?.sequence ?? 0)) {
    await act.ask(`SET GLOBAL gtid_slave_pos=${quoted(formatGtidList([written]))}`, limit)
  }
  await act.ask(
    `CHANGE MASTER TO MASTER_HOST=${quoted(peer.host)}, MASTER_PORT=${peer.port},
      MASTER_USER=${quoted(replication.user)}, MASTER_PASSWORD=${quoted(replication.password)},
      MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=${HEARTBEAT_SECONDS},
      MASTER_USE_GTID=slave_pos`,
    limit,
  )
  await act.ask('START SLAVE', limit)
}

/** Waits until the peer's transactions come in. @throws StoreFailure with the reason it does not */
export async function awaitFollowing(look: Asks, where: string, limit: Limit): Promise<void> {
  let last: ReplicationStatus | null = null
  while (limit.leftMs() > LOOK_EVERY_MS) {
    last = await replicationOf(look, limit)
    if (last === null) throw new StoreFailure('HA_STORE_REFUSED', 'the link vanished')
    const fault = linkFault(last, where)
    // What cannot be reached is tried again every second, all else stays as it is.
    if (fault !== null && fault.code !== 'HA_STORE_UNREACHABLE') {
      throw new StoreFailure(fault.code, fault.message)
    }
    if (last.receiver === 'yes' && last.applier && last.heard) return
    await pause(LOOK_EVERY_MS)
  }
  const fault = last === null ? null : linkFault(last, where)
  if (fault !== null) throw new StoreFailure(fault.code, fault.message)
  throw new StoreFailure('HA_STORE_TIMEOUT', `replication from ${where} did not start in time`)
}

/** Numbers of connection failures: the way, not the will. */
const WAY_LOST: ReadonlySet<number> = new Set([2002, 2003, 2005, 2006, 2013, 2026])
const REFUSED_LOGIN: ReadonlySet<number> = new Set([1044, 1045, 1130, 1142, 1227, 1698, 4151])

/** What replication says is wrong; null when nothing is. */
export function linkFault(
  status: ReplicationStatus,
  where: string,
): { code: StoreFaultCode; message: string } | null {
  const { receiverErrno: receive, applierErrno: apply } = status
  if (apply !== 0) {
    const words = withoutValues(status.applierError)
    const conflict =
      apply === 1950 || apply === 1032 || apply === 1062
        ? 'the two servers have different rows; copy this one anew: tandem data rejoin NAME --copy'
        : 'mend it and START SLAVE, or copy this server anew: tandem data rejoin NAME --copy'
    return refused(
      `what ${where} sent could not be applied, error ${apply} (${words}); ${conflict}`,
    )
  }
  if (receive === 0) return null
  if (WAY_LOST.has(receive)) {
    return {
      code: 'HA_STORE_UNREACHABLE',
      message: `replication does not reach ${where} (error ${receive})`,
    }
  }
  if (REFUSED_LOGIN.has(receive)) {
    return {
      code: 'HA_STORE_FORBIDDEN',
      message: `${where} refuses the replication account (error ${receive}); compare its password and GRANT REPLICATION SLAVE to it for this host`,
    }
  }
  if (receive === 1236) {
    return refused(
      `${where} cannot send on from where this server is (error 1236): its binary log no longer has it, or the histories differ; copy this server anew: tandem data rejoin NAME --copy`,
    )
  }
  if (receive === 1593) {
    return refused(`this server and ${where} have the same server_id; give them different ones`)
  }
  return refused(
    `replication from ${where} failed with error ${receive}; see the server's error log`,
  )
}

function refused(message: string): { code: StoreFaultCode; message: string } {
  return { code: 'HA_STORE_REFUSED', message }
}
