/** Goal: a drill does not begin beside anything that an operator should mend first, and each reason is said. */
import { describe, expect, it } from 'vitest'
import type { StatusDocument } from '../../src/control/schema.ts'
import type { DrillRequest } from '../../src/drill/plan.ts'
import { obstaclesOf, pairSentence } from '../../src/drill/preflight.ts'
import { EXPLAIN, STATUS } from '../fixtures/control-documents.ts'
import { storeView } from '../fixtures/drill-store.ts'

const FREE = { switchover: { to: 'sp2' as const, blockers: [] } }
const MOVE: DrillRequest = { kind: 'switchover', back: true, cutMs: 10_000 }
const KILL: DrillRequest = { ...MOVE, kind: 'agent-kill', back: false }
const CUT: DrillRequest = { ...MOVE, kind: 'crosslink-cut', back: false }
const PATHS = STATUS.paths.map((path) => ({ ...path, state: 'up' as const }))
const WELL: StatusDocument = { ...STATUS, paths: PATHS, stores: [storeView({})] }

const against = (
  changes: Partial<StatusDocument>,
  request: DrillRequest = MOVE,
  explain = FREE as Parameters<typeof obstaclesOf>[2],
): string[] =>
  obstaclesOf(request, { ...WELL, ...changes }, explain).map(({ sentence }) => sentence)

const standby: Partial<StatusDocument> = {
  local: { ...STATUS.local, state: 'standby', role: 'standby' },
  peer: { ...STATUS.peer, state: 'active', role: 'active' },
}
const alarm = (code: string) => ({ ...STATUS.alarms[0]!, code, sentence: `${code} it is` })

describe('before a drill', () => {
  it('finds nothing in the way of a healthy pair, asked on either node', () => {
    expect(against({})).toEqual([])
    expect(against(standby)).toEqual([])
    for (const request of [KILL, CUT]) expect(against({}, request)).toEqual([])
  })

  it('says what stands in the way of a switchover, as explain does', () => {
    expect(against({}, MOVE, EXPLAIN)).toEqual(['the peer is not heard'])
  })

  it('wants one active and one standby', () => {
    const peer = { ...STATUS.peer, state: 'unknown' as const }
    expect(against({ peer })).toEqual(['sp1 is active and sp2 is unknown, as far as sp1 knows'])
  })

  it('stays away from maintenance, of either node', () => {
    expect(against({ local: { ...STATUS.local, maintenance: true } })).toEqual([
      'sp1 is in maintenance',
    ])
    expect(against({ peer: { ...STATUS.peer, maintenance: true } })).toEqual([
      'sp2: in maintenance',
    ])
  })

  it('wants every store to follow, told from either side', () => {
    const behind = storeView({ peer: { following: false } })
    expect(against({ stores: [behind] })).toEqual(['redis of sp2 is not known to follow'])
    expect(against({ ...standby, stores: [storeView({ following: false })] })).toEqual([
      'redis of sp1 is not known to follow',
    ])
    expect(against({ stores: [storeView({ sick: true })] })).toEqual([
      'redis of sp1 does not look well: sick',
    ])
    expect(against({ stores: [storeView({ waiting: 'it is compared' })] })).toEqual([
      'redis of sp1: it is compared',
    ])
  })

  it('waits for other operations', () => {
    const operations = [{ id: '1', kind: 'reload' as const, state: 'running' as const }]
    expect(against({ operations })).toEqual(['another operation is under way: reload, running'])
  })

  it('stops for alarms, also for those that it does not know, and not for harmless ones', () => {
    const alarms = ['ping-nodes-few', 'store-sick', 'something-new', 'alarm-channel'].map(alarm)
    expect(against({ alarms })).toEqual([
      'alarm store-sick: store-sick it is',
      'alarm something-new: something-new it is',
    ])
  })

  it('kills an agent only where it runs, and cuts a crosslink only beside another path', () => {
    expect(against(standby, KILL)).toEqual([
      'the agent of sp2 serves, and only its own host can kill it',
    ])
    const paths = PATHS.map((path) =>
      path.kind === 'lan' ? { ...path, state: 'silent' as const } : path,
    )
    expect(against({ paths }, CUT)).toEqual(['no other direct path is up'])
    expect(against({ paths: PATHS.filter(({ kind }) => kind === 'lan') }, CUT)).toEqual([
      'sp1 has no crosslink',
    ])
  })
})

it('says what the pair is', () => {
  expect(pairSentence(WELL)).toBe('sp1 is active in term 7, sp2 is standby; writable here: redis')
  expect(pairSentence(null)).toBe('the agent of this node does not answer')
})
