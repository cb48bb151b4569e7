/**
 * What is known of those who guard the right beside the two nodes? Part of the heart's snapshot; moments are
 * those of its clock.
 */
import type { NodeName } from '../core/policy.ts'

/** The store that gives the lease in mode `witness`, as this node's keeper knows it. */
export interface WitnessSnapshot {
  /** The pair's record, as configured. */
  record: string
  endpoints: readonly {
    url: string
    /** Null: not asked yet. */
    answers: boolean | null
    /** Why it did not answer last; null when it did. */
    why: string | null
  }[]
  /** Whose name the record bears; null: nobody's, or it was never read. */
  holder: NodeName | null
  /** By this node, in the attempt that goes on. */
  held: boolean
  /** Since when the record is known to be as it is; null: it was never read. */
  changedMs: number | null
  answeredMs: number | null
  /** Since when nothing was answered; null: the last call was. */
  silentSinceMs: number | null
  /** Why it cannot be asked, when that lasts longer than a lease; null when it can. */
  trouble: string | null
  /** The last time when the record was taken from this node while it held it. */
  lost: { atMs: number; to: NodeName | null } | null
  /** Since the start. */
  calls: number
  failures: number
  /** Leases that were given to this node. */
  renewals: number
  /** How long the newest answered calls took; null while there was none. */
  callMs: { median: number; p99: number; max: number } | null
}

/** Who switches the peer off in mode `fence`, as this node's keeper knows it. */
export interface FenceSnapshot {
  /** As configured. */
  agent: string
  /** Whether the peer has power, as the agent said when it was looked at last; null: not known. */
  power: 'on' | 'off' | null
  lookedMs: number | null
  /** Why the agent could not be used when it was tried last; null when it could. */
  trouble: string | null
  /** It is switching the peer off. */
  running: boolean
  /** The newest fencing that came to an end. */
  last: { atMs: number; off: boolean; why: string } | null
}

export interface QuorumSnapshot {
  /** Null in other modes. */
  fence: FenceSnapshot | null
  /** Null in other modes. */
  witness: WitnessSnapshot | null
}
