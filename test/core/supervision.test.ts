import { describe, expect, it } from 'vitest'
import {
  begun,
  heed,
  initialLife,
  isUp,
  nextActions,
  type ServiceHappening,
  type ServiceLife,
  type ServicePlan,
  unfitBecauseOf,
  wantedOf,
} from '../../src/core/supervision.ts'

const PLAN: ServicePlan = {
  ...{ name: 'lb', mode: 'active', early: true, after: [], essential: true, probed: true },
  ...{ startLimitMs: 5_000, misses: 2, restarts: { count: 3, withinMs: 60_000 } },
}
const plan = (name: string, more: Partial<ServicePlan> = {}): ServicePlan => ({
  ...PLAN,
  name,
  ...more,
})
const RUNS: ServiceLife = { ...initialLife({}), process: 'running', probe: 'well', wellSinceMs: 0 }
const DOWN: ServiceLife = { ...initialLife({}), process: 'stopped' }

/** One service to which things happen, each at its moment. */
function through(
  life: ServiceLife,
  happenings: readonly [number, ServiceHappening][],
  of: ServicePlan = PLAN,
): ServiceLife {
  return happenings.reduce((now, [atMs, happening]) => heed(of, now, happening, atMs), life)
}

function actions(
  plans: readonly ServicePlan[],
  lives: readonly ServiceLife[],
  serves: boolean,
  nowMs = 1_000,
): string[] {
  const named = new Map(plans.map(({ name }, index) => [name, lives[index] ?? DOWN]))
  return nextActions(plans, named, serves ? 'serves' : 'away', nowMs).map(
    ({ name, what }) => `${what} ${name}`,
  )
}

describe('what is wanted of a service', () => {
  it('follows its mode, the role of the node, and before both the word of an operator', () => {
    const wanted = (mode: ServicePlan['mode'], serves: boolean, more: Partial<ServiceLife> = {}) =>
      wantedOf(plan('lb', { mode }), { ...DOWN, ...more }, serves ? 'serves' : 'away')
    expect([wanted('active', true), wanted('active', false)]).toEqual(['running', 'stopped'])
    expect([wanted('always', true), wanted('always', false)]).toEqual(['running', 'running'])
    expect([wanted('manual', true), wanted('manual', false)]).toEqual([null, null])
    expect(wanted('always', true, { held: true })).toBe('stopped')
    expect(wanted('always', true, { monitored: false })).toBe(null)
  })
})

describe('where the role is about to move', () => {
  it('what may run early is wanted, and what must never run on both nodes is not', () => {
    const wanted = (more: Partial<ServicePlan>, life = DOWN) =>
      wantedOf(plan('lb', more), life, 'comes')
    expect([wanted({}), wanted({ early: false })]).toEqual(['running', 'stopped'])
    expect([wanted({ mode: 'always', early: false }), wanted({ mode: 'manual' })]).toEqual([
      ...['running', null],
    ])
    expect(wanted({}, { ...DOWN, held: true })).toBe('stopped')
    expect(wantedOf(plan('lb', { early: false }), DOWN, 'serves')).toBe('running')
  })
})

describe('services that wait for each other', () => {
  const plans = [
    plan('rtpengine'),
    plan('proxy', { after: ['rtpengine'] }),
    plan('lb', { after: ['proxy'] }),
  ]

  it('are started in order, each when the one before answers its probe', () => {
    expect(actions(plans, [DOWN, DOWN, DOWN], true)).toEqual(['start rtpengine'])
    const unproven: ServiceLife = { ...RUNS, probe: 'unknown', wellSinceMs: null }
    expect(actions(plans, [unproven, DOWN, DOWN], true)).toEqual([])
    expect(actions(plans, [RUNS, DOWN, DOWN], true)).toEqual(['start proxy'])
    expect(actions(plans, [RUNS, RUNS, DOWN], true)).toEqual(['start lb'])
  })

  it('are stopped the other way round', () => {
    expect(actions(plans, [RUNS, RUNS, RUNS], false)).toEqual(['stop lb'])
    expect(actions(plans, [RUNS, RUNS, begun(RUNS, 'stop')], false)).toEqual([])
    expect(actions(plans, [RUNS, RUNS, DOWN], false)).toEqual(['stop proxy'])
    expect(actions(plans, [RUNS, DOWN, DOWN], false)).toEqual(['stop rtpengine'])
  })

  it('do not fall with one another: what crashed is started again alone', () => {
    const crashed = through(RUNS, [[1_000, { type: 'ended', why: 'proxy ended by itself' }]])
    expect(actions(plans, [RUNS, crashed, RUNS], true)).toEqual(['start proxy'])
  })

  it('need only what is wanted here: one that an operator holds is not waited for', () => {
    expect(actions(plans, [{ ...DOWN, held: true }, DOWN, DOWN], true)).toEqual(['start proxy'])
  })

  it('are not touched before it is known what runs', () => {
    const unknown = initialLife({})
    expect(actions(plans, [unknown, unknown, unknown], true)).toEqual([])
    expect(actions(plans, [unknown, unknown, unknown], false)).toEqual([])
  })
})

