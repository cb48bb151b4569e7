// Which part a change belongs to, and whether the pair must agree on it. One change at a time.
import { expect, test } from 'vitest'
import type { CallConfig } from '../../src/config/call-text.ts'
import type { LoadBalancerConfig, PairConfig, StoreConfig } from '../../src/config/config.ts'
import {
  changedParts,
  fingerprintsOf,
  type Reach,
  sharedFingerprints,
} from '../../src/config/parts.ts'
import type { FenceConfig, WitnessConfig } from '../../src/config/quorum.ts'
import { CONFIG } from '../helpers/snapshot-case.ts'

const [V4, V6] = CONFIG.floatingIps
if (V4 === undefined || V6 === undefined) throw new Error('two floating IPs are needed')
const { policy } = CONFIG
const STORE: StoreConfig = {
  ...{ name: 'redis', kind: 'redis', socketPath: null, address: '127.0.0.1', port: 6379 },
  ...{ peerAddress: '192.168.255.252', peerPort: 6379, user: 'tandem', passwordFile: null },
  ...{ replicationUser: 'tandem_repl', replicationPasswordFile: null, undoUser: null },
  ...{ undoPasswordFile: null, semiSync: false, dataDirectory: null, pidFile: null },
  ...{ probeMisses: 3, minFreeMb: null, archivesKept: 10, lagMax: 0, verify: null },
}

const EDGE: LoadBalancerConfig = {
  ...{ name: 'edge1', kind: 'kamailio', address: '192.0.2.10', port: 5064 },
  ...{ set: 1, destination: 'sip:192.0.2.50' },
}

const CALL: CallConfig = {
  ...{ from: 'a@HOST', to: 'b@HOST', transport: 'udp', address: '10.0.0.50', port: 5060 },
  ...{ passwordFile: null, local: false, seconds: 2, everyMs: 60_000 },
}

const WITNESS: WitnessConfig = {
  ...{ endpoints: ['https://192.0.2.61:2379'], record: 'pair1', caFile: '/ca' },
  ...{ certificateFile: '/crt', keyFile: '/key' },
}

const PLUG = { parameters: { ip: '192.0.2.71' }, passwordFile: null }
const FENCE: FenceConfig = {
  ...{ agent: '/usr/sbin/fence_ipmilan', timeoutMs: 30_000 },
  plugs: { sp1: PLUG, sp2: PLUG },
}

const CHANGES: readonly [string, Reach, Partial<PairConfig>][] = [
  ['mode', 'pair', { mode: 'fence' }],
  ['witness', 'pair', { witness: WITNESS }],
  ['fence', 'node', { fence: FENCE }],
  ['times', 'pair', { policy: { ...policy, timing: { ...policy.timing, leaseMs: 120 } } }],
  ['ping nodes', 'pair', { pingNodes: CONFIG.pingNodes.slice(0, 2) }],
  ['ping nodes', 'pair', { pingNodes: CONFIG.pingNodes.toReversed() }],
  ['floating IPs', 'pair', { floatingIps: [{ ...V4, prefixLength: 25 }, V6] }],
  ['heartbeat paths', 'pair', { port: 695 }],
  ['heartbeat paths', 'pair', { paths: [] }],
  ['names of the nodes', 'pair', { peerHostName: 'web02' }],
  ['data policy', 'pair', { policy: { ...policy, data: { ...policy.data, recentMs: 1 } } }],
  ['interfaces of the floating IPs', 'node', { floatingIps: [{ ...V4, label: 'eth0:7' }, V6] }],
  ['interfaces of the floating IPs', 'node', { serviceInterfaces: [] }],
  ['stores', 'node', { stores: [STORE] }],
  ['load-balancers', 'node', { loadBalancers: [EDGE] }],
  ['outside checks', 'now', { outsideChecks: [{ kind: 'process' }] }],
  ['call check', 'now', { callCheck: { kind: 'call', ...CALL } }],
  ['services', 'now', { services: [{ name: 'lb' } as PairConfig['services'][number]] }],
  ['alarms', 'node', { alarms: { channels: [], remindAfterMs: 1 } }],
  ['drift', 'node', { drift: { ...CONFIG.drift, afterMs: 1 } }],
  ['watchdog', 'node', { watchdog: { device: '/dev/watchdog', timeoutSeconds: 20 } }],
  ['gate', 'node', { gate: 'nftables' }],
  ['control group', 'node', { controlGroup: 'operators' }],
  ['API', 'node', { api: { listen: [] } as unknown as PairConfig['api'] }],
  ['place of the key file', 'node', { keyFile: '/etc/other' }],
  ['main_stall_ms', 'node', { mainStallMs: 5_000 }],
]

test.each(CHANGES)('a change of %s concerns the %s: %o', (part, reach, change) => {
  expect(changedParts(fingerprintsOf(CONFIG), { ...CONFIG, ...change })).toEqual([{ part, reach }])
})

test('the same configuration has not changed', () => {
  expect(changedParts(fingerprintsOf(CONFIG), structuredClone(CONFIG))).toEqual([])
})

test('every part of a configuration is watched', () => {
  // What follows from other parts: the profile's name from the times, the digest from mode to addresses.
  const derived = ['timingProfile']
  const changed = CHANGES.flatMap(([, , change]) => Object.keys(change))
  const others = ['node', 'hostName']
  expect(new Set([...changed, ...others, ...derived])).toEqual(new Set(Object.keys(CONFIG)))
})

test('a part that the running agent does not know has changed', () => {
  const older = fingerprintsOf(CONFIG).filter(({ part }) => part !== 'gate')
  expect(changedParts(older, CONFIG)).toEqual([{ part: 'gate', reach: 'node' }])
})

test('both nodes should have every part alike but those that name a node or its place', () => {
  const shared = sharedFingerprints(CONFIG).map(({ part }) => part)
  expect(
    fingerprintsOf(CONFIG)
      .map(({ part }) => part)
      .filter((part) => !shared.includes(part)),
  ).toEqual([
    'heartbeat paths',
    'names of the nodes',
    'interfaces of the floating IPs',
    'place of the key file',
  ])
})

test('what names a node changes nothing that both should have alike', () => {
  const stores = (ours: string, theirs: string) => [
    { ...STORE, address: ours, peerAddress: theirs },
  ]
  const one = { ...CONFIG, stores: stores('192.0.2.1', '192.0.2.2') }
  const two = {
    ...one,
    ...{ node: 'sp2' as const, hostName: 'sp2', peerHostName: 'sp1', paths: [] },
    ...{ pingNodes: CONFIG.pingNodes.toReversed(), stores: stores('192.0.2.2', '192.0.2.1') },
  }
  expect(sharedFingerprints(two)).toEqual(sharedFingerprints(one))
  expect(sharedFingerprints({ ...two, gate: 'nftables' })).not.toEqual(sharedFingerprints(one))
})

test('another watchdog device is no difference, another time is one', () => {
  const withOne = (device: string, timeoutSeconds: number) =>
    sharedFingerprints({ ...CONFIG, watchdog: { device, timeoutSeconds } })
  expect(withOne('/dev/watchdog1', 20)).toEqual(withOne('/dev/watchdog', 20))
  expect(withOne('/dev/watchdog', 30)).not.toEqual(withOne('/dev/watchdog', 20))
  expect(sharedFingerprints(CONFIG)).not.toEqual(withOne('/dev/watchdog', 20))
})
