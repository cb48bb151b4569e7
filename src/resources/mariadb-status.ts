/**
 * What do one server's variables and replication status say?
 *
 * Turns rows of MariaDB into the few facts that decisions need, and judges from two looks whether what
 * the peer sends still comes in: both threads say `Yes` for up to `slave_net_timeout` on a line that
 * is dead. While nothing is written the peer sends a sign of life every second (`HEARTBEAT_SECONDS`), so
 * silence can be told.
 */
import { type Gtid, newestOf, parseGtidList } from './gtid.ts'
import type { Asks, SqlRow } from './mariadb-door.ts'
import type { SemiSyncStatus } from './mariadb-semi-sync.ts'
import type { StorePosition, StoreRole } from './replicated-store.ts'
import { type Limit, StoreFailure } from './store-result.ts'

/** How often an active with nothing to send says so; given to CHANGE MASTER. */
export const HEARTBEAT_SECONDS = 1
/** Linked, and nothing heard for longer than this, is not following. */
const SILENCE_MAX_MS = 3500

export interface ReplicationStatus {
  /** Of the peer, as CHANGE MASTER was told. */
  host: string
  port: number
  receiver: 'yes' | 'connecting' | 'no'
  applier: boolean
  usesGtid: boolean
  /** Newest transaction received completely; empty before the first. */
  received: readonly Gtid[]
  /** Changes whenever something comes in. */
  mark: string
  /** Something came since the receiver connected. */
  heard: boolean
  receiverErrno: number
  applierErrno: number
  /** May hold values of rows: not for messages as it is. */
  applierError: string
}

export interface ServerState {
  role: StoreRole
  version: string
  domain: number
  server: number
  binlogOn: boolean
  binlogPos: readonly Gtid[]
  binlogState: readonly Gtid[]
  slavePos: readonly Gtid[]
  /** As the server writes it, relative to its data directory. */
  pidFile: string
  dataDirectory: string
  uptimeSeconds: number
  binlogBase: string | null
  /** Null when it never had a peer. */
  replication: ReplicationStatus | null
  semiSync: SemiSyncStatus
}

const VARIABLES = `SELECT @@global.read_only AS ro, @@version AS version,
  @@global.gtid_domain_id AS domain, @@global.server_id AS server, @@global.log_bin AS log_bin,
  @@global.gtid_binlog_pos AS binlog_pos, @@global.gtid_binlog_state AS binlog_state,
  @@global.gtid_slave_pos AS slave_pos, @@global.pid_file AS pid_file,
  @@global.datadir AS datadir, @@global.log_bin_basename AS base`

const STATUS = `SHOW GLOBAL STATUS WHERE Variable_name IN
  ('Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients', 'Rpl_semi_sync_master_yes_tx',
    'Rpl_semi_sync_master_wait_sessions', 'Uptime')`

/** Looks at everything above; three statements. */
export async function lookAtServer(lane: Asks, limit: Limit): Promise<ServerState> {
  const variables = (await lane.ask(VARIABLES, limit)).rows[0] ?? {}
  const replication = await replicationOf(lane, limit)
  const status = new Map(
    (await lane.ask(STATUS, limit)).rows.map((row) => [row['Variable_name'], row['Value']]),
  )
  return {
    role: variables['ro'] === '0' ? 'writable' : 'read-only',
    version: variables['version'] ?? '',
    domain: Number(variables['domain']),
    server: Number(variables['server']),
    binlogOn: variables['log_bin'] === '1',
    binlogPos: listOf(variables['binlog_pos']),
    binlogState: listOf(variables['binlog_state']),
    slavePos: listOf(variables['slave_pos']),
    pidFile: variables['pid_file'] ?? '',
    dataDirectory: variables['datadir'] ?? '',
    uptimeSeconds: Number(status.get('Uptime') ?? 0),
    binlogBase: variables['base'] ?? null,
    replication,
    semiSync: {
      on:
        status.get('Rpl_semi_sync_master_status') === 'ON' &&
        Number(status.get('Rpl_semi_sync_master_clients') ?? 0) > 0,
      acknowledged: Number(status.get('Rpl_semi_sync_master_yes_tx') ?? 0),
      waiting: Number(status.get('Rpl_semi_sync_master_wait_sessions') ?? 0),
    },
  }
}

