// The status document of a snapshot, compared whole, and then what single changes make of it. Every
// document is also held against its own schema.
import { describe, expect, test } from 'vitest'
import { fingerprintsOf } from '../../src/config/parts.ts'
import { statusSchema, type TransitionRecord } from '../../src/control/schema.ts'
import type { Snapshot } from '../../src/control/snapshot.ts'
import { type Around, because, buildStatus } from '../../src/control/status.ts'
import { initialState } from '../../src/core/state.ts'
import { STATUS, UNHEARD_PEER } from '../fixtures/control-documents.ts'
import {
  activeState,
  CONFIG,
  NOW_MS,
  OUR_BOOT,
  PEER,
  PEER_BOOT,
  snapshotOf,
  standbyState,
} from '../helpers/snapshot-case.ts'

const LAST: TransitionRecord = {
  atIso: '2026-11-21T12:00:00.000Z',
  from: 'elect',
  to: 'active',
  term: 7,
  reason: because('elected'),
  outageMs: null,
}
const ALARM = {
  code: 'peer-silent',
  about: '',
  sentence: 'the peer is silent',
  mend: 'look at it',
  sinceIso: LAST.atIso,
}
const AROUND: Around = {
  config: CONFIG,
  version: '1.2.3',
  nowIso: '2026-11-21T12:01:00.000Z',
  isoOf: (atMs) => `at ${atMs}`,
  lastTransition: LAST,
  alarms: [ALARM],
  notices: [],
  drift: { compared: null, differences: [] },
  watchdog: null,
  operations: [],
  rssBytes: 88_080_384,
  pid: 4711,
}

const statusOf = (snapshot: Snapshot) => buildStatus(snapshot, AROUND)

test('a healthy pair seen from its active, in full', () => {
  expect(statusOf(snapshotOf(activeState()))).toEqual({
    schema: 1,
    ...{ witness: null, fence: null },
    node: 'sp1',
    peerNode: 'sp2',
    version: '1.2.3',
    timeIso: '2026-11-21T12:01:00.000Z',
    profile: 'fast',
    mode: 'ping',
    timing: STATUS.timing,
    local: { ...STATUS.local, sinceIso: `at ${NOW_MS - 60_000}`, sinceMsAgo: 60_000 },
    peer: { ...STATUS.peer, lastHeardMsAgo: 10, boot: PEER_BOOT, steps: [] },
    paths: [
      {
        name: 'crosslink',
        kind: 'crosslink',
        interface: 'eth1',
        ours: '192.168.255.251',
        theirs: '192.168.255.252',
        state: 'up',
        lossRatio: 0,
        roundTripMs: { median: 0.21, max: 1.14 },
        lastHeardMsAgo: 10,
      },
      {
        name: 'by ping node 1',
        kind: 'reflected',
        interface: '-',
        ours: '-',
        theirs: '10.0.0.254',
        state: 'up',
        lossRatio: 0,
        roundTripMs: null,
        lastHeardMsAgo: 400,
      },
    ],
    pingNodes: CONFIG.pingNodes.map(({ address, source }) => ({
      address,
      source,
      state: 'answering',
      lossRatio: 0,
      roundTripMs: { median: 0.3, max: 2 },
      reflects: true,
    })),
    score: 3,
    majority: true,
    floatingIps: STATUS.floatingIps.map((address) => ({ ...address, lastAnnouncedMsAgo: 1_500 })),
    stores: [],
    services: [],
    outside: [],
    drained: false,
    loadBalancers: [],
    call: null,
    lastTransition: LAST,
    alarms: [ALARM],
    notices: [],
    drift: { compared: null, differences: [] },
    watchdog: null,
    operations: [],
    self: {
      pid: 4711,
      uptimeMs: 61_000,
      loopDelayMs: { max: 48.3, maxAtIso: `at ${NOW_MS - 50_000}`, maxLastMinute: 1.3 },
      pauses: 2,
      configuration: fingerprintsOf(CONFIG),
      realtime: true,
      rssBytes: 88_080_384,
    },
  })
})

