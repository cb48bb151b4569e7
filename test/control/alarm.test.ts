// Which alarms a snapshot gives reason for, each alone, and since when each stands.
import { describe, expect, test } from 'vitest'
import { AlarmBoard, alarmsOf } from '../../src/control/alarm.ts'
import type { Snapshot, StoreSnapshot } from '../../src/control/snapshot.ts'
import type { State } from '../../src/core/state.ts'
import {
  activeState,
  CONFIG,
  NOW_MS,
  PEER,
  snapshotOf,
  standbyState,
} from '../helpers/snapshot-case.ts'

const WELL = snapshotOf(activeState())
const raised = (snapshot: Snapshot): string[] =>
  alarmsOf(snapshot, CONFIG).map(({ code, sentence }) => `${code}: ${sentence}`)

/** The healthy active with some state changed. */
const active = (changes: Partial<State>): Snapshot => ({ ...WELL, state: activeState(changes) })
const heart = (changes: Partial<Snapshot['heart']>): Snapshot => ({
  ...WELL,
  heart: { ...WELL.heart, ...changes },
})
const gate = (changes: Partial<Snapshot['gate']>): Snapshot => ({
  ...WELL,
  gate: { ...WELL.gate, ...changes },
})
const pingNode = (state: 'silent' | 'never-answered'): Snapshot => ({
  ...WELL,
  pingNodes: WELL.pingNodes.map((node, index) => (index === 1 ? { ...node, state } : node)),
})
const path = (index: number, changes: Partial<Snapshot['paths'][number]>): Snapshot => ({
  ...WELL,
  paths: WELL.paths.map((one, at) => (at === index ? { ...one, ...changes } : one)),
})
const address = (changes: Partial<Snapshot['floatingIps'][number]>): Snapshot => ({
  ...WELL,
  floatingIps: WELL.floatingIps.map((one, at) => (at === 0 ? { ...one, ...changes } : one)),
})
const SILENT = { lastHeardMs: NOW_MS - 61 }
const MAC = '02:00:00:00:00:07'

test('a pair that is well raises none, on either node', () => {
  expect(raised(WELL)).toEqual([])
  expect(raised(snapshotOf(standbyState()))).toEqual([])
})

const CASES: readonly [Snapshot, string][] = [
  [
    heart({ stalled: true }),
    'control-stalled: the agent makes no progress beside its heart; it renews nothing',
  ],
  [
    heart({ storeTrouble: 'ENOSPC: no space left on device, write' }),
    'state-disk: the term cannot be written: ENOSPC: no space left on device, write',
  ],
  [gate({ weaker: 'no more than a lifetime' }), 'gate-weaker: no more than a lifetime'],
  [
    gate({ missing: [{ place: 'eth0 ingress', now: 'removed' }] }),
    'gate-removed: the gate was taken away at eth0 ingress; it is being put back',
  ],
  [
    gate({ missing: [{ place: 'eth0 ingress', now: 'lost' }] }),
    'gate-lost: the gate is not in force at eth0 ingress and could not be put back: everything ' +
      'passes there; it is tried again every minute',
  ],
  [
    active({ peer: { ...PEER, digest: 'ffff' } }),
    'digest-differs: the nodes differ in ping nodes, times, mode or floating IPs: no switchover and ' +
      'no takeover until they are alike',
  ],
  [active(SILENT), 'peer-silent: the peer is not heard on any path'],
  [
    active({ lastMajorityMs: NOW_MS - 41 }),
    'no-majority: no strict majority of the ping nodes answers',
  ],
  [
    pingNode('never-answered'),
    'ping-node-never-answered: ping node 10.0.0.53 has never answered since the start',
  ],
  [pingNode('silent'), 'ping-node-silent: ping node 10.0.0.53 does not answer'],
  [path(0, { carrier: false }), 'path-no-carrier: heartbeat path crosslink has no link on eth1'],
  [
    path(0, { lastHeardMs: NOW_MS - 2_001 }),
    'path-silent: nothing is heard on heartbeat path crosslink, others still work',
  ],
  [
    { ...WELL, withoutCarrier: ['eth0'] },
    'service-no-carrier: interface eth0 carries floating IPs and has no link',
  ],
  [
    address({ look: 'unanswered' }),
    'address-not-verified: 10.0.0.50 was taken, but no ping node answers it: check switch, VLAN and gateway',
  ],
  [
    address({ conflict: { mac: MAC, kind: 'answer', atMs: NOW_MS - 5 } }),
    `address-conflict: ${MAC} also claims 10.0.0.50 (answer)`,
  ],
]

test('a store whose disk is nearly full raises an alarm that stays the same while it fills up', () => {
  const store = (freeBytes: number): StoreSnapshot => ({
    ...{
      name: 'redis',
      kind: 'redis',
      role: 'writable',
      offset: 7,
      following: false,
      backlog: null,
    },
    ...{ confirmsTogether: false, sick: false, trouble: null, hazards: [], version: null },
    ...{ waiting: null, rejoin: null, peer: null, loss: null },
    space: {
      ...{ directory: '/data', freeBytes, totalBytes: 10_000, fullInMs: freeBytes },
      ...{ lowBytes: 1_500, criticalBytes: 500, state: 'low' },
    },
  })
  const [first, second] = [900, 800].map((free) => raised({ ...WELL, stores: [store(free)] }))
  expect(first).toEqual([
    'store-space: store redis: less than 1.5 KiB of the 9.8 KiB in /data are free or it is full within minutes; free some space',
  ])
  expect(second).toEqual(first)
})

