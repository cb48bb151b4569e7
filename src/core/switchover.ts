/**
 * When does an active give up the right of its own will, and in which order?
 *
 * Freeze, let the peer catch up, shut the gate, then say so. There is no handover message: the
 * release makes the peer rank first, and it is elected with our grant. A lost heartbeat costs H.
 *
 * Source: PROTOCOL, "Switchover".
 */
import { comparePositions } from './fitness.ts'
import { agreesWithPeer } from './peer.ts'
import { score } from './reachability.ts'
import type { Blocker, Reason } from './reason.ts'
import { becomeDemoting } from './role.ts'
import { hearsPeer, persist, type Turn } from './turn.ts'

/** A move because the peer reaches more counts against the next for this long. */
const MOVE_REMEMBERED_MS = 600_000
/** Longest damping of "reaches more ping nodes". */
const DAMPING_MAX_MS = 60_000
/** Longest wait between two preparations of a switchover that nobody asked for. */
const RETRY_MAX_MS = 60_000

/** What stands in the way of a switchover now; null when nothing does. */
export function switchoverBlocker(turn: Turn): Blocker | null {
  const { s, policy, now } = turn
  if (s.role !== 'active' || !s.armed) return 'not-active'
  if (s.peer === null || !hearsPeer(turn)) return 'peer-silent'
  if (!s.peer.hears || s.peer.ackBoot !== s.boot) return 'peer-deaf'
  if (!s.peer.able) return 'peer-not-able'
  if (s.peer.want) return 'peer-wants'
  if (!agreesWithPeer(turn)) return 'digest-differs'
  if (now - s.changedAtMs < policy.timing.leaseMs) return 'changed-recently'
  return null
}

/** Why this active should hand over now; null when there is no reason. */
function reasonToLeave(turn: Turn): Reason | null {
  const { s, policy, now } = turn
  const peer = policy.node === 'sp1' ? 'sp2' : 'sp1'
  if (now < s.askUntilMs && s.ask === peer) return 'operator-asked'
  if (s.peer !== null && hearsPeer(turn) && s.peer.ask === peer) return 'operator-asked'
  if (!s.healthy) return 'unhealthy'
  if (s.maintenance) return 'maintenance'
  return s.moreSinceMs !== null && now - s.moreSinceMs >= dampingMs(turn)
    ? 'peer-reaches-more'
    : null
}

/** C, doubled for each such move in the last ten minutes, at most 60 s. */
export function dampingMs(turn: Turn): number {
  const recent = turn.s.moreMovesMs.filter((at) => turn.now - at < MOVE_REMEMBERED_MS).length
  return Math.min(turn.policy.timing.dampingMs * 2 ** recent, DAMPING_MAX_MS)
}

/** Notes since when the peer reaches more ping nodes than we do. */
export function compareReachability(turn: Turn): void {
  const { s, now } = turn
  const more =
    s.role === 'active' && s.peer !== null && hearsPeer(turn) && s.peer.score > score(turn)
  if (!more) s.moreSinceMs = null
  else s.moreSinceMs ??= now
}

/** An operator's request ends when the named node is active, and after 5L. */
export function endAsk(turn: Turn): void {
  const { s, policy, now } = turn
  if (s.ask === null) return
  const active =
    s.ask === policy.node
      ? s.role === 'active' && s.armed
      : hearsPeer(turn) && s.peer?.role === 'active'
  if (active || now >= s.askUntilMs) s.ask = null
}

/** Begins, continues or ends the preparation of a switchover. */
export function considerSwitchover(turn: Turn): void {
  const { s, policy, now } = turn
  if (s.role !== 'active') return
  const reason = reasonToLeave(turn)
  if (s.preparation === null) {
    if (reason === null) s.prepareFailures = 0
    if (reason === null || switchoverBlocker(turn) !== null) return
    // An operator may try again at once; what tries by itself must not freeze the writes all day.
    if (reason !== 'operator-asked' && now < s.prepareAgainMs) return
    s.preparation = { untilMs: now + policy.timing.prepareMs, reason, frozenAt: null }
    turn.effects.push({ type: 'freeze' })
    return
  }
  if (now >= s.preparation.untilMs || switchoverBlocker(turn) !== null) {
    s.preparation = null
    s.prepareAgainMs = now + Math.min(policy.timing.leaseMs * 2 ** s.prepareFailures, RETRY_MAX_MS)
    s.prepareFailures += 1
    turn.effects.push({ type: 'unfreeze' })
    return
  }
  if (s.persistedTicket >= s.soleTicket && peerHasOurPosition(turn))
    release(turn, s.preparation.reason)
}

function peerHasOurPosition(turn: Turn): boolean {
  const { s, policy } = turn
  const frozenAt = s.preparation?.frozenAt
  if (frozenAt === null || frozenAt === undefined || s.peer === null) return false
  if (policy.data.takeover === 'none') return true
  return comparePositions(s.peer.position, frozenAt) === 0
}

/** Shuts the gate, gives the lease back and stands aside for V; only then the next heartbeat. */
function release(turn: Turn, reason: Reason): void {
  const { s, policy, now } = turn
  if (reason === 'peer-reaches-more') s.moreMovesMs = [...s.moreMovesMs, now].slice(-8)
  // The stores of the peer take over from here: nothing is unfrozen.
  s.preparation = null
  // Nobody writes any more and the peer has it all: called the only holder, we would outrank it and be
  // elected again, over and over.
  if (s.sole) {
    s.sole = false
    s.soleTicket = persist(turn)
  }
  becomeDemoting(turn, reason)
  s.avoidUntilMs = now + policy.timing.standBackMs
}
