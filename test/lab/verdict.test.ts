import { describe, expect, it } from 'vitest'
import type { NodeCost } from '../../src/lab/cost.ts'
import { LETTERS, lettersFrom } from '../../src/lab/demand.ts'
import type { IdleLine, RunLine } from '../../src/lab/record.ts'
import { REQUIREMENTS } from '../../src/lab/requirement.ts'
import { judgeAll, judgeRuns } from '../../src/lab/verdict.ts'
import { CALM_SEEN, runLine } from '../fixtures/bench-run-line.ts'

function failuresOf(fault: string, runs: readonly RunLine[], profile = 'fast'): string[] {
  const requirement = REQUIREMENTS.find((one) => one.fault === fault && one.profile === profile)
  if (requirement === undefined) throw new Error(fault)
  return judgeRuns(requirement, runs).failures
}

const cut = (outageMs: number, controlMs = 8, pauseMs = 0): RunLine =>
  runLine('power-cut', {
    during: { ...CALM_SEEN, outageMs, controlMs, moves: 1 },
    told: { pauseMs, activations: 1, leaseEnds: 0 },
  })
const times = <T>(count: number, one: T): T[] => Array(count).fill(one)
const steady = (change: Partial<RunLine>): RunLine =>
  runLine('crosslink-cut', { during: CALM_SEEN, ...change })

describe('holding many runs against a requirement', () => {
  it('counts outages beyond what the control address missed in the same run', () => {
    expect(failuresOf('power-cut', [cut(288, 8)])).toEqual([])
    expect(failuresOf('power-cut', [cut(289, 8)])).toEqual(['median 281 ms'])
  })

  it('forgives a missed maximum in one run of twenty that recorded a pause', () => {
    const late = cut(480, 10, 70)
    expect(failuresOf('power-cut', [late, ...times(19, cut(230))])).toEqual([])
    const text = 'run 1: outage 470 ms (a pause of 70 ms)'
    expect(failuresOf('power-cut', [late, ...times(18, cut(230))])).toEqual([text])
    expect(failuresOf('power-cut', [late, late, ...times(19, cut(230))])).toEqual([text, text])
  })

  it('does not forgive a missed maximum without a recorded pause', () => {
    const runs = [cut(480, 10, 39), ...times(39, cut(230))]
    expect(failuresOf('power-cut', runs)).toEqual(['run 1: outage 470 ms (no pause recorded)'])
  })

  it('takes a silence of the control address for a recorded pause as well', () => {
    expect(failuresOf('power-cut', [cut(520, 60), ...times(19, cut(230))])).toEqual([])
  })

  it('never forgives two nodes serving, a move too many or a service that stays away', () => {
    const seen = { ...CALM_SEEN, controlMs: 90 }
    const spoiled = [
      runLine('power-cut', { during: { ...seen, moves: 1, dualMs: 3, dualProofs: 1 } }),
      runLine('power-cut', { during: { ...seen, moves: 2 } }),
      runLine('power-cut', { during: { ...seen, moves: 1, outageMs: 900, outageEnded: false } }),
    ]
    expect(failuresOf('power-cut', [...spoiled, ...times(60, cut(230))])).toEqual([
      'run 1: both served for 3 ms (a pause of 90 ms)',
      'run 1: moved 2 times (a pause of 90 ms)',
      'run 1: the service did not come back (a pause of 90 ms)',
    ])
  })

  it('counts a run that could not be made as one that failed', () => {
    const lost = runLine('power-cut', { during: null, mended: null, trouble: ['no node served'] })
    expect(failuresOf('power-cut', [lost, cut(230)])).toEqual(['run 1: no node served'])
  })

  it('asks of a lost agent that the old node is silent in time and the peer serves in time', () => {
    const change = { oldAnsweredMs: 101, peerServedMs: 509, addressGoneMs: null }
    expect(failuresOf('agent-kill', [runLine('agent-kill')])).toEqual([])
    expect(failuresOf('agent-kill', [runLine('agent-kill', { change })])).toEqual([
      'run 1: the address stayed, the old active answered for 101 ms (no pause recorded)',
      'run 1: the peer served after 501 ms (no pause recorded)',
    ])
    const late = { ...change, oldAnsweredMs: 100, peerServedMs: null, addressGoneMs: 2501 }
    expect(failuresOf('agent-freeze', [runLine('agent-freeze', { change: late })])).toEqual([
      'run 1: the peer did not serve (no pause recorded)',
      'run 1: the address was gone after 2501 ms (no pause recorded)',
    ])
  })

  it('judges what follows the mending too', () => {
    const mended = { ...CALM_SEEN, outageMs: 59, moves: 1 }
    expect(failuresOf('lan-cut', [runLine('lan-cut', { mended })])).toEqual([
      'run 1 after: moved 1 times (no pause recorded)',
      'run 1 after: outage 51 ms (no pause recorded)',
    ])
  })

  it('takes the word of the agents for lease ends, and misses it where they say nothing', () => {
    const told = { pauseMs: 0, activations: 1, leaseEnds: 2 }
    expect(failuresOf('crosslink-cut', [steady({})])).toEqual([])
    expect(failuresOf('crosslink-cut', [steady({ told })])).toEqual([
      'run 1: 1 role changes, 2 lease ends (no pause recorded)',
    ])
    expect(failuresOf('crosslink-cut', [steady({ told: null })])).toEqual([
      'run 1: no agent told what happened (no pause recorded)',
    ])
    const during = { ...CALM_SEEN, lost: 1 }
    expect(failuresOf('crosslink-cut', [steady({ during })])).toEqual([
      'run 1: 1 replies lost (no pause recorded)',
    ])
  })
})

