/**
 * What moves the end of our lease, and what do we promise the peer? The lease never moves back.
 *
 * In everyday words: the peer says "I heard your number 17 and will not take over before L + M from
 * then"; so from the moment number 17 left us, L is ours. Who cannot hear the peer may go on as long
 * as most ping nodes answer, because then the peer, if it is alive and cut off, cannot have them.
 *
 * Source: PROTOCOL, "Rights" R1 to R4.
 */
import type { Heartbeat } from './heartbeat.ts'
import { acknowledgedAt } from './peer.ts'
import { hearsPeer, persist, type Turn, wants } from './turn.ts'

function extendTo(turn: Turn, untilMs: number): boolean {
  if (untilMs <= turn.s.leaseUntilMs) return false
  turn.s.leaseUntilMs = untilMs
  return true
}

/** R1: a grant of this attempt, counted from our own sending. */
export function takeGrant(turn: Turn, heartbeat: Heartbeat): void {
  const { s, policy } = turn
  if (!heartbeat.grant || s.attempt === null || heartbeat.ackSeq < s.attempt) return
  extendTo(turn, acknowledgedAt(s, heartbeat) + policy.timing.leaseMs)
}

/**
 * R2: the same strict majority answered two rounds in a row, both sent after the gate was opened.
 *
 * Not if the peer, heard within L + M, says that it reaches a majority and does not hear us: it is
 * about to take over and will not listen.
 */
export function takeMajority(turn: Turn): void {
  const { s, policy, now } = turn
  if (policy.mode !== 'ping' || !s.armed || s.role !== 'active' || s.pair === null) return
  if (s.pair.firstMs < s.openedAtMs || now >= s.leaseUntilMs) return
  if (peerIsTakingOver(turn)) return
  if (extendTo(turn, s.pair.laterMs + policy.timing.leaseMs)) noteUnaided(turn)
}

/** The peer, heard within L + M, reaches a majority and does not hear us. */
export function peerIsTakingOver(turn: Turn): boolean {
  const { s, policy, now } = turn
  const { leaseMs, marginMs } = policy.timing
  if (s.peer === null || now - s.lastHeardMs > leaseMs + marginMs) return false
  return s.peer.majority && !s.peer.hears
}

/**
 * R3: a lease request confirmed by the witness. Counts only while a ping node answered within C or
 * the peer is heard: a node that sees nothing must not hold the right for ever.
 */
export function takeWitness(
  turn: Turn,
  request: { sentAtMs: number; attempt: number; granted: boolean },
): void {
  const { s, policy, now } = turn
  if (policy.mode !== 'witness' || !request.granted || request.attempt !== s.attempt) return
  if (s.role !== 'take' && !(s.role === 'active' && s.armed)) return
  if (!seesAnything(turn)) return
  if (s.role === 'active' && now >= s.leaseUntilMs) return
  if (extendTo(turn, request.sentAtMs + policy.timing.leaseMs)) noteUnaided(turn)
}

/** A ping node answered within C, or the peer is heard. */
export function seesAnything(turn: Turn): boolean {
  const { dampingMs } = turn.policy.timing
  return hearsPeer(turn) || turn.s.pongAtMs.some((at) => turn.now - at <= dampingMs)
}

/** R4: in `fence` mode only the fence agent can end the lease of an active. */
export function takeFenceRight(turn: Turn): void {
  const { s, policy, now } = turn
  if (policy.mode !== 'fence' || s.role !== 'active' || !s.armed) return
  extendTo(turn, now + policy.timing.leaseMs)
}

/** Renewed by R2 or R3, that is, without the peer: what lets an active confirm writes alone. */
function noteUnaided(turn: Turn): void {
  turn.s.unaidedAtMs = turn.now
}

/**
 * R1g: whether the next heartbeat grants, and the promise that goes with it.
 *
 * Granting a candidate that is not active clears `inSync` at once and `sole` on disk first: from the
 * grant on, the other may write what this node lacks.
 */
export function giveGrant(turn: Turn): boolean {
  const { s, policy } = turn
  if (wants(s) || s.peer === null || !s.peer.want || !hearsPeer(turn)) return false
  if (s.peer.role !== 'active') {
    s.inSync = false
    if (s.sole) {
      s.sole = false
      s.soleTicket = persist(turn)
    }
    if (s.persistedTicket < s.soleTicket) return false
  }
  const promiseMs = s.lastHeardMs + policy.timing.leaseMs + policy.timing.marginMs
  s.grantUntilMs = Math.max(s.grantUntilMs, promiseMs)
  return true
}
