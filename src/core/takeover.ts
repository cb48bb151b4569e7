/**
 * May this standby become active without the peer's word? T0 to T5, all of them, all the time.
 *
 * Each condition is answered as the name of what stands in the way, so that the decision, the
 * `explain` command and the tests ask the same question.
 *
 * Source: PROTOCOL, "Takeover".
 */
import { dataMayServe, mayServe } from './fitness.ts'
import { agreesWithPeer } from './peer.ts'
import { hasMajority, hasSteadyMajority } from './reachability.ts'
import type { Blocker } from './reason.ts'
import { arm, becomeStandby, becomeTake } from './role.ts'
import type { Turn } from './turn.ts'
import { nobodyServes } from './vacancy.ts'

/** What stands in the way of a takeover now; null when nothing does. */
export function takeoverBlocker(turn: Turn): Blocker | null {
  const { s, policy, now } = turn
  if (s.maintenance) return 'maintenance'
  if (!mayServe(turn)) return 'unhealthy'
  if (!agreesWithPeer(turn)) return 'digest-differs'
  if (!dataMayServe(turn)) return 'data-may-be-stale'
  if (now <= s.grantUntilMs) return 'promise'
  switch (policy.mode) {
    case 'ping':
      return silenceBlocker(turn) ?? pingBlocker(turn)
    case 'witness':
      if (now - s.silentSinceMs <= policy.timing.suspicionMs) return 'peer-heard'
      return hasMajority(turn) ? null : 'no-majority'
    case 'fence':
      return silenceBlocker(turn) ?? fenceBlocker(turn)
  }
}

/** T1: silence for D, and the peer had the time to learn that it is not heard and to run out. */
function silenceBlocker(turn: Turn): Blocker | null {
  const { s, policy, now } = turn
  const { leaseMs, marginMs, takeoverSilenceMs } = policy.timing
  if (now - s.silentSinceMs <= takeoverSilenceMs) return 'peer-heard'
  if (s.tellSinceMs === null || now - s.tellSinceMs <= leaseMs + marginMs) {
    return 'not-told-long-enough'
  }
  return null
}

/** T2 and T3. */
function pingBlocker(turn: Turn): Blocker | null {
  if (!hasSteadyMajority(turn)) return 'no-majority'
  return nobodyServes(turn) ? null : 'address-answered'
}

/** T2f, once the fence agent has reported the peer off. */
function fenceBlocker(turn: Turn): Blocker | null {
  if (!turn.s.heardSinceStart) return 'not-fenced'
  if (!hasMajority(turn)) return 'no-majority'
  return turn.s.fence === 'off' ? null : 'not-fenced'
}

/** Fences when only the fence agent's word is missing; `sp2` waits 2L longer before it does. */
function fenceIfDue(turn: Turn): void {
  const { s, policy, now } = turn
  if (policy.mode !== 'fence' || s.fence !== 'none' || !s.heardSinceStart) return
  const { leaseMs, takeoverSilenceMs } = policy.timing
  const patienceMs = takeoverSilenceMs + (policy.node === 'sp2' ? 2 * leaseMs : 0)
  if (now - s.silentSinceMs <= patienceMs || takeoverBlocker(turn) !== 'not-fenced') return
  s.fence = 'asked'
  turn.effects.push({ type: 'fence' })
}

/** A standby whose conditions all hold becomes a candidate. */
export function considerTakeover(turn: Turn): void {
  if (turn.s.role !== 'standby') return
  fenceIfDue(turn)
  if (takeoverBlocker(turn) === null) becomeTake(turn)
}

/**
 * A candidate whose term is on disk and whose conditions still hold opens its gate; one that lost a
 * condition goes back.
 */
export function continueTakeover(turn: Turn): void {
  const { s, policy, now } = turn
  if (s.role !== 'take') return
  if (takeoverBlocker(turn) !== null) {
    becomeStandby(turn, 'takeover-conditions-ended')
    return
  }
  if (s.attemptTicket === null || s.persistedTicket < s.attemptTicket) return
  const untilMs = leaseOfTakeover(turn)
  if (untilMs <= now) return
  s.leaseUntilMs = untilMs
  arm(turn, policy.mode === 'ping')
}

/** Where the first lease of a takeover ends. */
function leaseOfTakeover(turn: Turn): number {
  const { s, policy, now } = turn
  switch (policy.mode) {
    case 'ping':
      return (s.pair?.laterMs ?? now) + policy.timing.leaseMs
    case 'witness':
      return s.leaseUntilMs
    case 'fence':
      return now + policy.timing.leaseMs
  }
}
