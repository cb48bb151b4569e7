/**
 * Goal: runs of the calls' cases are held against the required figures, and what is missed is named with its
 * run. Method: runs by hand, whole verdicts compared.
 */
import { describe, expect, it } from 'vitest'
import { callsTurns } from '../../src/lab/calls-bench.ts'
import { blankRun, type CallsRun } from '../../src/lab/calls-case.ts'
import { judgeCalls } from '../../src/lab/calls-requirement.ts'

const SILENCE = { gapMs: { min: 40, median: 60, max: 90 }, controlMs: 20, directions: 40 }

function move(number: number, change: Partial<CallsRun> = {}): CallsRun {
  const blank = blankRun({ case: 'move', mode: 'always', run: number })
  return { ...blank, calls: 20, survived: 20, silence: SILENCE, to: 'sp2', ...change }
}

function ofService(change: Partial<CallsRun>): CallsRun {
  const blank = blankRun({ case: 'hang', mode: 'always', service: 'lb', run: 1 })
  return { ...blank, noticedMs: 1_900, noticed: 'lb: OPTIONS: nothing', backMs: 3_000, ...change }
}

function failuresOf(...runs: CallsRun[]): string[] {
  return judgeCalls(runs).flatMap(({ failures }) => failures)
}

describe('the figures of calls', () => {
  it('are shown with what is required, and kept when every run kept them', () => {
    expect(judgeCalls([move(1), move(2)])).toEqual([
      {
        title: 'planned move, services on both nodes',
        required: 'all survive; silence at most 100 ms',
        measured: '40 of 40; silence 90 / 90 / 90 ms (telephones paused up to 20)',
        runs: 2,
        failures: [],
        forgiven: [],
      },
    ])
  })

  it('are missed by a lost call, a long silence, a mute direction, media past the relay and a call left over', () => {
    expect(failuresOf(move(1, { survived: 19 }))).toEqual(['run 1: 19 of 20 calls survived'])
    const long = { ...SILENCE, gapMs: { ...SILENCE.gapMs, max: 101 } }
    expect(failuresOf(move(1), move(2, { silence: long }))).toEqual(['run 2: silence 101 ms'])
    expect(failuresOf(move(1, { silence: { ...long, controlMs: 21 } }))).toEqual([])
    expect(failuresOf(move(1, { silence: { ...SILENCE, directions: 39 } }))).toEqual([
      'run 1: media in 39 of 40 directions',
    ])
    expect(failuresOf(move(1, { silence: null }))).toEqual(['run 1: nothing was heard'])
    expect(failuresOf(move(1, { past: 3 }))).toEqual(['run 1: 3 packets of media past the relay'])
    const left = ['Redis of sp1 holds 1 keys of calls']
    expect(failuresOf(move(1, { left }))).toEqual(['run 1: Redis of sp1 holds 1 keys of calls'])
    expect(failuresOf(move(1, { trouble: ['no pair'] }))).toEqual(['run 1: no pair'])
  })

  it('of a service that hangs are missed when it is noticed late, by nobody or by another probe, or moves the role', () => {
    expect(failuresOf(ofService({}))).toEqual([])
    expect(failuresOf(ofService({ noticedMs: 2_051 }))).toEqual(['run 1: noticed after 2051 ms'])
    expect(failuresOf(ofService({ noticedMs: null }))).toEqual(['run 1: nobody noticed'])
    expect(failuresOf(ofService({ roleChanges: 2, to: 'sp2' }))).toEqual(['run 1: 2 role changes'])
    const workers = { case: 'hang-workers' as const, noticed: 'lb: a process is stopped' }
    expect(failuresOf(ofService(workers))).toEqual(['run 1: noticed by "lb: a process is stopped"'])
  })

  it('of a service that is killed are missed when it is back late', () => {
    const killed = { case: 'kill' as const, calls: 20, survived: 20, silence: SILENCE }
    expect(failuresOf(ofService({ ...killed, backMs: 500 }))).toEqual([])
    expect(failuresOf(ofService({ ...killed, backMs: 501 }))).toEqual(['run 1: back after 501 ms'])
  })
})

describe('the turns of the bench', () => {
  it('are all judged, and no service fails twice in a row in the same way', () => {
    const turns = callsTurns(10)
    const rows = judgeCalls(
      turns.map(({ service, ...turn }) => ({ ...blankRun(turn), service, trouble: ['none'] })),
    )
    expect(rows.reduce((sum, { runs }) => sum + runs, 0)).toBe(turns.length)
    const services = turns.filter(({ service }) => service !== null)
    const twice = services.filter(
      ({ service, case: name }, index) =>
        services[index - 1]?.service === service && services[index - 1]?.case === name,
    )
    expect(twice).toEqual([])
  })
})
