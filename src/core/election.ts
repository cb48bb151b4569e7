/**
 * Which of two nodes that talk becomes active when neither is? There is no other way in while they
 * hear each other: after both boot, after a release, after a lease that ended for a moment.
 *
 * The ranking is a total order that both compute from the same facts, so at most one of them thinks
 * it ranks first for longer than a heartbeat, and only the other's grant lets it serve.
 *
 * Source: PROTOCOL, "Election".
 */
import { compareWithPeer, isAble, mayStandUnfit } from './fitness.ts'
import { agreesWithPeer } from './peer.ts'
import { score } from './reachability.ts'
import { arm, becomeActiveUnarmed, becomeElect, becomeStandby } from './role.ts'
import { hearsPeer, type Turn } from './turn.ts'

/** Able; then newer data; then not standing back; then the higher ping score; then `sp1`. */
export function ranksFirst(turn: Turn): boolean {
  const { s, policy, now } = turn
  const theirs = s.peer
  if (theirs === null) return false
  const able = isAble(turn)
  if (able !== theirs.able) return able
  const newer = policy.data.takeover === 'none' ? 0 : compareWithPeer(turn, theirs)
  if (newer !== 0) return newer > 0
  const avoid = now < s.avoidUntilMs
  if (avoid !== theirs.avoid) return !avoid
  const ours = score(turn)
  if (ours !== theirs.score) return ours > theirs.score
  return policy.node === 'sp1'
}

/** The peer is there, hears this start of ours, does not serve, and we rank above it. */
function mayStand(turn: Turn): boolean {
  const { s } = turn
  if (s.peer === null || s.maintenance || !hearsPeer(turn) || !agreesWithPeer(turn)) return false
  if (!s.peer.hears || s.peer.ackBoot !== s.boot) return false
  if (s.peer.role === 'active' || s.peer.role === 'take') return false
  return (isAble(turn) || mayStandUnfit(turn)) && ranksFirst(turn)
}

/** Notes since when no node is active. */
export function noteVacancy(turn: Turn): void {
  const { s, now } = turn
  const served = s.role === 'active' || (hearsPeer(turn) && s.peer?.role === 'active')
  if (served) s.vacantSinceMs = null
  else s.vacantSinceMs ??= now
}

/** A standby that ranks first becomes a candidate; a candidate that no longer does goes back. */
export function considerElection(turn: Turn): void {
  const { s } = turn
  if (s.role === 'standby' && mayStand(turn)) becomeElect(turn)
  else if (s.role === 'elect' && !mayStand(turn)) becomeStandby(turn, 'candidacy-ended')
}

/** A candidate with a grant that leaves it L/4 asks for its term; once it is on disk the gate opens. */
export function continueElection(turn: Turn): void {
  const { s, policy, now } = turn
  if (s.role === 'elect' && s.leaseUntilMs - now >= policy.timing.leaseMs / 4) {
    becomeActiveUnarmed(turn)
  }
  if (s.role !== 'active' || s.armed || s.attemptTicket === null) return
  if (s.persistedTicket >= s.attemptTicket && now < s.leaseUntilMs) arm(turn, false)
}
