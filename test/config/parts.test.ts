// Which part a change belongs to, and whether the pair must agree on it. One change at a time.
import { expect, test } from 'vitest'
import type { PairConfig, StoreConfig } from '../../src/config/config.ts'
import { changedParts, fingerprintsOf } from '../../src/config/parts.ts'
import { CONFIG } from '../helpers/snapshot-case.ts'

const [V4, V6] = CONFIG.floatingIps
if (V4 === undefined || V6 === undefined) throw new Error('two floating IPs are needed')
const { policy } = CONFIG
const STORE: StoreConfig = {
  ...{ name: 'redis', kind: 'redis', socketPath: null, address: '127.0.0.1', port: 6379 },
  ...{ peerAddress: '192.168.255.252', peerPort: 6379, user: 'tandem', passwordFile: null },
  ...{ replicationUser: 'tandem_repl', replicationPasswordFile: null, undoUser: null },
  ...{ undoPasswordFile: null, semiSync: false, dataDirectory: null, pidFile: null },
  ...{ probeMisses: 3, minFreeMb: null, archivesKept: 10, verify: null },
}

const CHANGES: readonly [string, 'pair' | 'node', Partial<PairConfig>][] = [
  ['mode', 'pair', { mode: 'fence' }],
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
  ['gate', 'node', { gate: 'nftables' }],
  ['control group', 'node', { controlGroup: 'operators' }],
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
