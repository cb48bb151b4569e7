/**
 * What does a node know and hold?
 *
 * One flat record (PROTOCOL, "State"); nested values are replaced, never changed. Moments are
 * milliseconds of the node's own clock. `NEVER` stands for a moment that has not been, so that
 * "longer ago than" needs no special case; null stands for a stretch that has not begun.
 */
import type { Heartbeat, Position, Role } from './heartbeat.ts'
import type { NodeName } from './policy.ts'
import type { Reason } from './reason.ts'

/** A moment before every other. */
export const NEVER = Number.NEGATIVE_INFINITY

/** How many of our own heartbeats we remember the sending time of; older grants are worth nothing. */
export const SENT_REMEMBERED = 64

/** Low rate: one heartbeat in this many goes by way of the ping nodes although it need not. */
export const REFLECT_EVERY = 25

/** One start of the peer's agent, as far as we heard it (B1, B4). */
export interface PeerBoot {
  boot: string
  /** Highest number heard of it. */
  highest: number
  lastHeardMs: number
  /** A later start of the peer is proven; nothing of this one is accepted any more (B4). */
  superseded: boolean
}

/** Requests to every ping node with one number. */
export interface Round {
  number: number
  sentAtMs: number
  /** Bit i: ping node i answered in time. */
  answered: number
}

/** Two rounds in a row that the same strict majority answered. */
export interface Pair {
  firstMs: number
  laterMs: number
}

/**
 * How the active's stores confirm writes (PROTOCOL, "Data").
 *
 * `together`: only when the standby has them, and heartbeats say `sync`. `waiting`: "not sync" is
 * announced, nothing is confirmed yet. `marking`: `sole` is on its way to disk. `alone`: `sole` is on
 * disk. `inviting`: the standby caught up, and the store is asked to wait for it again; `sole` stays
 * until it does. `joining`: it does, and `sole` is being cleared.
 */
export type Confirming = 'together' | 'waiting' | 'marking' | 'alone' | 'inviting' | 'joining'

/** A switchover in preparation: writes are frozen until the peer has our position. */
export interface Preparation {
  untilMs: number
  reason: Reason
  /** Our position once frozen; null until the stores say so. */
  frozenAt: Position | null
}

export interface State {
  readonly boot: string
  /** On disk, as last written or being written. */
  term: number
  sole: boolean
  /** Highest term in any heartbeat of the peer. */
  termHeard: number
  /**
   * Highest term asked to be written: our own, or the next one in advance, so that an attempt need not
   * wait for the disk. It is used by nobody else, and after a restart by nobody at all.
   */
  reservedTerm: number
  /** Ticket under which it is written. */
  reservedTicket: number
  /** Number of the newest hard state asked for, and of the newest known to be on disk. */
  ticket: number
  persistedTicket: number
  /** Ticket that clears `sole`; no grant to a candidate before it is on disk (R1g). */
  soleTicket: number

  role: Role
  reason: Reason
  changedAtMs: number
  /** The gate was opened in this activation. */
  armed: boolean
  openedAtMs: number
  leaseUntilMs: number
  /** Deadline the gate was last given. */
  gateUntilMs: number
  /** First sequence number of this attempt; null when we do not want to be active. */
  attempt: number | null
  /** Ticket whose writing this candidate or unarmed active waits for; null when none is asked for. */
  attemptTicket: number | null
  grantUntilMs: number

  seq: number
  sentAtMs: readonly number[]
  /** What the newest heartbeat said, to send at once when it changes. */
  told: { want: boolean; role: Role; grant: boolean; ask: NodeName | null } | null

  peer: Heartbeat | null
  boots: readonly PeerBoot[]
  lastHeardMs: number
  lastDirectMs: number
  silentSinceMs: number
  lastFreshMs: number
  /**
   * First of our heartbeats in this silence that said not `hears` and `majority`, since when all did:
   * only both together end the peer's R2. Null when the last one said otherwise.
   */
  tellSinceMs: number | null
  lastRunMs: number
  heardSinceStart: boolean
  /** Since when no node is active, as far as this one knows; null while one is. */
  vacantSinceMs: number | null

