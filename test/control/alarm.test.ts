// Which alarms a snapshot gives reason for, each alone, and since when each stands.
import { describe, expect, test } from 'vitest'
import type { PairConfig } from '../../src/config/config.ts'
import { AlarmBoard, alarmsOf, recordAlarms } from '../../src/control/alarm.ts'
import { ALARMS } from '../../src/control/alarm-table.ts'
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

const EDGE: Snapshot['loadBalancers'][number] = {
  ...{ name: 'edge1', kind: 'kamailio', set: 1, destination: 'sip:192.0.2.50' },
  ...{ wanted: 'active', why: 'serves', seen: null, trouble: 'silent' },
}

const CASES: readonly [Snapshot, string][] = [
  [
    { ...WELL, drained: true, loadBalancers: [{ ...EDGE, trouble: null }] },
    'drained: no new calls are to come to this pair: an operator drained it (tandem drain off)',
  ],
  [{ ...WELL, loadBalancers: [EDGE] }, 'load-balancer: load-balancer edge1: silent'],
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
  [
    active({ peer: { ...PEER, able: false, maintenance: true } }),
    'peer-not-able: the peer could not take over: it is in maintenance',
  ],
  [{ ...WELL, state: standbyState({ peer: PEER }) }, 'nobody-serves: neither node serves'],
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
    ...{
      applies: true,
      confirmsTogether: false,
      sick: false,
      trouble: null,
      hazards: [],
      version: null,
    },
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

describe('a copy that is behind', () => {
  const STORE: StoreSnapshot = {
    ...{
      name: 'redis',
      kind: 'redis',
      role: 'writable',
      offset: 7,
      following: false,
      applies: true,
    },
    ...{ backlog: null, confirmsTogether: false, sick: false, trouble: null, hazards: [] },
    ...{ version: null, waiting: null, rejoin: null, loss: null, space: null, peer: null },
  }
  const lagging = (lagMax: number, store: Partial<StoreSnapshot>, state = activeState()) => {
    const stores = [{ name: 'redis', lagMax } as PairConfig['stores'][number]]
    const snapshot = { ...WELL, state, stores: [{ ...STORE, ...store }] }
    return alarmsOf(snapshot, { ...CONFIG, stores }).map(
      ({ code, sentence }) => `${code}: ${sentence}`,
    )
  }
  const peer = (behind: number | null) => ({
    peer: { role: 'read-only' as const, following: true, offset: 1, behind, lookedMs: NOW_MS },
  })

  test('further than lag_max is an alarm of the node that takes the writes', () => {
    const alarm = 'replication-lag: store redis: the copy of the peer is more than 1 kB behind'
    expect(lagging(1_000, peer(1_001))).toEqual([alarm])
    expect(lagging(1_000, peer(9_999))).toEqual([alarm])
    expect(lagging(1_000, peer(1_000))).toEqual([])
    expect(lagging(1_000, peer(null))).toEqual([])
    expect(lagging(0, peer(9_999))).toEqual([])
  })

  test('with what it received is an alarm of the node that did not apply it', () => {
    const standby = { role: 'read-only' as const, following: true }
    expect(lagging(1_000, { ...standby, backlog: 1_001 }, standbyState())).toEqual([
      'replication-lag: store redis: more than 1 kB came from the peer and are not applied yet',
    ])
    expect(lagging(1_000, { ...standby, backlog: 1_000 }, standbyState())).toEqual([])
  })
})

test('fewer than three ping nodes are an alarm whatever they answer', () => {
  const few = { ...CONFIG, pingNodes: CONFIG.pingNodes.slice(0, 2) }
  expect(alarmsOf(WELL, few)).toEqual([
    {
      ...{ code: 'ping-nodes-few', about: '' },
      sentence: 'only 2 ping nodes are configured: a single failure decides',
    },
  ])
})

describe('no alarm is raised', () => {
  test('of nobody serving in the first seconds after a change of the role', () => {
    const state = standbyState({ peer: PEER, changedAtMs: NOW_MS - 4_999 })
    expect(raised({ ...WELL, state })).toEqual([])
  })

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
  const one = { code: 'peer-silent' as const, about: '', sentence: 'the peer is silent' }
  const two = {
    code: 'ping-node-silent' as const,
    about: '10.0.0.53',
    sentence: 'ping node 10.0.0.53 does not answer',
  }
  const other = { ...two, about: '10.0.0.99', sentence: 'ping node 10.0.0.99 does not answer' }
  const since = (alarm: typeof one | typeof two, sinceIso: string) => ({
    ...alarm,
    mend: ALARMS[alarm.code].mend,
    sinceIso,
  })

  test('tells what began and what is over, once each, and remembers since when', () => {
    const board = new AlarmBoard()
    expect(board.update([one], 'at 1')).toEqual({
      began: [since(one, 'at 1')],
      ended: [],
    })
    expect(board.update([one, two], 'at 2')).toEqual({
      began: [since(two, 'at 2')],
      ended: [],
    })
    expect(board.standing).toEqual([since(one, 'at 1'), since(two, 'at 2')])
    expect(board.update([two, one], 'at 3')).toEqual({ began: [], ended: [] })
    expect(board.update([two], 'at 4')).toEqual({
      began: [],
      ended: [since(one, 'at 1')],
    })
    expect(board.standing).toEqual([since(two, 'at 2')])
  })

  test('takes the same code about another thing for another alarm', () => {
    const board = new AlarmBoard()
    board.update([two], 'at 1')
    expect(board.update([other], 'at 2')).toEqual({
      began: [since(other, 'at 2')],
      ended: [since(two, 'at 1')],
    })
  })

  test('begins anew for an alarm that comes back', () => {
    const board = new AlarmBoard()
    board.update([one], 'at 1')
    board.update([], 'at 2')
    board.update([one], 'at 3')
    expect(board.standing).toEqual([since(one, 'at 3')])
  })
})

test('a record that could not be kept is said, and nothing about one that was', () => {
  expect(recordAlarms(null)).toEqual([])
  expect(recordAlarms('cannot write: ENOSPC')).toEqual([
    {
      code: 'record-not-kept',
      about: '',
      sentence:
        'what happened at the last change of the role could not be kept: cannot write: ENOSPC',
    },
  ])
})
