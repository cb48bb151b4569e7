/**
 * How does the role change? Only here, one function per change, each with its reason.
 *
 *            start
 *              |
 *              v
 *         demoting <---------------------------+
 *              | demoted                        | lease ended, refused, release, higher term
 *              v                                |
 *   +----> standby ----> elect ---- grant ---> active (unarmed until the term is on disk)
 *   |         |            |                    ^
 *   |         | T0..T5     | outranked          | term on disk, gate open
 *   |         v            v                    |
 *   +------- take ---------|--------------------+
 *
 * A candidate whose term was written in advance, and whose gate may open at once, is one for no time.
 * There is no arrow from active to standby: the stores must be demoted in between. There is none
 * from demoting to a candidate: what is being demoted cannot be promoted at the same time.
 */
import type { Role } from './heartbeat.ts'
import type { Reason } from './reason.ts'
import { type Turn, takeTerm } from './turn.ts'

function change(turn: Turn, role: Role, reason: Reason): void {
  turn.s.role = role
  turn.s.reason = reason
  turn.s.changedAtMs = turn.now
}

function endAttempt(turn: Turn): void {
  turn.s.attempt = null
  turn.s.attemptTicket = null
  turn.s.armed = false
}

/** Stores are demoted. */
export function becomeStandby(turn: Turn, reason: Reason): void {
  endAttempt(turn)
  change(turn, 'standby', reason)
}

/** Candidate by election. Grants count from the heartbeat that will say so. */
export function becomeElect(turn: Turn): void {
  turn.s.attempt = turn.s.seq + 1
  turn.s.leaseUntilMs = 0
  change(turn, 'elect', 'elected-candidate')
}

/** Candidate by takeover, in a term of its own that must be on disk before it is used. */
export function becomeTake(turn: Turn): void {
  const { s } = turn
  s.attempt = s.seq + 1
  s.leaseUntilMs = 0
  change(turn, 'take', 'peer-silent')
  s.attemptTicket = takeTerm(turn)
}

/** A candidate by election that holds a lease: active, unarmed until its term is written. */
export function becomeActiveUnarmed(turn: Turn): void {
  const { s } = turn
  s.armed = false
  s.fence = 'none'
  change(turn, 'active', 'elected')
  s.attemptTicket = takeTerm(turn)
}

/**
 * Opens the gate: from here on this node serves.
 *
 * @param takeover  the kernel opens only over a living occupation (K3)
 */
export function arm(turn: Turn, takeover: boolean): void {
  const { s, now } = turn
  if (s.role !== 'active') change(turn, 'active', 'takeover-done')
  s.armed = true
  s.openedAtMs = now
  s.occupiedAtMs = null
  s.attemptTicket = null
  s.gateUntilMs = s.leaseUntilMs
  s.confirming = 'waiting'
  // What the store said of an earlier time is not its word for this one.
  s.together = false
  s.announcedAtMs = now
  s.announcedSeq = s.seq + 1
  s.position = { term: s.term, offset: s.position.offset }
  turn.effects.push({ type: 'open', deadlineMs: s.leaseUntilMs, takeover })
  turn.effects.push({ type: 'confirm', alone: false })
  turn.effects.push({ type: 'promote' })
}

/** Gives up the right, or loses it: nothing may be served from this line on. */
export function becomeDemoting(turn: Turn, reason: Reason): void {
  const { s } = turn
  turn.effects.push({ type: 'close' })
  turn.effects.push({ type: 'demote' })
  if (s.preparation !== null) {
    turn.effects.push({ type: 'unfreeze' })
    s.preparation = null
  }
  s.leaseUntilMs = 0
  s.occupiedAtMs = null
  s.moreSinceMs = null
  s.inSync = false
  // The word of an earlier fencing is not one for a later silence.
  s.fence = 'none'
  endAttempt(turn)
  change(turn, 'demoting', reason)
}
