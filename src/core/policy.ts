/**
 * Which numbers do decisions depend on, and how must they relate?
 *
 * The letters of PROTOCOL ("Times") stand beside each name, because the rules are easier to check
 * against the text with them. Only H, S, L, M, C and staleWait are chosen; the rest follows, so that
 * nobody can configure a pair whose takeover is quicker than its lease.
 */

/** Names of the nodes inside the pair. Neither is inherently first. */
export const NODE_NAMES = ['sp1', 'sp2'] as const
export type NodeName = (typeof NODE_NAMES)[number]

/** How the right to be active is guarded; one per pair, the same on both nodes. */
export type Mode = 'ping' | 'witness' | 'fence'

/** The numbers an operator may choose. All in milliseconds. */
export interface TimingChoice {
  /** H: interval of heartbeats, rounds and probes. */
  heartbeatMs: number
  /** S: suspicion, nothing heard for this long; at least 3H. */
  suspicionMs: number
  /** L: lease length. */
  leaseMs: number
  /** M: margin; at least 2H, at most L/2. */
  marginMs: number
  /** C: damping of "the peer reaches more ping nodes". */
  dampingMs: number
}

/** Every time of the protocol, in milliseconds. */
export interface Timing extends TimingChoice {
  /** D = S + L + M: silence before a takeover. */
  takeoverSilenceMs: number
  /** Q = D + 2H: unbroken ping majority before a takeover. */
  majorityStreakMs: number
  /** G = 2H: longest gap between two runs of the loop. */
  gapMs: number
  /** P = H: a round's answer counts this long. */
  roundMs: number
  /** V = 2L: how long a released node stands back. */
  standBackMs: number
  /** X = 5L: bound on preparing a switchover. */
  prepareMs: number
}

/** The two profiles of PROTOCOL, "Times". */
export const TIMING_PROFILES = {
  default: { heartbeatMs: 100, suspicionMs: 300, leaseMs: 600, marginMs: 200, dampingMs: 1000 },
  fast: { heartbeatMs: 20, suspicionMs: 60, leaseMs: 100, marginMs: 40, dampingMs: 200 },
} as const satisfies Record<string, TimingChoice>

export type TimingProfile = keyof typeof TIMING_PROFILES

/** Completes the chosen numbers with those that follow from them. */
export function deriveTiming(choice: TimingChoice): Timing {
  const { heartbeatMs, suspicionMs, leaseMs, marginMs, dampingMs } = choice
  const takeoverSilenceMs = suspicionMs + leaseMs + marginMs
  return {
    heartbeatMs,
    suspicionMs,
    leaseMs,
    marginMs,
    dampingMs,
    takeoverSilenceMs,
    majorityStreakMs: takeoverSilenceMs + 2 * heartbeatMs,
    gapMs: 2 * heartbeatMs,
    roundMs: heartbeatMs,
    standBackMs: 2 * leaseMs,
    prepareMs: 5 * leaseMs,
  }
}

/** One relation between chosen numbers that does not hold. */
export interface TimingFault {
  key: keyof TimingChoice
  /** What is wrong, in a clause that continues "leaseMs 100 …". */
  why: string
  /** The nearest value that would do. */
  mendMs: number
}

/**
 * Checks the relations of PROTOCOL, assumption A3, on the chosen numbers.
 *
 * @returns every fault found, none when the choice is sound
 */
export function checkTiming(choice: TimingChoice): TimingFault[] {
  const faults: TimingFault[] = []
  const { heartbeatMs, suspicionMs, leaseMs, marginMs, dampingMs } = choice
  const demand = (key: keyof TimingChoice, holds: boolean, why: string, mendMs: number): void => {
    if (!holds) faults.push({ key, why, mendMs })
  }
  demand('heartbeatMs', heartbeatMs >= 5, 'is below 5 ms, the shortest interval that was tried', 5)
  demand(
    'suspicionMs',
    suspicionMs >= 3 * heartbeatMs,
    'is below three heartbeat intervals (S >= 3H): one lost heartbeat would raise suspicion',
    3 * heartbeatMs,
  )
  demand(
    'marginMs',
    marginMs >= 2 * heartbeatMs,
    'is below two heartbeat intervals (M >= 2H)',
    2 * heartbeatMs,
  )
  demand(
    'leaseMs',
    leaseMs >= 2 * marginMs,
    'is below twice the margin (M / L <= 0.5)',
    2 * marginMs,
  )
  demand(
    'leaseMs',
    leaseMs >= 4 * heartbeatMs,
    'is below four heartbeat intervals: it would end between renewals',
    4 * heartbeatMs,
  )
  demand(
    'dampingMs',
    dampingMs >= 4 * heartbeatMs,
    'is below four heartbeat intervals: a single late round would move the role',
    4 * heartbeatMs,
  )
  return faults
}

/** How a node may serve when it is not known to hold the newest data (PROTOCOL, "Data"). */
export interface DataPolicy {
  /**
   * `none`: the pair keeps no replicated data, T4 always holds.
   * `recent`: in sync when last heard, at most `recentMs` ago. `strict`: sole or provably in sync.
   */
  takeover: 'none' | 'recent' | 'strict'
  /** Longest age of "in sync when last heard" under `recent`. PROTOCOL, T4: 10 s. */
  recentMs: number
  /** Whether stale data may serve at all once `staleWaitMs` has passed. */
  stale: 'serve' | 'refuse'
  staleWaitMs: number
  /** W: how long after announcing "not sync" a lease by R2 or R3 lets the active confirm alone. */
  confirmAloneAfterMs: number
}

/** Everything a decision depends on that does not change while the agent runs. */
export interface Policy {
  node: NodeName
  mode: Mode
  timing: Timing
  /** Configured ping nodes; a strict majority is one of this number. */
  pingNodeCount: number
  data: DataPolicy
  /** A3: fingerprint of ping nodes, times, mode and floating IPs; equal on both nodes. */
  digest: string
}

/** The other node of the pair. */
export function peerOf(node: NodeName): NodeName {
  return node === 'sp1' ? 'sp2' : 'sp1'
}