describe('the whole table', () => {
  const failing = (runs: RunLine[], idle: IdleLine[] = []): string[] =>
    judgeAll(runs, idle)
      .filter(({ failures }) => failures.length > 0)
      .map(({ title, failures }) => `${title}: ${failures.join('; ')}`)

  it('has a row for each fault that was measured, and one for all', () => {
    expect(judgeAll([cut(230)], []).map(({ title }) => title)).toEqual([
      'power cut of the active',
      'the dead node joins again',
      'both nodes serving, all runs together',
    ])
  })

  it('compares with keepalived within a session only, and counts the largest ratio', () => {
    const rival = (outageMs: number, session: string): RunLine => ({
      ...cut(outageMs),
      pair: 'keepalived',
      session,
    })
    expect(failing([cut(228), rival(308, 'one'), rival(208, 'two')])).toEqual([])
    expect(failing([cut(228), rival(258, 'one')])).toEqual([
      'the same beside keepalived, advert_int 0.1: ratio 0.88',
    ])
  })

  it('leaves runs with other times out, but not that both served in them', () => {
    const letters = lettersFrom('fast', { H: 10 })
    expect(letters).toEqual({ H: 10, S: 30, L: 50, M: 20, C: 100, D: 100 })
    expect(failing([{ ...cut(600), letters }])).toEqual([])
    const during = { ...CALM_SEEN, dualProofs: 1 }
    expect(failing([{ ...cut(600), letters, during }])).toEqual([
      'both nodes serving, all runs together: power-cut, H 10 ms, run 1: both served',
    ])
  })

  it('holds the dearer node against the idle limits of its profile', () => {
    const cost = (cpuRatio: number, rssMiB: number): NodeCost => ({
      processes: 1,
      cpuRatio,
      rssMiB,
      pssMiB: 1,
    })
    const idle = (profile: 'fast' | 'default', standby: NodeCost): IdleLine => ({
      kind: 'idle',
      session: 'one',
      pair: 'tandem',
      profile,
      letters: LETTERS[profile],
      seconds: 60,
      active: cost(0.02, 128),
      standby,
      trouble: [],
    })
    expect(failing([], [idle('fast', cost(0.06, 128)), idle('default', cost(0.02, 1))])).toEqual([])
    expect(failing([], [idle('fast', cost(0.061, 129)), idle('default', cost(0.021, 1))])).toEqual([
      'idle, `default`, the dearer node: 2.1 % of one core',
      'idle, `fast`, the dearer node: 6.1 % of one core; 129 MiB',
    ])
  })
})
