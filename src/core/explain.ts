/**
 * What stands in the way right now, and what would happen if something broke?
 *
 * Decides nothing and changes nothing: it reads a state with the core's own predicates. Where the core
 * stops at the first obstacle (that is enough to stay where one is), this names all of them, in the
 * same order; the tests hold the two together. What would happen is worked out in what-if.ts.
 */
import { dataMayServe, mayServe } from './fitness.ts'
import { agreesWithPeer } from './peer.ts'
import type { Policy } from './policy.ts'
import { hasMajority, hasSteadyMajority } from './reachability.ts'
import type { Blocker } from './reason.ts'
import type { State } from './state.ts'
import { hearsPeer, type Turn } from './turn.ts'
import { nobodyServes } from './vacancy.ts'
import { type If, whatIfs } from './what-if.ts'

export interface Explanation {
  blockers: {
    /** In the way of a takeover by this node; none for an active one. */
    takeover: Blocker[]
    /** In the way of a switchover: away from this node if it is active, else to it. */
    switchover: Blocker[]
  }
  ifs: If[]
}

/** Explains a state at a moment of its node's clock. */
export function explain(state: Readonly<State>, policy: Policy, nowMs: number): Explanation {
  const turn: Turn = { s: state, policy, now: nowMs, effects: [] }
  const active = state.role === 'active'
  return {
    blockers: {
      takeover: active ? [] : takeoverBlockers(turn),
      switchover: active ? awayBlockers(turn) : hitherBlockers(turn),
    },
    ifs: whatIfs(turn),
  }
}

/** The codes of those conditions that do not hold. */
function failing(conditions: readonly (readonly [code: Blocker, holds: boolean])[]): Blocker[] {
  return conditions.filter(([, holds]) => !holds).map(([code]) => code)
}

/** Everything of T0 to T5 that does not hold (`takeoverBlocker` names the first). */
export function takeoverBlockers(turn: Turn): Blocker[] {
  const { s, now } = turn
  return failing([
    ['maintenance', !s.maintenance],
    ['unhealthy', s.maintenance || mayServe(turn)],
    ['digest-differs', agreesWithPeer(turn)],
    ['data-may-be-stale', dataMayServe(turn)],
    ['promise', now > s.grantUntilMs],
    ...guardConditions(turn),
  ])
}

function guardConditions(turn: Turn): (readonly [code: Blocker, holds: boolean])[] {
  const { s, policy, now } = turn
  const { leaseMs, marginMs, suspicionMs, takeoverSilenceMs } = policy.timing
  const silentMs = now - s.silentSinceMs
  const told = s.tellSinceMs !== null && now - s.tellSinceMs > leaseMs + marginMs
  switch (policy.mode) {
    case 'ping':
      return [
        ['peer-heard', silentMs > takeoverSilenceMs],
        ['not-told-long-enough', told],
        ['no-majority', hasSteadyMajority(turn)],
        ['address-answered', nobodyServes(turn)],
      ]
    case 'witness':
      return [
        ['peer-heard', silentMs > suspicionMs],
        ['no-majority', hasMajority(turn)],
      ]
    case 'fence':
      return [
        ['peer-heard', silentMs > takeoverSilenceMs],
        ['not-told-long-enough', told],
        ['no-majority', hasMajority(turn)],
        ['not-fenced', s.heardSinceStart && s.fence === 'off'],
      ]
  }
}

/** Everything that keeps an active from handing over (`switchoverBlocker` names the first). */
function awayBlockers(turn: Turn): Blocker[] {
  const { s, policy, now } = turn
  if (!s.armed) return ['not-active']
  if (s.peer === null || !hearsPeer(turn)) return ['peer-silent']
  return failing([
    ['peer-deaf', s.peer.hears && s.peer.ackBoot === s.boot],
    ['peer-not-able', s.peer.able],
    ['peer-wants', !s.peer.want],
    ['digest-differs', agreesWithPeer(turn)],
    ['changed-recently', now - s.changedAtMs >= policy.timing.leaseMs],
  ])
}

/** Everything that keeps this node, not active, from being handed the role. */
function hitherBlockers(turn: Turn): Blocker[] {
  const { s } = turn
  const heard = s.peer !== null && hearsPeer(turn)
  return failing([
    ['maintenance', !s.maintenance],
    ['unhealthy', s.healthy],
    ['peer-silent', heard],
    ['peer-deaf', !heard || s.peer?.hears === true],
    ['digest-differs', agreesWithPeer(turn)],
  ])
}
