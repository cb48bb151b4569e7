/**
 * What does our server hold that the peer's never saw?
 *
 * Both states are read and compared per domain and server (`gtid.ts`); nothing is changed. A server that
 * keeps no binary log, or has none of its own beside a peer that does, cannot tell.
 */
import { compareStates, countOf, formatGtidRange, type Gtid, type GtidRange } from './gtid.ts'
import type { Asks } from './mariadb-door.ts'
import type { ServerState } from './mariadb-status.ts'
import type { StoreComparison } from './replicated-store.ts'
import type { Limit } from './store-result.ts'

/** A comparison with what archive and undo need of it. */
export interface Divergence extends StoreComparison {
  errant: readonly GtidRange[]
  common: readonly Gtid[]
}

/** What of the peer is compared with ours. */
export interface PeerHistory {
  binlogOn: boolean
  state: readonly Gtid[]
  /** Its log goes back to its very first transaction. */
  complete: boolean
}

/** Compares; pure. */
export function judgeHistories(ours: ServerState, peer: PeerHistory): Divergence {
  if (!ours.binlogOn || !peer.binlogOn) {
    const whose = ours.binlogOn ? "the peer's server" : 'our server'
    return unknown(`${whose} keeps no binary log; set log_bin on both`)
  }
  if (ours.binlogState.length === 0 && ours.slavePos.length === 0) {
    if (peer.state.length === 0) return same('both servers have no history yet')
    // A new, empty server may follow from the very beginning; else it lacks what was cleared away.
    if (peer.complete) return same("our server is new and the peer's log is complete")
    return unknown("our server was never filled from the peer's, whose log begins later; copy it")
  }
  const { errant, common } = compareStates(ours.binlogState, peer.state)
  if (errant.length === 0) return { ...same('the peer has everything of ours'), common }
  const count = countOf(errant)
  return {
    verdict: 'ahead',
    ours: count,
    sentence: `${count} transaction${count === 1 ? '' : 's'} here that the peer never saw: ${errant.map(formatGtidRange).join(', ')}`,
    errant,
    common,
  }
}

function same(sentence: string): Divergence {
  return { verdict: 'same', ours: 0, sentence, errant: [], common: [] }
}

function unknown(sentence: string): Divergence {
  return { verdict: 'unknown', ours: null, sentence, errant: [], common: [] }
}

/** Whether a server's log begins with its very first transaction. */
export async function logIsComplete(lane: Asks, limit: Limit): Promise<boolean> {
  const first = (await lane.ask('SHOW BINARY LOGS', limit)).rows[0]?.['Log_name']
  if (first == null) return false
  const begin = await stateAtBegin(lane, first, limit)
  return begin === '[]'
}

/**
 * State of the server when it began a file of its log, as `[0-1-5]`; null when the file does not say.
 *
 * @param file  a name that SHOW BINARY LOGS gave
 */
export async function stateAtBegin(lane: Asks, file: string, limit: Limit): Promise<string | null> {
  const name = file.replace(/[^\w.-]/g, '')
  const { rows } = await lane.ask(`SHOW BINLOG EVENTS IN '${name}' LIMIT 4`, limit)
  return rows.find((row) => row['Event_type'] === 'Gtid_list')?.['Info'] ?? null
}