  round: Round | null
  roundBefore: Round | null
  streakFromMs: number | null
  lastMajorityMs: number
  pair: Pair | null
  /** When each ping node answered last. */
  pongAtMs: readonly number[]

  probesClearFromMs: number | null
  probeLastClearMs: number
  /** A probe sent before the last conflict proves nothing any more. */
  probeConflictMs: number
  holdOffUntilMs: number
  /** Until then this node does not probe either, because the other does. */
  quietUntilMs: number
  occupiedAtMs: number | null

  fence: 'none' | 'asked' | 'off'

  healthy: boolean
  maintenance: boolean
  position: Position
  /** No store was looked at since the start: `position` is that of nobody. */
  positionUnknown: boolean
  /** Started after the peer had served, and the stores have not followed since. */
  behind: boolean
  inSync: boolean
  confirming: Confirming
  /** The store says that it confirms a write only when the peer has it, and that this is so now. */
  together: boolean
  /** Ticket that writes or clears `sole` while this node is active. */
  soleMarkTicket: number
  /** When the lease was last renewed without the peer (R2, R3). */
  unaidedAtMs: number
  announcedAtMs: number
  announcedSeq: number

  ask: NodeName | null
  askUntilMs: number
  /** The operator accepts data that may be stale, until then. */
  forceUntilMs: number
  preparation: Preparation | null
  /** A failed preparation is not begun again at once. */
  prepareAgainMs: number
  /** Preparations that failed in a row; each doubles the wait for the next. */
  prepareFailures: number
  avoidUntilMs: number
  moreSinceMs: number | null
  /** Times of switchovers because the peer reached more ping nodes. */
  moreMovesMs: readonly number[]
  startedAtMs: number
}

/** What must be on disk before anything else happens, as read at start. */
export interface HardState {
  term: number
  sole: boolean
}

/**
 * The state of an agent that has not started yet.
 *
 * @param boot  random, 16 hexadecimal digits, never used before
 */
export function initialState(boot: string, hard: HardState, pingNodeCount: number): State {
  return {
    boot,
    term: hard.term,
    sole: hard.sole,
    termHeard: 0,
    reservedTerm: hard.term,
    reservedTicket: 0,
    ticket: 0,
    persistedTicket: 0,
    soleTicket: 0,
    role: 'demoting',
    reason: 'started',
    changedAtMs: NEVER,
    armed: false,
    openedAtMs: NEVER,
    leaseUntilMs: 0,
    gateUntilMs: 0,
    attempt: null,
    attemptTicket: null,
    grantUntilMs: NEVER,
    seq: 0,
    sentAtMs: new Array<number>(SENT_REMEMBERED).fill(NEVER),
    told: null,
    peer: null,
    boots: [],
    lastHeardMs: NEVER,
    lastDirectMs: NEVER,
    silentSinceMs: NEVER,
    lastFreshMs: NEVER,
    tellSinceMs: null,
    lastRunMs: NEVER,
    heardSinceStart: false,
    vacantSinceMs: null,
    round: null,
    roundBefore: null,
    streakFromMs: null,
    lastMajorityMs: NEVER,
    pair: null,
    pongAtMs: new Array<number>(pingNodeCount).fill(NEVER),
    probesClearFromMs: null,
    probeLastClearMs: NEVER,
    probeConflictMs: NEVER,
    holdOffUntilMs: NEVER,
    quietUntilMs: NEVER,
    occupiedAtMs: null,
    fence: 'none',
    healthy: true,
    maintenance: false,
    position: { term: 0, offset: 0 },
    positionUnknown: true,
    behind: false,
    inSync: false,
    confirming: 'waiting',
    together: false,
    soleMarkTicket: 0,
    unaidedAtMs: NEVER,
    announcedAtMs: NEVER,
    announcedSeq: 0,
    ask: null,
    askUntilMs: NEVER,
    forceUntilMs: NEVER,
    preparation: null,
    prepareAgainMs: NEVER,
    prepareFailures: 0,
    avoidUntilMs: NEVER,
    moreSinceMs: null,
    moreMovesMs: [],
    startedAtMs: NEVER,
  }
}
