/**
 * Goal: stores are compared without being asked only by a standby of a calm pair, when it is time, one at
 * a time, and never across a change of the role. Method: looks and clocks by hand, runs that end when told.
 */
import { describe, expect, it } from 'vitest'
import type { StoreConfig } from '../../src/config/config.ts'
import { isDue, VerifyKeeper, type VerifyLook, verifyLook } from '../../src/daemon/verify-keeper.ts'
import { finishedResult, type VerifyResult } from '../../src/daemon/verify-record.ts'
import { emptyTally } from '../../src/resources/verify-tally.ts'
import {
  activeState,
  CONFIG,
  NOW_MS,
  PEER,
  snapshotOf,
  standbyState,
} from '../helpers/snapshot-case.ts'

const DAY_MS = 86_400_000
const WALL_MS = Date.parse('2026-11-21T12:00:00.000Z')

const store = (name: string, everyMs: number | null): StoreConfig => ({
  ...{ name, kind: 'redis', socketPath: null, address: '127.0.0.1', port: 6379 },
  ...{ peerAddress: '192.168.255.252', peerPort: 6379, user: 'tandem', passwordFile: null },
  ...{ replicationUser: 'tandem_repl', replicationPasswordFile: null, undoUser: null },
  ...{ undoPasswordFile: null, semiSync: false, dataDirectory: null, pidFile: null },
  probeMisses: 3,
  ...{ minFreeMb: null, archivesKept: 10, lagMax: 0 },
  verify: { user: 'v', passwordFile: null, everyMs, schemas: null },
})

const resultOf = (name: string, agoMs: number, differences = 0): VerifyResult =>
  finishedResult(
    { name, kind: 'redis' },
    { ...emptyTally(), compared: 1_234, places: 1, differences },
    {
      startedIso: '',
      finishedIso: new Date(WALL_MS - agoMs).toISOString(),
      durationMs: 4_000,
    },
  )

function stage(stores: readonly StoreConfig[], results: Record<string, VerifyResult> = {}) {
  const told: string[] = []
  let end: (failed: string | null) => void = () => {}
  const keeper = new VerifyKeeper({
    stores,
    lastResult: async (name) => results[name] ?? null,
    start: (name, ended) => {
      told.push(`start ${name}`)
      end = ended
      return {
        stop: async () => {
          told.push(`stop ${name}`)
        },
      }
    },
    wallMs: () => WALL_MS,
    log: (severity, _event, text) => told.push(`${severity} ${text}`),
  })
  const settle = (): Promise<void> => new Promise((done) => setImmediate(done))
  return {
    keeper,
    told,
    results,
    end: async (failed: string | null) => {
      end(failed)
      await settle()
    },
  }
}

/** A standby for five minutes, with both stores following. */
const LOOK: VerifyLook = {
  nowMs: 1_000_000,
  standbySinceMs: 700_000,
  inStep: new Set(['one', 'two']),
}
const at = (nowMs: number, changes: Partial<VerifyLook> = {}): VerifyLook => ({
  ...LOOK,
  nowMs,
  ...changes,
})

describe('a store that is to be compared once a day', () => {
  it('is compared when it never was, and not again before a day is over', async () => {
    const { keeper, told, results, end } = stage([store('one', DAY_MS)])
    await keeper.look(LOOK)
    expect(told).toEqual(['start one', 'info one: both nodes are compared'])
    await keeper.look(at(1_002_000))
    results['one'] = resultOf('one', 0)
    await end(null)
    await keeper.look(at(1_020_000))
    expect(told.slice(2)).toEqual(['info one: 1 234 keys in 1 database: the same on both nodes'])
    expect(keeper.verified.get('one')).toEqual({
      finishedIso: '2026-11-21T12:00:00.000Z',
      durationMs: 4_000,
      compared: 1_234,
      differences: 0,
      unsettled: 0,
      sentence: '1 234 keys in 1 database: the same on both nodes',
    })
  })

  it('is left alone by an active, for a minute after a change of the role, and while it does not follow', async () => {
    const { keeper, told } = stage([store('one', DAY_MS)])
    await keeper.look(at(1_000_000, { standbySinceMs: null }))
    await keeper.look(at(1_000_000, { standbySinceMs: 940_001 }))
    await keeper.look(at(1_000_000, { inStep: new Set() }))
    expect(told).toEqual([])
    await keeper.look(at(1_000_000, { standbySinceMs: 940_000 }))
    expect(told).toHaveLength(2)
  })

  it('is put off by a change of the role and by the end of its replication', async () => {
    const { keeper, told, end } = stage([store('one', DAY_MS)])
    await keeper.look(LOOK)
    await keeper.disturb()
    await end('too late to matter')
    expect(told.slice(2)).toEqual(['info one: put off, it goes on later', 'stop one'])
    await keeper.look(LOOK)
    await keeper.look(at(1_010_000, { inStep: new Set(['two']) }))
    await keeper.look(at(1_012_000, { standbySinceMs: null }))
    expect(told.slice(4)).toEqual([
      ...['start one', 'info one: both nodes are compared'],
      ...['info one: put off, it goes on later', 'stop one'],
    ])
  })

  it('is tried again an hour after it failed', async () => {
    const { keeper, told, end } = stage([store('one', DAY_MS)])
    await keeper.look(LOOK)
    await end('nobody listens there')
    await keeper.look(at(1_000_000 + 3_599_000))
    expect(told.slice(2)).toEqual(['warning one could not be compared: nobody listens there'])
    await keeper.look(at(1_000_000 + 3_600_000))
    expect(told.at(-2)).toBe('start one')
  })

  it('waits for another, and the one that nobody wants regularly is only shown', async () => {
    const results = { three: resultOf('three', 5 * DAY_MS, 2) }
    const { keeper, told, end } = stage(
      [store('one', DAY_MS), store('two', DAY_MS), store('three', null)],
      results,
    )
    const inStep = new Set(['one', 'two', 'three'])
    await keeper.look(at(1_000_000, { inStep }))
    await keeper.look(at(1_010_000, { inStep }))
    await end('x')
    await keeper.look(at(1_020_000, { inStep }))
    expect(told.filter((line) => line.startsWith('start'))).toEqual(['start one', 'start two'])
    expect(keeper.verified.get('three')?.sentence).toBe('1 234 keys in 1 database: 2 differences')
  })
})

it('it is time when the interval is over, or when nobody can tell', () => {
  const last = resultOf('one', DAY_MS)
  expect(isDue(undefined, DAY_MS, WALL_MS)).toBe(true)
  expect(isDue(last, DAY_MS, WALL_MS)).toBe(true)
  expect(isDue(last, DAY_MS + 1, WALL_MS)).toBe(false)
  expect(isDue({ finishedIso: 'never' }, DAY_MS, WALL_MS)).toBe(true)
  // A clock that was a week ahead when it was written down.
  expect(isDue(last, 10 * DAY_MS, WALL_MS - 7 * DAY_MS)).toBe(true)
})

it('only a standby that hears an active peer stands by', () => {
  const since = (state: Parameters<typeof snapshotOf>[0]) =>
    verifyLook(snapshotOf(state), CONFIG).standbySinceMs
  expect(since(standbyState())).toBe(NOW_MS - 60_000)
  expect(since(standbyState({ lastHeardMs: NOW_MS - 5_000 }))).toBe(null)
  expect(since(standbyState({ peer: { ...PEER, role: 'standby' } }))).toBe(null)
  expect(since(activeState())).toBe(null)
})