/** The link of the server that has no name; others are none of ours. */
export async function replicationOf(lane: Asks, limit: Limit): Promise<ReplicationStatus | null> {
  const { rows } = await lane.ask('SHOW ALL SLAVES STATUS', limit)
  const row = rows.find((candidate) => (candidate['Connection_name'] ?? '') === '')
  return row === undefined ? null : readReplication(row)
}

/** Reads one row of SHOW ALL SLAVES STATUS. */
export function readReplication(row: SqlRow): ReplicationStatus {
  const receiver = row['Slave_IO_Running']
  return {
    host: row['Master_Host'] ?? '',
    port: Number(row['Master_Port']),
    receiver: receiver === 'Yes' ? 'yes' : receiver === 'No' ? 'no' : 'connecting',
    applier: row['Slave_SQL_Running'] === 'Yes',
    usesGtid: (row['Using_Gtid'] ?? 'No') !== 'No',
    received: listOf(row['Gtid_IO_Pos']),
    mark: ['Gtid_IO_Pos', 'Master_Log_File', 'Read_Master_Log_Pos', 'Slave_received_heartbeats']
      .map((name) => row[name] ?? '')
      .join(' '),
    // Empty until the first event of the connection, which names the peer's file.
    heard: (row['Master_Log_File'] ?? '') !== '',
    receiverErrno: Number(row['Last_IO_Errno'] ?? 0),
    applierErrno: Number(row['Last_SQL_Errno'] ?? 0),
    applierError: row['Last_SQL_Error'] ?? '',
  }
}

function listOf(text: string | null | undefined): Gtid[] {
  const list = parseGtidList(text ?? '')
  if (list === null) {
    throw new StoreFailure('HA_STORE_REFUSED', 'the server gave a GTID list that cannot be read')
  }
  return list
}

/** Some slave thread runs or tries to. */
export function isLinked(replication: ReplicationStatus | null): boolean {
  return replication !== null && (replication.receiver !== 'no' || replication.applier)
}

/**
 * It receives, and acknowledges, what it does not apply. With an error it cannot; without one it is linked
 * anew, and what was received is given up for that and fetched again.
 */
export function onlyReceives(replication: ReplicationStatus): boolean {
  return isLinked(replication) && !replication.applier
}

/** The link leads to that server and no other. */
export function linksTo(
  link: ReplicationStatus | null,
  to: { host: string; port: number },
): boolean {
  return link !== null && link.host === to.host && link.port === to.port
}

/**
 * How far the data of this server reaches.
 *
 * While it follows, what is applied; alone, whichever of its two lists reaches further: a server that was
 * active wrote on without its slave position moving, and one that was filled from a copy has only that.
 */
export function positionOf(state: ServerState): StorePosition {
  const applied = newestOf(state.slavePos, state.domain)?.sequence ?? 0
  const written = newestOf(state.binlogPos, state.domain)?.sequence ?? 0
  const following = state.replication?.applier === true && state.role === 'read-only'
  return {
    history: String(state.domain),
    offset: following ? applied : Math.max(applied, written),
  }
}

/** Received and not yet applied, in transactions; null when nothing is received. */
export function backlogOf(state: ServerState): number | null {
  if (!isLinked(state.replication)) return null
  const received = newestOf(state.replication?.received ?? [], state.domain)
  if (received === null) return null
  const applied = newestOf(state.slavePos, state.domain)?.sequence ?? 0
  return Math.max(0, received.sequence - applied)
}

/** Remembers when something last came in. */
export class Flow {
  #mark: string | null = null
  #changedMs = 0

  /**
   * Whether the server follows.
   *
   * @param nowMs  monotonic; the first look starts the count of silence
   */
  follows(replication: ReplicationStatus | null, nowMs: number): boolean {
    const up =
      replication !== null &&
      replication.receiver === 'yes' &&
      replication.applier &&
      replication.heard
    if (!up) {
      this.#mark = null
      return false
    }
    if (replication.mark !== this.#mark) {
      this.#mark = replication.mark
      this.#changedMs = nowMs
    }
    return nowMs - this.#changedMs <= SILENCE_MAX_MS
  }
}
