/**
 * When was which condition of a takeover fulfilled? The recorded events, and the core's own predicate
 * after each of them.
 *
 * Looked at from the moment the peer is called silent until it is heard again or this node serves. A
 * record of another core has no such answer.
 */
import { takeoverBlockers } from '../core/explain.ts'
import type { Timing } from '../core/policy.ts'
import type { Blocker } from '../core/reason.ts'
import type { State } from '../core/state.ts'
import { step } from '../core/step.ts'
import { entriesOf } from './entry.ts'
import type { FlightRecord } from './file.ts'
import { replayRefusal } from './replay.ts'

/** A condition that began to hold, or holds no longer. */
export interface ConditionChange {
  atMs: number
  code: Blocker
  holds: boolean
}

/** One silence of the peer, as this node lived through it. */
export interface Episode {
  fromMs: number
  untilMs: number
  /** Held already when it began. */
  before: Blocker[]
  changes: ConditionChange[]
  /** It ended with this node serving. */
  served: boolean
}

/** What each letter of PROTOCOL is about, for people. */
export const CONDITION_WORDS: Readonly<Record<string, string>> = {
  T0: 'no promise left',
  T1: 'silent long enough',
  T2: 'steady ping majority',
  T2f: 'peer is off',
  T3: 'address is free',
  T4: 'data may serve',
  T5: 'fit to serve',
  A3: 'configured alike',
}

/** Every condition, by what stands in its way: the letter of PROTOCOL, and what is so when it holds. */
export function conditionsOf(timing: Timing): readonly (readonly [Blocker, string, string])[] {
  const { leaseMs, marginMs, takeoverSilenceMs, majorityStreakMs } = timing
  return [
    ['promise', 'T0', 'no promise to stand back is left'],
    ['peer-heard', 'T1', `the peer was silent for ${takeoverSilenceMs} ms`],
    [
      'not-told-long-enough',
      'T1',
      `the peer had ${leaseMs + marginMs} ms to learn that it is not heard`,
    ],
    ['no-majority', 'T2', `most ping nodes answered in every round of ${majorityStreakMs} ms`],
    [
      'address-answered',
      'T3',
      'nobody answers for the floating IPs, and our claim stood long enough',
    ],
    ['data-may-be-stale', 'T4', 'the data of this node may serve'],
    ['unhealthy', 'T5', 'this node is fit to serve'],
    ['maintenance', 'T5', 'this node is not in maintenance'],
    ['digest-differs', 'A3', 'both nodes are configured alike'],
    ['not-fenced', 'T2f', 'the peer is switched off'],
  ]
}

/** Silences of the peer in which this node could have taken over; none for a record of another core. */
export function episodesOf(record: FlightRecord): Episode[] {
  if (replayRefusal(record) !== null) return []
  const { header, numbers } = record
  const { policy, texts } = header
  const all = conditionsOf(policy.timing).map(([code]) => code)
  const episodes: Episode[] = []
  let state: Readonly<State> = header.begin
  let current: (Episode & { standing: readonly Blocker[] }) | null = null
  for (const entry of entriesOf(numbers, texts)) {
    if (entry.type !== 'step') continue
    const { event } = entry
    // The conditions hold in the step that makes it serve, and no longer after it.
    const before: Readonly<State> = state
    state = step(state, event, policy).state
    const silent = event.nowMs - state.silentSinceMs > policy.timing.suspicionMs
    const waits = state.role === 'standby' || state.role === 'take'
    if (current !== null && !(silent && waits)) {
      const served = state.armed && !before.armed
      if (served) {
        for (const code of current.standing) {
          current.changes.push({ atMs: event.nowMs, code, holds: true })
        }
      }
      const { standing: _standing, ...episode } = current
      episodes.push({ ...episode, untilMs: event.nowMs, served })
      current = null
    }
    if (!silent || !waits) continue
    const standing = takeoverBlockers({ s: state, policy, now: event.nowMs, effects: [] })
    if (current === null) {
      const held = all.filter((code) => !standing.includes(code))
      const bounds = { fromMs: event.nowMs, untilMs: header.endMs }
      current = { ...bounds, before: held, changes: [], served: false, standing }
      continue
    }
    for (const code of all) {
      const holds = !standing.includes(code)
      if (holds === !current.standing.includes(code)) continue
      current.changes.push({ atMs: event.nowMs, code, holds })
    }
    current.standing = standing
  }
  if (current !== null) {
    const { standing: _standing, ...episode } = current
    episodes.push(episode)
  }
  return episodes
}