test.each(CASES)('%# raises one alarm, with what to look at', (snapshot, alarm) => {
  expect(raised(snapshot)).toEqual([alarm])
})

describe('no alarm is raised', () => {
  test('in the first five seconds for what is not there yet', () => {
    const state = activeState({ ...SILENT, lastMajorityMs: NOW_MS - 41 })
    const young = (ageMs: number): Snapshot => ({
      ...pingNode('never-answered'),
      state,
      heart: { ...WELL.heart, startedMs: NOW_MS - ageMs },
    })
    expect(raised(young(5_000))).toEqual([])
    expect(raised(young(5_001)).map((alarm) => alarm.split(':')[0])).toEqual([
      'peer-silent',
      'no-majority',
      'ping-node-never-answered',
    ])
  })

  test('for a reflected path that is quiet, nor for one path when all are silent', () => {
    expect(raised(path(1, { lastHeardMs: null }))).toEqual([])
    const silent = { ...path(0, { lastHeardMs: null }), state: activeState(SILENT) }
    expect(raised(silent)).toEqual(['peer-silent: the peer is not heard on any path'])
  })

  test('for a probe of the peer, or for its words about the address before it changed hands', () => {
    const conflict = (kind: string, atMs: number) => address({ conflict: { mac: MAC, kind, atMs } })
    expect(raised(conflict('probe', NOW_MS - 5))).toEqual([])
    const openedAtMs = NOW_MS - 200
    const late = (atMs: number): Snapshot => ({
      ...conflict('announcement', atMs),
      state: activeState({ openedAtMs }),
    })
    expect(raised(late(openedAtMs + 100))).toEqual([])
    expect(raised(late(openedAtMs + 101)).length).toBe(1)
  })

  test('on a standby for an address that it does not serve', () => {
    const state = standbyState()
    expect(raised({ ...address({ look: 'unanswered' }), state })).toEqual([])
    const conflict = { mac: MAC, kind: 'answer', atMs: NOW_MS - 5 }
    expect(raised({ ...address({ conflict }), state })).toEqual([])
  })
})

describe('a pair whose stores can prove what the peer has', () => {
  const proving = {
    ...CONFIG,
    policy: { ...CONFIG.policy, data: { ...CONFIG.policy.data, takeover: 'recent' as const } },
  }
  const codes = (changes: Partial<State>): string[] =>
    alarmsOf(active(changes), proving).map(({ code, sentence }) => `${code}: ${sentence}`)

  test('raises an alarm while writes are not confirmed with the peer, and none while they are', () => {
    const alone = [
      'not-in-sync: writes are confirmed without the peer: the peer does not take over as if it had them',
    ]
    const waits = ['not-in-sync: writes wait until it is certain that the peer knows it lacks them']
    expect(codes({ confirming: 'together' })).toEqual([])
    expect(codes({ confirming: 'alone' })).toEqual(alone)
    expect(codes({ confirming: 'inviting' })).toEqual(alone)
    expect(codes({ confirming: 'waiting' })).toEqual(waits)
  })

  test('raises none in the first seconds of a role, when the peer is only about to follow', () => {
    expect(codes({ confirming: 'alone', changedAtMs: NOW_MS - 5_000 })).toEqual([])
  })

  test('raises none where nothing is promised', () => {
    expect(raised(active({ confirming: 'alone' }))).toEqual([])
  })
})

describe('the board', () => {
  const one = { code: 'peer-silent', sentence: 'the peer is silent' }
  const two = { code: 'ping-node-silent', sentence: 'ping node 10.0.0.53 does not answer' }
  const other = { ...two, sentence: 'ping node 10.0.0.99 does not answer' }

  test('tells what began and what is over, once each, and remembers since when', () => {
    const board = new AlarmBoard()
    expect(board.update([one], 'at 1')).toEqual({
      began: [{ ...one, sinceIso: 'at 1' }],
      ended: [],
    })
    expect(board.update([one, two], 'at 2')).toEqual({
      began: [{ ...two, sinceIso: 'at 2' }],
      ended: [],
    })
    expect(board.standing).toEqual([
      { ...one, sinceIso: 'at 1' },
      { ...two, sinceIso: 'at 2' },
    ])
    expect(board.update([two, one], 'at 3')).toEqual({ began: [], ended: [] })
    expect(board.update([two], 'at 4')).toEqual({
      began: [],
      ended: [{ ...one, sinceIso: 'at 1' }],
    })
    expect(board.standing).toEqual([{ ...two, sinceIso: 'at 2' }])
  })

  test('takes the same code about another thing for another alarm', () => {
    const board = new AlarmBoard()
    board.update([two], 'at 1')
    expect(board.update([other], 'at 2')).toEqual({
      began: [{ ...other, sinceIso: 'at 2' }],
      ended: [{ ...two, sinceIso: 'at 1' }],
    })
  })

  test('begins anew for an alarm that comes back', () => {
    const board = new AlarmBoard()
    board.update([one], 'at 1')
    board.update([], 'at 2')
    board.update([one], 'at 3')
    expect(board.standing).toEqual([{ ...one, sinceIso: 'at 3' }])
  })
})
