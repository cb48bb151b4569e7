/**
 * Goal: a node that started after the peer had served, with stores that have not followed since, does not
 * serve as if it had everything; the operator or the policy may say otherwise. Method: each predicate on
 * states that differ in one thing.
 */
import { describe, expect, it } from 'vitest'
import { dataMayServe, hasNewestData, isAble, mayStandUnfit } from '../../src/core/fitness.ts'
import {
  type DataPolicy,
  deriveTiming,
  type Policy,
  TIMING_PROFILES,
} from '../../src/core/policy.ts'
import { initialState, type State } from '../../src/core/state.ts'
import { step } from '../../src/core/step.ts'
import type { Turn } from '../../src/core/turn.ts'

const NOW_MS = 1_000_000
const WAIT_MS = 120_000

function turnOf(change: Partial<State>, data: Partial<DataPolicy> = {}): Turn {
  const policy: Policy = {
    node: 'sp1',
    mode: 'ping',
    timing: deriveTiming(TIMING_PROFILES.default),
    pingNodeCount: 3,
    data: {
      takeover: 'none',
      recentMs: 10_000,
      stale: 'serve',
      staleWaitMs: WAIT_MS,
      confirmAloneAfterMs: 300,
      ...data,
    },
    digest: '00000000000000aa',
  }
  const s: State = {
    ...initialState('00000000000000b1', { term: 3, sole: false }, 3),
    role: 'standby',
    behind: true,
    startedAtMs: NOW_MS - 10_000,
    silentSinceMs: NOW_MS - 10_000,
    ...change,
  }
  return { s, policy, now: NOW_MS, effects: [] }
}

const LONG_AGO = { startedAtMs: NOW_MS - WAIT_MS - 1, silentSinceMs: NOW_MS - WAIT_MS - 1 }
const FORCED = { forceUntilMs: NOW_MS + 1 }

describe('a node that is behind', () => {
  it.each([
    { name: 'a node that is not', change: { behind: false }, data: {}, may: true },
    { name: 'one that is', change: {}, data: {}, may: false },
    { name: 'one that is and waited', change: LONG_AGO, data: {}, may: true },
    {
      name: 'one that waited although stale data is refused',
      change: LONG_AGO,
      data: { stale: 'refuse' as const },
      may: false,
    },
    { name: 'one whose operator accepts it', change: FORCED, data: {}, may: true },
    {
      name: 'one whose operator accepts it although stale data is refused',
      change: FORCED,
      data: { stale: 'refuse' as const },
      may: true,
    },
    { name: 'one that alone holds confirmed writes', change: { sole: true }, data: {}, may: true },
    {
      name: 'one with a store that was in step when last heard',
      change: { inSync: true, lastHeardMs: NOW_MS - 100 },
      data: { takeover: 'recent' as const },
      may: false,
    },
  ])('may serve its data: $name is told $may', ({ change, data, may }) => {
    const turn = turnOf(change, data)
    expect([dataMayServe(turn), hasNewestData(turn), isAble(turn)]).toEqual([may, may, may])
  })

  it.each([
    { name: 'at once', change: { vacantSinceMs: NOW_MS }, data: {}, may: false },
    {
      name: 'after the wait',
      change: { vacantSinceMs: NOW_MS - WAIT_MS - 1 },
      data: {},
      may: true,
    },
    {
      name: 'after the wait when stale data is refused',
      change: { vacantSinceMs: NOW_MS - WAIT_MS - 1 },
      data: { stale: 'refuse' as const },
      may: false,
    },
    {
      name: 'when an operator forces it',
      change: { vacantSinceMs: NOW_MS, ...FORCED },
      data: { stale: 'refuse' as const },
      may: true,
    },
    {
      name: 'in maintenance',
      change: { vacantSinceMs: NOW_MS - WAIT_MS - 1, maintenance: true },
      data: {},
      may: false,
    },
  ])('stands $name beside another that is not able either: $may', ({ change, data, may }) => {
    expect(mayStandUnfit(turnOf(change, data))).toBe(may)
  })

  it('is told by an event, and is behind until another event', () => {
    const { s, policy } = turnOf({ behind: false })
    const told = step(s, { type: 'behind', behind: true, nowMs: NOW_MS }, policy).state
    const over = step(told, { type: 'behind', behind: false, nowMs: NOW_MS }, policy).state
    expect([told.behind, over.behind]).toEqual([true, false])
  })
})
