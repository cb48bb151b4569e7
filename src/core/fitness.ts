/**
 * May this node serve, as far as it and its data are concerned? T5 and T4, and `able`.
 *
 * A node that cannot serve must not take the right from nobody at once, for its peer may be back
 * first; later, some service is better than none. A node that may lack confirmed data must not serve
 * as if it had them.
 *
 * Source: PROTOCOL T4, T5, "Data".
 */
import type { Heartbeat, Position } from './heartbeat.ts'
import { hearsPeer, type Turn } from './turn.ts'

/** Positions of a later history reach further, whatever their offsets. */
export function comparePositions(ours: Position, theirs: Position): number {
  return ours.term !== theirs.term ? ours.term - theirs.term : ours.offset - theirs.offset
}

/**
 * Our data against that of the peer that was heard last. Who has not looked at its stores since its
 * start may hold anything, and ranks below who has.
 *
 * @returns above zero: ours is newer
 */
export function compareWithPeer({ s }: Turn, peer: Heartbeat): number {
  if (s.positionUnknown || peer.positionUnknown) {
    return Number(peer.positionUnknown) - Number(s.positionUnknown)
  }
  return comparePositions(s.position, peer.position)
}

/** Silence, or life of this agent, long enough that waiting for better is over. */
function waitedForBetter(turn: Turn): boolean {
  const { s, policy, now } = turn
  return now - Math.max(s.silentSinceMs, s.startedAtMs) > policy.data.staleWaitMs
}

function forced(turn: Turn): boolean {
  return turn.now < turn.s.forceUntilMs
}

/** T5: healthy and not in maintenance; an unhealthy node only after a long wait or by the operator. */
export function mayServe(turn: Turn): boolean {
  const { s } = turn
  if (s.maintenance) return false
  return s.healthy || waitedForBetter(turn) || forced(turn)
}

/**
 * Neither node may serve well, and for a long time none has: T5's "later, some service is better than
 * none", for two nodes that talk. One that may lack data, because it is `behind` or cannot learn what the
 * peer holds, does so where the policy lets stale data serve; as long as they talk, neither ever waits in
 * silence.
 */
export function mayStandUnfit(turn: Turn): boolean {
  const { s, policy, now } = turn
  if (s.role !== 'standby' || s.maintenance) return false
  const mayLack = s.behind || peerMayHoldMore(turn)
  if (s.healthy && !mayLack) return false
  if (!mayLack && !hasNewestData(turn)) return false
  const { stale, staleWaitMs } = policy.data
  const vacant = s.vacantSinceMs !== null && now - s.vacantSinceMs > staleWaitMs
  const waited = vacant && !(mayLack && stale === 'refuse')
  return waited || forced(turn)
}

/** The peer's stores do not answer, and ours do. What is `sole` is known to hold more. */
function peerMayHoldMore({ s, policy }: Turn): boolean {
  if (policy.data.takeover === 'none' || s.peer === null || s.peer.sole) return false
  return s.peer.positionUnknown && !s.positionUnknown
}

/** T4: the data of this node may serve although the peer cannot be asked. */
export function dataMayServe(turn: Turn): boolean {
  const { s, policy, now } = turn
  const { data } = policy
  if (s.behind && !s.sole && !forced(turn)) return staleMayServe(turn)
  if (data.takeover === 'none' || s.sole || forced(turn)) return true
  if (s.inSync && peerCannotBeAlone(turn)) return true
  if (data.takeover === 'recent' && s.inSync && now - s.lastHeardMs <= data.recentMs) return true
  return staleMayServe(turn)
}

/**
 * The peer cannot have confirmed anything alone since its last fresh word. With ping nodes it cannot go on
 * without the majority that we had all the time. With a witness it can, and nothing here shows it: then its
 * announcement came after that word, which was at most S old, and W after that nothing is certain any
 * more; the clocks differ by at most M / L (A1).
 */
function peerCannotBeAlone({ s, policy, now }: Turn): boolean {
  const { suspicionMs, leaseMs, marginMs } = policy.timing
  if (policy.mode === 'witness') {
    const certainMs = policy.data.confirmAloneAfterMs - suspicionMs
    return now - s.lastFreshMs <= certainMs * (1 - marginMs / leaseMs)
  }
  return s.streakFromMs !== null && s.streakFromMs <= s.lastFreshMs
}

function staleMayServe(turn: Turn): boolean {
  const { data } = turn.policy
  return data.stale === 'serve' && waitedForBetter(turn)
}

/** `able` of the heartbeat: what this node says of itself (PROTOCOL, the table of roles). */
export function isAble(turn: Turn): boolean {
  const { s } = turn
  if (s.role === 'elect' || s.role === 'take') return true
  if (s.role === 'demoting' || !s.healthy || s.maintenance) return false
  if (s.role === 'active') return true
  if (hearsPeer(turn) && s.peer?.role === 'active') return true
  return hasNewestData(turn)
}

/**
 * An `elect` needs data not older than the peer's, else the same policy as a takeover. A peer that is
 * `sole` has confirmed what we lack, whatever position it tells: after a restart it has looked at its
 * stores only when its first heartbeats are long out. One that has not looked yet may hold anything.
 */
export function hasNewestData(turn: Turn): boolean {
  const { s, policy } = turn
  if (s.behind) return dataMayServe(turn)
  if (policy.data.takeover === 'none') return true
  if (s.peer !== null && hearsPeer(turn) && (s.sole || !s.peer.sole)) {
    const known = !s.positionUnknown && !s.peer.positionUnknown
    if (known && comparePositions(s.position, s.peer.position) >= 0) return true
  }
  return dataMayServe(turn)
}
