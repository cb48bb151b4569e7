/**
 * Would the core of today decide the same? The recorded events go through `step` again.
 *
 * From the recorded state on, each event gives a decision; compared are the role, whether it serves, the
 * reason, and every effect with all it says. What a refused effect took with it is taken here as well.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Effect, withoutClaims } from '../core/effect.ts'
import type { Event } from '../core/event.ts'
import type { State } from '../core/state.ts'
import { type Decision, step } from '../core/step.ts'
import { entriesOf } from './entry.ts'
import { CORE_FINGERPRINT, type FlightRecord } from './file.ts'

export interface Difference {
  atMs: number
  /** The event that was decided about. */
  event: Event['type']
  recorded: string
  today: string
}

export interface Replay {
  steps: number
  /** The first of them; after one, everything may be another. */
  differences: Difference[]
  /** How many there were in all. */
  differing: number
}

const DIFFERENCES_KEPT = 20

/** Why a record cannot be replayed, as a clause; null when it can. */
export function replayRefusal({ header }: FlightRecord): string | null {
  if (header.core === CORE_FINGERPRINT) return null
  return `was made by a core with another state (${header.core}, version ${header.program}); this one has ${CORE_FINGERPRINT}`
}

/**
 * Replays a record of the same core fingerprint.
 *
 * @param decide  `step`, or another that is to be compared with what was recorded
 */
export function replay(record: FlightRecord, decide: typeof step = step): Replay {
  const { header, numbers } = record
  const { policy, texts } = header
  const result: Replay = { steps: 0, differences: [], differing: 0 }
  let state: Readonly<State> = header.begin
  let event: Event | null = null
  let left: readonly Effect[] = []
  const differ = (recorded: string, today: string): void => {
    result.differing += 1
    if (result.differences.length >= DIFFERENCES_KEPT || event === null) return
    result.differences.push({ atMs: event.nowMs, event: event.type, recorded, today })
  }
  const leave = (): void => {
    for (const effect of left) differ('nothing', tellEffect(effect))
  }
  for (const entry of entriesOf(numbers, texts)) {
    if (entry.type === 'mark') continue
    if (entry.type === 'effect') {
      const [next, ...others] = left
      left = others
      if (!isDeepStrictEqual(next, entry.effect)) {
        differ(...told(entry.effect, next))
      }
      if (entry.refused && entry.effect.type !== 'occupy') left = withoutClaims(left)
      continue
    }
    leave()
    event = entry.event
    let decision: Decision
    try {
      decision = decide(state, entry.event, policy)
    } catch (error) {
      differ('a decision', `a failure: ${error instanceof Error ? error.message : String(error)}`)
      return result
    }
    state = decision.state
    left = decision.effects
    result.steps += 1
    const recorded = tellRole(entry)
    const today = tellRole(state)
    if (recorded !== today) differ(recorded, today)
  }
  // What is left of the last decision may have died with the agent.
  return result
}

function tellRole({ role, armed, reason }: Pick<State, 'role' | 'armed' | 'reason'>): string {
  return `${role}${armed ? ', serving' : ''} (${reason})`
}

/** Both sides of a difference; of two alike in kind only what is not the same. */
function told(recorded: Effect, today: Effect | undefined): [string, string] {
  if (today === undefined) return [tellEffect(recorded), 'nothing']
  if (today.type !== recorded.type) return [tellEffect(recorded), tellEffect(today)]
  const ours = flat(today)
  const theirs = flat(recorded)
  const keys = Object.keys({ ...ours, ...theirs }).filter(
    (key) => !isDeepStrictEqual(ours[key], theirs[key]),
  )
  const tell = (values: Record<string, unknown>): string =>
    `${recorded.type} ${keys.map((key) => `${key} ${JSON.stringify(values[key])}`).join(', ')}`
  return [tell(theirs), tell(ours)]
}

function flat(effect: Effect): Record<string, unknown> {
  if (effect.type !== 'send') return { ...effect }
  const { heartbeat, ...rest } = effect
  return { ...rest, ...heartbeat }
}

function tellEffect(effect: Effect): string {
  if (effect.type === 'send') return `send number ${effect.heartbeat.seq}`
  const { type, ...rest } = effect
  const words = Object.entries(rest).map(([key, value]) => `${key} ${String(value)}`)
  return [type, ...words].join(' ')
}
