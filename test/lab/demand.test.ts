import { describe, expect, it } from 'vitest'
import { type Demand, judge, LETTERS, type Seen } from '../../src/lab/demand.ts'
import { SCENARIOS } from '../../src/lab/scenario.ts'

const QUIET: Seen = {
  outageMs: 8,
  outageEnded: true,
  controlMs: 7,
  moves: 0,
  dualMs: 0,
  dualProofs: 0,
  lost: 0,
}
const MOVE: Demand = { outageMs: 260, movesMax: 1, dualForbidden: true }

describe('judging a run', () => {
  it('finds nothing when every demand holds', () => {
    expect(judge({ ...QUIET, outageMs: 251, moves: 1 }, MOVE)).toEqual([])
  })

  it('names each broken demand with what was seen and what was allowed', () => {
    const seen = { ...QUIET, outageMs: 301, moves: 2, dualMs: 3.25, dualProofs: 4 }
    expect(judge(seen, MOVE)).toEqual([
      'silent 301 ms, allowed 267 ms',
      'moved 2 times, allowed 1',
      'both served for 3.3 ms (4 answers)',
    ])
  })

  it('allows what the control address missed too, and nothing more', () => {
    expect(judge({ ...QUIET, outageMs: 290, controlMs: 30 }, MOVE)).toEqual([])
    expect(judge({ ...QUIET, outageMs: 291, controlMs: 30 }, MOVE)).toHaveLength(1)
  })

  it('says of a service that did not come back just that', () => {
    const seen = { ...QUIET, outageMs: 4000, outageEnded: false }
    expect(judge(seen, MOVE)).toEqual(['service did not come back'])
  })

  it('counts a single answer of a second node as both serving', () => {
    expect(judge({ ...QUIET, dualProofs: 1 }, MOVE)).toEqual(['both served for 0.0 ms (1 answers)'])
  })

  it('demands nothing where nothing is promised', () => {
    const nothing = { outageMs: null, movesMax: null, dualForbidden: false }
    expect(judge({ ...QUIET, outageMs: 9999, moves: 9, dualMs: 9999 }, nothing)).toEqual([])
  })
})

describe('the scenarios', () => {
  it('demand what PROTOCOL promises, in both profiles', () => {
    const promised = (name: string): (number | null)[] => {
      const scenario = SCENARIOS.find((one) => one.name === name)
      return [LETTERS.default, LETTERS.fast].map((all) => scenario?.demand(all).outageMs ?? null)
    }
    expect({
      powerCut: promised('power-cut'),
      switchover: promised('switchover'),
      kill: promised('agent-kill'),
      freeze: promised('agent-freeze'),
      lan: promised('lan-cut'),
      oneWay: promised('one-way-active-unheard'),
      partition: promised('partition'),
      blind: promised('partition-blind'),
    }).toEqual({
      powerCut: [1400, 260],
      switchover: [300, 60],
      kill: [2000, 360],
      freeze: [2000, 360],
      lan: [1400, 280],
      oneWay: [2400, 440],
      partition: [0, 0],
      blind: [null, null],
    })
  })

  it('forbid two serving nodes everywhere but in the one case that is not protected', () => {
    const allowed = SCENARIOS.filter((one) => !one.demand(LETTERS.fast).dualForbidden)
    expect(allowed.map((one) => one.name)).toEqual(['partition-blind'])
  })
})
