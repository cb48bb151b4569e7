/**
 * Does nobody serve? Address probes, and the occupation that shows others that we are coming (T3).
 *
 * In everyday words: before moving in we knock for a while, and we put a sign on the door. Two nodes
 * that each knock first and move in second could both find the door silent; with the sign, at least
 * one of them meets the other's. One clear probe proves nothing: the holder may be cut off a moment
 * later with a lease still running.
 *
 * Source: PROTOCOL T3, K3, K5; probes in the form of RFC 5227 and RFC 4862.
 */
import { mayServe } from './fitness.ts'
import type { Turn } from './turn.ts'

function silenceMs(turn: Turn): number {
  return turn.now - turn.s.silentSinceMs
}

/**
 * Not after H: with ticks of both nodes in step a heartbeat is often a little older than H although
 * nothing is wrong, and each probe of ours would start the peer's own T3 over.
 */
function atTheDoor(turn: Turn): boolean {
  return silenceMs(turn) >= 1.5 * turn.policy.timing.heartbeatMs
}

/** On a tick: probe once the peer was silent for 1.5 H, occupy once it was silent for S. */
export function probeAndOccupy(turn: Turn): void {
  const { s, policy, now } = turn
  const { suspicionMs, leaseMs } = policy.timing
  if (policy.mode !== 'ping' || (s.role !== 'standby' && s.role !== 'take')) return
  if (!atTheDoor(turn)) return
  if (now < s.quietUntilMs) return
  if (silenceMs(turn) >= suspicionMs && mayServe(turn) && now >= s.holdOffUntilMs) {
    const first = s.occupiedAtMs === null
    if (first) s.occupiedAtMs = now
    turn.effects.push({ type: 'occupy', deadlineMs: now + leaseMs, first })
  }
  turn.effects.push({ type: 'probe' })
}

/** Takes the sign off the door again when the peer is heard or this node may not serve. */
export function leaveStaleOccupation(turn: Turn): void {
  const { s, policy } = turn
  if (s.occupiedAtMs === null || s.role === 'active') return
  const stays =
    (s.role === 'standby' || s.role === 'take') &&
    silenceMs(turn) >= policy.timing.suspicionMs &&
    mayServe(turn)
  if (!stays) leaveOccupation(turn)
}

/** Shuts the gate to address probes as well. */
export function leaveOccupation(turn: Turn): void {
  if (turn.s.occupiedAtMs === null) return
  turn.s.occupiedAtMs = null
  turn.effects.push({ type: 'close' })
}

/** The answer to one probe, or somebody else's probe, answer or claim. */
export function noteProbe(
  turn: Turn,
  probe: { sentAtMs: number; clear: boolean; knock?: boolean },
): void {
  const { sentAtMs, clear } = probe
  const { s, policy, now } = turn
  const { gapMs, heartbeatMs, leaseMs, marginMs } = policy.timing
  if (clear) {
    if (sentAtMs < s.probeConflictMs) return
    if (s.probesClearFromMs === null || sentAtMs - s.probeLastClearMs > gapMs) {
      s.probesClearFromMs = sentAtMs
    }
    s.probeLastClearMs = Math.max(s.probeLastClearMs, sentAtMs)
    return
  }
  if (s.role === 'active') return
  s.probesClearFromMs = null
  s.probeConflictMs = now
  // What the peer announces while it is heard is no meeting at the door: the last of it, just before a power
  // cut, would hold the takeover up.
  if (!atTheDoor(turn)) return
  // The two nodes wait for different times, else they would meet at the door for ever.
  s.holdOffUntilMs = now + (policy.node === 'sp1' ? heartbeatMs : leaseMs + marginMs)
  // Two nodes that both only knock would be each other's conflict for ever: one falls quiet.
  if (probe.knock === true) s.quietUntilMs = s.holdOffUntilMs
  leaveOccupation(turn)
}

/**
 * T3: every probe of the last L + M + G met nobody, the last of them not older than G, and the newest
 * good pair was sent at least 3H after the occupation.
 */
export function nobodyServes(turn: Turn): boolean {
  const { s, policy, now } = turn
  const { gapMs, heartbeatMs, leaseMs, marginMs } = policy.timing
  if (s.probesClearFromMs === null || s.occupiedAtMs === null || s.pair === null) return false
  if (now - s.probesClearFromMs < leaseMs + marginMs + gapMs) return false
  if (now - s.probeLastClearMs > gapMs) return false
  return s.pair.firstMs >= s.occupiedAtMs + 3 * heartbeatMs
}