describe('this node', () => {
  const local = (snapshot: Snapshot) => statusOf(snapshot).local

  test('as a standby holds a promise and no lease', () => {
    expect(local(snapshotOf(standbyState()))).toMatchObject({
      role: 'standby',
      state: 'standby',
      leaseLeftMs: null,
      grantLeftMs: 130,
      gate: { state: 'shut' },
    })
  })

  test('is in transition while it is active and its gate is not open', () => {
    expect(local(snapshotOf(activeState({ armed: false })))).toMatchObject({
      role: 'active',
      state: 'transition',
    })
    const snapshot = snapshotOf(activeState())
    const { gate } = snapshot
    // The kernel shut it; the agent does not know yet.
    const lapsed = { ...snapshot, gate: { ...gate, serveUntilMs: NOW_MS } }
    expect(local(lapsed)).toMatchObject({ state: 'transition', gate: { state: 'shut' } })
    const occupied = {
      ...snapshot,
      gate: { ...gate, serveUntilMs: 0, occupiedUntilMs: NOW_MS + 1 },
    }
    expect(local(occupied).gate.state).toBe('occupied')
  })

  test('names what keeps it from being healthy, and what its gate does not promise', () => {
    const snapshot = snapshotOf(activeState({ healthy: false }), { withoutCarrier: ['eth0'] })
    const missing = [{ place: 'eth0 ingress', now: 'removed' as const }]
    const gate = { ...snapshot.gate, weaker: 'no more than a lifetime', missing }
    expect(local({ ...snapshot, gate })).toMatchObject({
      able: false,
      healthy: false,
      unhealthyReasons: ['interface eth0 carries floating IPs and has no link'],
      gate: { weaker: 'no more than a lifetime', attached: false },
    })
  })

  // A moment that has not been would be written as null, which a client that checks calls garbled.
  test('that has only just started has no change of its role, and the numbers are numbers', () => {
    const snapshot = snapshotOf(initialState(OUR_BOOT, { term: 0, sole: false }, 3))
    expect(Number.isFinite(local(snapshot).sinceMsAgo)).toBe(true)
  })
})

describe('the peer', () => {
  const peer = (snapshot: Snapshot) => statusOf(snapshot).peer

  test('that was never heard is unknown, and nothing is made up', () => {
    const never = { peer: null, lastHeardMs: Number.NEGATIVE_INFINITY }
    expect(peer(snapshotOf(activeState(never)))).toEqual(UNHEARD_PEER)
  })

  test('that is silent keeps its last words, but not its state', () => {
    const silent = { lastHeardMs: NOW_MS - 61 }
    expect(peer(snapshotOf(standbyState(silent)))).toMatchObject({
      heard: false,
      lastHeardMsAgo: 61,
      state: 'unknown',
      role: 'active',
    })
    expect(peer(snapshotOf(standbyState({ lastHeardMs: NOW_MS - 60 })))).toMatchObject({
      heard: true,
      state: 'active',
    })
  })

  test('that is configured differently is told', () => {
    const other = { peer: { ...PEER, digest: 'ffff' } }
    expect(peer(snapshotOf(activeState(other))).digestEqual).toBe(false)
  })
})

test.each([
  ['up', { lossRatio: 0.02 }],
  ['up', { lossRatio: null }],
  ['lossy', { lossRatio: 0.021 }],
  ['up', { lastHeardMs: NOW_MS - 60 }],
  ['silent', { lastHeardMs: NOW_MS - 61 }],
  ['silent', { lastHeardMs: null, lossRatio: 0.5 }],
  ['up', { lastHeardMs: NOW_MS - 6_000, kind: 'reflected' as const }],
  ['silent', { lastHeardMs: NOW_MS - 6_001, kind: 'reflected' as const }],
  ['no-carrier', { carrier: false }],
  ['up', { carrier: null }],
])('a path is %s with %o', (state, changes) => {
  const snapshot = snapshotOf(activeState())
  const paths = snapshot.paths.slice(0, 1).map((path) => ({ ...path, ...changes }))
  expect(statusOf({ ...snapshot, paths }).paths[0]?.state).toBe(state)
})

test.each([
  ['none', null],
  ['pending', null],
  ['verified', true],
  ['unanswered', false],
] as const)('a floating IP whose look is %s is verified: %s', (look, verified) => {
  const snapshot = snapshotOf(activeState())
  const floatingIps = snapshot.floatingIps.slice(0, 1).map((address) => ({ ...address, look }))
  expect(statusOf({ ...snapshot, floatingIps }).floatingIps[0]?.verified).toBe(verified)
})

test('a document has exactly the fields of its schema, on the active and on a standby', () => {
  const { properties } = statusSchema.json as { properties: Record<string, unknown> }
  for (const state of [activeState(), standbyState()]) {
    const document = JSON.parse(JSON.stringify(statusOf(snapshotOf(state))))
    expect(Object.keys(document).sort()).toEqual(Object.keys(properties).sort())
  }
})
