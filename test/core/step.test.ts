/**
 * Is a decision a pure function? The rules themselves are tested in test/rules.
 */
import { describe, expect, test } from 'vitest'
import type { Event, EventType } from '../../src/core/event.ts'
import type { Mode } from '../../src/core/policy.ts'
import type { State } from '../../src/core/state.ts'
import { step } from '../../src/core/step.ts'
import { drawMix, unleash } from '../../src/sim/faults.ts'
import { PAIR_DEFAULTS, Rehearsal } from '../../src/sim/rehearsal.ts'
import { simPolicy } from '../../src/sim/schedule.ts'
import { World } from '../../src/sim/world.ts'

const EVERY_EVENT = [
  'start',
  'tick',
  'heartbeat',
  'pong',
  'probed',
  'persisted',
  'refused',
  'demoted',
  'witness',
  'fenced',
  'ask',
  'health',
  'maintenance',
  'position',
  'confirms',
  'frozen',
] as const satisfies EventType[]

interface Step {
  before: Readonly<State>
  event: Event
  after: Readonly<State>
}

/** Every step of one node in some seconds of a pair that boots, works and is cut apart. */
function recorded(): { steps: Step[]; policy: ReturnType<typeof simPolicy> } {
  const policy = simPolicy('sp1')
  const world = new World({ seed: 5, policies: { sp1: policy, sp2: simPolicy('sp2') } })
  const steps: Step[] = []
  world.nodes.sp1.observer = {
    stepped: (before, event, after) => steps.push({ before, event, after }),
    carriedOut: () => {},
  }
  world.nodes.sp1.start()
  world.nodes.sp2.start()
  world.timeline.runUntil(3000)
  world.nodes.sp2.kill()
  world.timeline.runUntil(8000)
  return { steps, policy }
}

/**
 * Lets a pair that keeps data work while many things go wrong. What goes into a step and what comes
 * out of it is frozen to the bottom as soon as it is there: who changes it throws.
 *
 * @returns the kinds of events that both nodes took
 */
function runFrozen(seed: number, mode: Mode): Set<EventType> {
  const pair = new Rehearsal({ ...PAIR_DEFAULTS, seed, mode, active: null, data: 'recent' })
  const { world } = pair
  const seen = new Set<EventType>()
  for (const node of Object.values(world.nodes)) {
    node.policy = freeze(node.policy)
    node.observer = {
      stepped: (before, event, after) => {
        freeze(after)
        // Again, for what was not frozen yet: the very first state, and the event.
        step(freeze(before), freeze(event), node.policy)
        seen.add(event.type)
      },
      carriedOut: (effect) => freeze(effect),
    }
  }
  for (const name of ['sp1', 'sp2'] as const) pair.start(name)
  pair.run(5000)
  unleash(world, drawMix(world), 20_000)
  for (let second = 0; second < 20; second += 1) {
    for (const name of ['sp1', 'sp2'] as const) pair.stores.write(name, 1)
    pair.run(1000)
  }
  return seen
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) freeze(part)
  }
  return value
}

describe('a decision', () => {
  const { steps, policy } = recorded()

  test('never changes what it was given', () => {
    expect(steps.length).toBeGreaterThan(300)
    for (const { before, event } of steps) step(freeze(before), freeze(event), policy)
  })

  test('is the same for the same state and event', () => {
    for (const { before, event, after } of steps) {
      expect(step(before, event, policy).state).toEqual(after)
    }
  })

  test('follows from a copy of the state', () => {
    const last = steps.at(-1) as Step
    const thawed = structuredClone(last.before)
    expect(step(thawed, last.event, policy).state).toEqual(last.after)
  })
})

test('nothing is changed that a step was given, whatever happens to a pair', () => {
  const seen = new Set<EventType>()
  for (const mode of ['ping', 'witness', 'fence'] as const) {
    for (let seed = 1; seed <= 16; seed += 1) {
      for (const type of runFrozen(seed, mode)) seen.add(type)
    }
  }
  expect([...seen].sort()).toEqual([...EVERY_EVENT].sort())
})
