import { describe, expect, it } from 'vitest'
import { Estimate, fullPlan, guessMs, stepsOf } from '../../src/lab/bench-plan.ts'
import { LETTERS } from '../../src/lab/demand.ts'
import { REQUIREMENTS } from '../../src/lab/requirement.ts'
import { SCENARIOS } from '../../src/lab/scenario.ts'

const EFFORT = { runs: 20, longRuns: 3, watchMs: 60_000 }
const FAST = { profile: 'fast', letters: LETTERS.fast } as const

describe('the full plan', () => {
  const plan = fullPlan(['keepalived', 'heartbeat'], EFFORT)

  it('measures whatever has a required figure, short faults often and long ones a few times', () => {
    const countOf = (fault: string, profile: string): number =>
      plan.filter(
        (step) =>
          step.scenario?.name === fault &&
          step.pair === 'tandem' &&
          step.letters === LETTERS[profile as 'fast' | 'default'],
      ).length
    const counts = REQUIREMENTS.map(({ fault, profile }) => countOf(fault, profile))
    expect(counts).toEqual([20, 20, 20, 20, 20, 3, 3, 20, 20, 3, 3, 3, 3, 3, 3])
    const idle = plan.filter(({ scenario, pair }) => scenario === null && pair === 'tandem')
    expect(idle.map(({ profile }) => profile)).toEqual(['default', 'fast'])
  })

  it('keeps the lengths that must stay: 20 s frozen, 60 s of load and loss', () => {
    const lengthOf = (name: string) => plan.find(({ scenario }) => scenario?.name === name)?.watchMs
    expect(['agent-freeze', 'cpu-load', 'loss-10', 'loss-30'].map(lengthOf)).toEqual([
      20_000, 60_000, 60_000, 60_000,
    ])
  })

  it('takes rivals in turns, the slow one every second time, and does not wait for their return', () => {
    expect(plan.slice(0, 5).map(({ pair, mend }) => `${pair} ${mend}`)).toEqual([
      'tandem true',
      'keepalived false',
      'heartbeat false',
      'tandem true',
      'keepalived false',
    ])
  })

  it('looks at smaller intervals with everything in proportion', () => {
    const own = new Set(plan.map(({ letters: { H, S, L, M } }) => [H, S, L, M].join(' ')))
    expect([...own]).toEqual(['20 60 100 40', '100 300 600 200', '10 30 50 20', '5 15 25 10'])
  })
})

describe('the remaining time', () => {
  it('is guessed until a step of the kind was made, and learned then', () => {
    const scenario = SCENARIOS.find(({ name }) => name === 'switchover')
    if (scenario === undefined) throw new Error('no switchover')
    const steps = stepsOf(scenario, FAST, ['tandem', 'keepalived'], { ...EFFORT, runs: 2 })
    const [first, second] = steps
    if (first === undefined || second === undefined) throw new Error('no steps')
    const estimate = new Estimate()
    expect(estimate.of(steps)).toBe(2 * guessMs(first) + 2 * guessMs(second))
    estimate.note(first, 4000)
    estimate.note(first, 6000)
    expect(estimate.of(steps)).toBe(2 * 5000 + 2 * guessMs(second))
  })
})
