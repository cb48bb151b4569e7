/**
 * How fast is the core alone? Events recorded in schedules, put through `step` again and nothing else.
 *
 * Every recorded event goes to the state that the step before gave, so the work is that of the run:
 * the same decisions, without network, kernel, disk or checkers around them.
 */
import type { Event } from '../core/event.ts'
import type { Policy } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import { step } from '../core/step.ts'
import { runSchedule, type ScheduleOptions } from './schedule.ts'
import type { World } from './world.ts'

/** One life of one agent: where it began, and what happened to it. */
interface Life {
  begin: Readonly<State>
  policy: Policy
  events: Event[]
}

export interface Pace {
  steps: number
  stepsPerSecond: number
}

/**
 * Records some schedules and measures the core on them.
 *
 * @param seeds    schedules to record; their events are all kept in memory
 * @param clockMs  a monotonic clock
 */
export function measureCore(
  seeds: readonly number[],
  options: ScheduleOptions,
  clockMs: () => number,
): Pace {
  const lives = seeds.flatMap((seed) => record(seed, options))
  const beganMs = clockMs()
  let steps = 0
  for (const { begin, policy, events } of lives) {
    let state = begin
    for (const event of events) state = step(state, event, policy).state
    steps += events.length
  }
  const tookMs = clockMs() - beganMs
  return { steps, stepsPerSecond: tookMs > 0 ? (1000 * steps) / tookMs : 0 }
}

function record(seed: number, options: ScheduleOptions): Life[] {
  const lives: Life[] = []
  runSchedule(seed, options, (world) => recordWorld(world, lives))
  return lives
}

function recordWorld(world: World, lives: Life[]): void {
  for (const node of Object.values(world.nodes)) {
    const other = node.observer
    let life: Life | null = null
    node.observer = {
      stepped: (before, event, after) => {
        other?.stepped(before, event, after)
        if (life === null || event.type === 'start') {
          life = { begin: before, policy: node.policy, events: [] }
          lives.push(life)
        }
        life.events.push(event)
      },
      carriedOut: (effect, refused) => other?.carriedOut(effect, refused),
    }
  }
}
