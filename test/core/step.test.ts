/**
 * Is a decision a pure function? The rules themselves are tested in test/rules.
 */
import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/core/event.ts'
import type { State } from '../../src/core/state.ts'
import { step } from '../../src/core/step.ts'
import { simPolicy } from '../../src/sim/schedule.ts'
import { World } from '../../src/sim/world.ts'

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
