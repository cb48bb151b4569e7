/**
 * Goal: runs of the stores' cases are held against the required figures, and one that is missed is named
 * with its run. Method: runs by hand, whole verdicts compared.
 */
import { describe, expect, it } from 'vitest'
import { storeSeries } from '../../src/lab/store-bench.ts'
import type { StoreRun } from '../../src/lab/store-case.ts'
import { judgeStores } from '../../src/lab/store-requirement.ts'

function run(number: number, change: Partial<StoreRun> = {}): StoreRun {
  return {
    case: 'move',
    semiSync: true,
    run: number,
    from: 'sp1',
    to: 'sp2',
    stallMs: { redis: 40, mariadb: 80 },
    writableMs: { redis: 40, mariadb: 80 },
    acknowledged: { redis: 1000, mariadb: 900 },
    lost: { redis: 0, mariadb: 0 },
    resync: { full: 0, partial: 1 },
    aloneMs: null,
    togetherMs: null,
    trouble: [],
    ...change,
  }
}

function failuresOf(...runs: StoreRun[]): string[] {
  return judgeStores(runs).flatMap(({ failures }) => failures)
}

describe('the figures of the stores', () => {
  it('are shown with what is required, and kept when every run kept them', () => {
    expect(judgeStores([run(1), run(2, { stallMs: { redis: 50, mariadb: 120 } })])).toEqual([
      {
        title: 'planned move, Redis and MariaDB, 500 writes/s each',
        required: '0 lost; stall median/max redis 60/200, sql 100/300 ms; partial resync',
        measured:
          'lost redis 0 of 2000, sql 0 of 1800; redis 40 / 50 / 50 ms, sql 80 / 120 / 120 ms',
        runs: 2,
        failures: ['mariadb: median stall 120 ms'],
        forgiven: [],
      },
    ])
    expect(failuresOf(run(1))).toEqual([])
  })

  it('of a move are missed by a lost write, a long stall and a full copy', () => {
    expect(failuresOf(run(1), run(2, { lost: { redis: 0, mariadb: 3 } }), run(3))).toEqual([
      'run 2: 3 writes of mariadb lost',
    ])
    const slow = run(3, { stallMs: { redis: 201, mariadb: 301 } })
    expect(failuresOf(run(1), run(2), slow)).toEqual([
      'redis: longest stall 201 ms',
      'mariadb: longest stall 301 ms',
    ])
    expect(failuresOf(run(1, { resync: { full: 1, partial: 0 } }))).toEqual([
      'run 1: 1 full, 0 partial resyncs',
    ])
  })

  it('of a power cut ask for every confirmed transaction under semi-sync only', () => {
    const lost = { redis: 4, mariadb: 2 }
    const cut = { case: 'power-cut', lost, writableMs: { redis: 400, mariadb: 500 } } as const
    expect(failuresOf(run(1, cut))).toEqual(['run 1: 2 writes of mariadb lost'])
    expect(failuresOf(run(1, { ...cut, semiSync: false }))).toEqual([])
    const late = { ...cut, semiSync: false, writableMs: { redis: 1, mariadb: 661 } }
    expect(failuresOf(run(1, late))).toEqual(['run 1: sql writable after 661 ms'])
  })

  it('of a crosslink cut are missed by a move, a long stall, and a sync that does not change', () => {
    const cut = {
      ...({ case: 'crosslink-cut', to: 'sp1', resync: null } as const),
      ...{ aloneMs: 600, togetherMs: 900 },
    }
    expect(failuresOf(run(1, cut))).toEqual([])
    expect(failuresOf(run(1, { ...cut, to: 'sp2' }))).toEqual(['run 1: the role moved'])
    expect(failuresOf(run(1, { ...cut, stallMs: { redis: 1, mariadb: 1600 } }))).toEqual([
      'run 1: sql stall 1600 ms',
    ])
    expect(failuresOf(run(1, { ...cut, togetherMs: null }))).toEqual(['run 1: sync did not change'])
  })

  it('leave the figures of a troubled run out, and name its trouble', () => {
    const none = { redis: 0, mariadb: 0 }
    const troubled = run(2, { trouble: ['it did not become whole'], lost: none, resync: null })
    expect(failuresOf(run(1), troubled)).toEqual(['run 2: it did not become whole'])
  })
})

describe('the plan of the stores', () => {
  it('moves there and back as often as asked, and cuts each kind of pair as often', () => {
    expect(storeSeries(10)).toEqual([
      { case: 'move', semiSync: true, runs: 20 },
      { case: 'power-cut', semiSync: true, runs: 10 },
      { case: 'crosslink-cut', semiSync: true, runs: 2 },
      { case: 'power-cut', semiSync: false, runs: 10 },
    ])
  })
})
