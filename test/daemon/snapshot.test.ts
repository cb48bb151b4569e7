// What the heart tells of itself, put together from its parts and compared whole.
import { expect, test } from 'vitest'
import type { FollowersSnapshot } from '../../src/daemon/followers.ts'
import { ServiceGate } from '../../src/daemon/service-gate.ts'
import { buildSnapshot, type SnapshotParts } from '../../src/daemon/snapshot.ts'
import { ModelGate } from '../../src/gate/model-gate.ts'
import { PathStats } from '../../src/links/path-stats.ts'
import { activeState, CONFIG, NOW_MS } from '../helpers/snapshot-case.ts'

const gate = new ServiceGate(new ModelGate(() => NOW_MS), {
  present: () => true,
  add: () => {},
  want: () => {},
  remove: () => {},
})
gate.open(NOW_MS + 80, false)
gate.extend(NOW_MS - 1)

const [PATH] = CONFIG.paths
if (PATH === undefined) throw new Error('no path')
const nothing = new PathStats(20).report(NOW_MS)
const roundTrip = { medianMs: 0.3, minMs: 0.2, maxMs: 0.9 }

const FOLLOW: FollowersSnapshot = {
  ...{ stores: [], storesUnfit: [], services: [], servicesUnfit: [], outside: [], call: null },
  ...{ loadBalancers: [], drained: false },
  ...{ steps: [], servesInFull: true, peerSteps: null, peerStoresPromotedMs: 12 },
  early: { own: null, peer: null },
}

const PARTS: SnapshotParts = {
  config: CONFIG,
  nowMs: NOW_MS,
  state: activeState(),
  gate,
  weaker: 'promises less',
  missingPlaces: [{ place: 'eth0 ingress', now: 'lost' }],
  announcedMs: NOW_MS - 5,
  links: {
    direct: [
      { ...nothing, path: PATH, open: true, lossRatio: 0.25, lastHeardMs: NOW_MS - 9, roundTrip },
    ],
    reflected: [
      { ...nothing, reflects: true, lastHeardMs: NOW_MS - 400 },
      { ...nothing, reflects: false },
      { ...nothing, reflects: null },
    ],
    namesakes: 0,
  },
  rounds: [
    { state: 'answering', lossRatio: 0, repeatRatio: 0, roundTrip, lastAnsweredMs: NOW_MS - 5 },
  ],
  floatingIps: [],
  withoutCarrier: ['eth0'],
  follow: FOLLOW,
  quorum: { witness: null, fence: null },
  heart: {
    startedMs: NOW_MS - 61_000,
    realtime: true,
    lateness: { worst: { ms: 1.5, atMs: NOW_MS - 7 }, lastMinuteMs: 1.5, pauses: 0 },
    stalled: false,
    storeTrouble: null,
  },
  carrier: (name) => name !== 'eth1',
}

test('every part is found again, each path by its name and kind', () => {
  expect(buildSnapshot(PARTS)).toEqual({
    quorum: PARTS.quorum,
    nowMs: NOW_MS,
    state: PARTS.state,
    gate: {
      kind: 'ebpf',
      weaker: 'promises less',
      commands: 2,
      refusals: 1,
      serveUntilMs: NOW_MS + 80,
      occupiedUntilMs: 0,
      missing: [{ place: 'eth0 ingress', now: 'lost' }],
    },
    addressesPresent: true,
    announcedMs: NOW_MS - 5,
    paths: [
      {
        name: 'crosslink',
        kind: 'crosslink',
        interface: 'eth1',
        ours: '192.168.255.251',
        theirs: '192.168.255.252',
        carrier: false,
        lossRatio: 0.25,
        roundTrip,
        lastHeardMs: NOW_MS - 9,
      },
      ...CONFIG.pingNodes.map(({ address }, index) => ({
        name: `by ping node ${index + 1}`,
        kind: 'reflected',
        interface: null,
        ours: '-',
        theirs: address,
        carrier: null,
        lossRatio: null,
        roundTrip: null,
        lastHeardMs: index === 0 ? NOW_MS - 400 : null,
      })),
    ],
    pingNodes: CONFIG.pingNodes.map(({ address, source }, index) => ({
      address,
      source,
      state: index === 0 ? 'answering' : 'never-answered',
      lossRatio: index === 0 ? 0 : null,
      roundTrip: index === 0 ? roundTrip : null,
      reflects: [true, false, null][index],
    })),
    floatingIps: [],
    withoutCarrier: ['eth0'],
    ...FOLLOW,
    heart: PARTS.heart,
  })
})

test('it can be handed from one thread to another, all of it', () => {
  const built = buildSnapshot(PARTS)
  expect(structuredClone(built)).toEqual(built)
})