describe('a service that fails', () => {
  it('is started again at once, then after longer and longer pauses, and never given up', () => {
    const pauses: number[] = []
    let life = RUNS
    for (let count = 1; count <= 6; count += 1) {
      life = heed(PLAN, { ...life, process: 'running' }, { type: 'ended', why: 'it ended' }, 1_000)
      pauses.push(life.nextTryAtMs - 1_000)
    }
    expect(pauses).toEqual([0, 250, 1_000, 30_000, 30_000, 30_000])
    expect(actions([PLAN], [life], true, 30_999)).toEqual([])
    expect(actions([PLAN], [life], true, 31_000)).toEqual(['start lb'])
  })

  it('makes the node unfit beyond its budget, and not for failures that are long over', () => {
    const ends = (atMs: readonly number[]): ServiceLife =>
      through(
        RUNS,
        atMs.flatMap((ms): [number, ServiceHappening][] => [
          [ms, { type: 'ended', why: 'it ended' }],
          [ms, { type: 'looked', running: true }],
        ]),
      )
    const whys = (life: ServiceLife, of = PLAN) => unfitBecauseOf([of], new Map([['lb', life]]))
    expect(whys(ends([0, 1, 2]))).toEqual([])
    expect(whys(ends([0, 1, 2, 3]))).toEqual([
      'service lb failed 4 times: it ended; once that is mended: tandem service monitor lb',
    ])
    expect(whys(ends([0, 1, 2, 60_001]))).toEqual([])
    expect(whys(ends([0, 1, 2, 3]), plan('lb', { essential: false }))).toEqual([])
  })

  it('counts as mended when it has run well for as long as failures count, or an operator says so', () => {
    const spent: ServiceLife = {
      ...RUNS,
      exhausted: true,
      failedAtMs: [1, 2, 3, 4],
      wellSinceMs: 100,
    }
    const well = (atMs: number) => heed(PLAN, spent, { type: 'probed', why: null }, atMs).exhausted
    expect([well(60_099), well(60_100)]).toEqual([true, false])
    for (const verb of ['start', 'restart', 'monitor'] as const) {
      expect(heed(PLAN, spent, { type: 'order', verb }, 200).exhausted).toBe(false)
    }
  })

  it('does not count what was asked for: the end of a service that is being stopped', () => {
    const stopping = begun(RUNS, 'stop')
    const ended = heed(PLAN, stopping, { type: 'ended', why: 'it ended' }, 1_000)
    expect(heed(PLAN, ended, { type: 'stopped', why: null }, 1_001)).toMatchObject({
      process: 'stopped',
      failedAtMs: [],
    })
  })

  it('fails as well when it cannot be started', () => {
    const life = through(begun(DOWN, 'start'), [[1_000, { type: 'started', why: 'no such unit' }]])
    expect(life).toMatchObject({ process: 'stopped', why: 'no such unit', failedAtMs: [1_000] })
  })
})

describe('the probes of a service', () => {
  const bad: ServiceHappening = { type: 'probed', why: 'no answer' }

  it('make it ill after so many misses in a row, and one good answer begins the count anew', () => {
    const once = through(RUNS, [[1_000, bad]])
    expect(actions([PLAN], [once], true)).toEqual([])
    expect(actions([PLAN], [through(once, [[2_000, bad]])], true)).toEqual(['restart lb'])
    const between = through(once, [
      [2_000, { type: 'probed', why: null }],
      [3_000, bad],
    ])
    expect(actions([PLAN], [between], true)).toEqual([])
  })

  it('do not count while it comes up, for as long as that may take', () => {
    const started = through(begun(DOWN, 'start'), [[1_000, { type: 'started', why: null }]])
    const waiting = through(started, [
      [1_100, bad],
      [1_200, bad],
      [1_300, bad],
    ])
    expect(waiting.misses).toBe(0)
    expect(actions([PLAN], [waiting], true, 6_000)).toEqual([])
    expect(actions([PLAN], [waiting], true, 6_001)).toEqual(['restart lb'])
  })

  it('say that it is up; where there are none its process does', () => {
    expect(isUp(PLAN, RUNS)).toBe(true)
    expect(isUp(PLAN, { ...RUNS, probe: 'unknown' })).toBe(false)
    expect(isUp(plan('lb', { probed: false }), { ...RUNS, probe: 'unknown' })).toBe(true)
  })
})

describe('an operator', () => {
  it('stops and starts a service for good', () => {
    const held = heed(PLAN, RUNS, { type: 'order', verb: 'stop' }, 1_000)
    expect(actions([PLAN], [held], true)).toEqual(['stop lb'])
    const down = { ...held, process: 'stopped' } as const
    expect(actions([PLAN], [down], true)).toEqual([])
    expect(
      actions([PLAN], [heed(PLAN, down, { type: 'order', verb: 'start' }, 1_000)], true),
    ).toEqual(['start lb'])
  })

  it('takes a service out of our hands and gives it back', () => {
    const own = heed(PLAN, DOWN, { type: 'order', verb: 'unmonitor' }, 1_000)
    expect(actions([PLAN], [own], true)).toEqual([])
    const back = heed(PLAN, own, { type: 'order', verb: 'monitor' }, 1_000)
    expect(actions([PLAN], [back], true)).toEqual(['start lb'])
  })
})
