/**
 * How fast is the core alone? Events recorded in schedules, put through `step` again and nothing else.
 *
 * Every recorded event goes to the state that the step before gave, so the work is that of the run:
 * the same decisions, without network, kernel, disk or checkers around them. One pass over the lot
 * takes some ten milliseconds, in which anything else on the machine shows; so there are many passes,
 * and the one in the middle counts.
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
  /** Steps of one pass over everything recorded. */
  steps: number
  stepsPerSecond: number
}

/** Passes are repeated for this long. */
const MEASURED_MS = 500

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
  const steps = lives.reduce((sum, { events }) => sum + events.length, 0)
  const tookMs: number[] = []
  const beganMs = clockMs()
  for (let atMs = beganMs; atMs - beganMs < MEASURED_MS; ) {
    replay(lives)
    const doneMs = clockMs()
    tookMs.push(doneMs - atMs)
    atMs = doneMs
  }
  const passMs = median(tookMs)
  return { steps, stepsPerSecond: passMs > 0 ? (1000 * steps) / passMs : 0 }
}

function replay(lives: readonly Life[]): void {
  for (const { begin, policy, events } of lives) {
    let state = begin
    for (const event of events) state = step(state, event, policy).state
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
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
