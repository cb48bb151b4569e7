/**
 * What has changed in the configuration, and how does it come into force?
 *
 * The agent tells a fingerprint of each part it runs with; whoever reads the files later compares. So a
 * change can be named without the old files, and nothing of the configuration itself is told.
 */
import { createHash } from 'node:crypto'
import type { PairConfig } from './config.ts'

/**
 * `pair`: while the nodes differ in it they neither hand over to each other nor take over (PROTOCOL, A3),
 * or do not hear each other at all. `node`: the nodes may differ for any time. `now`: the same, and a running
 * agent takes it over.
 */
export type Reach = 'pair' | 'node' | 'now'

interface Part {
  name: string
  reach: Reach
  facts: (config: PairConfig) => unknown
}

const PARTS: readonly Part[] = [
  { name: 'mode', reach: 'pair', facts: ({ mode }) => mode },
  { name: 'witness', reach: 'pair', facts: ({ witness }) => witness },
  { name: 'fence', reach: 'node', facts: ({ fence }) => fence },
  { name: 'times', reach: 'pair', facts: ({ policy }) => policy.timing },
  // Their order counts here: the agent numbers them.
  { name: 'ping nodes', reach: 'pair', facts: ({ pingNodes }) => pingNodes },
  {
    name: 'floating IPs',
    reach: 'pair',
    facts: ({ floatingIps }) => floatingIps.map((ip) => `${ip.address}/${ip.prefixLength}`),
  },
  { name: 'heartbeat paths', reach: 'pair', facts: ({ paths, port }) => [port, paths] },
  {
    name: 'names of the nodes',
    reach: 'pair',
    facts: ({ node, hostName, peerHostName }) => [node, hostName, peerHostName],
  },
  { name: 'data policy', reach: 'pair', facts: ({ policy }) => policy.data },
  {
    name: 'interfaces of the floating IPs',
    reach: 'node',
    facts: ({ floatingIps, serviceInterfaces }) => [
      floatingIps.map((ip) => [ip.interface, ip.label]),
      serviceInterfaces,
    ],
  },
  { name: 'stores', reach: 'node', facts: ({ stores }) => stores },
  { name: 'services', reach: 'now', facts: ({ services }) => services },
  { name: 'load-balancers', reach: 'node', facts: ({ loadBalancers }) => loadBalancers },
  { name: 'outside checks', reach: 'now', facts: ({ outsideChecks }) => outsideChecks },
  { name: 'call check', reach: 'now', facts: ({ callCheck }) => callCheck },
  { name: 'alarms', reach: 'node', facts: ({ alarms }) => alarms },
  { name: 'drift', reach: 'node', facts: ({ drift }) => drift },
  { name: 'watchdog', reach: 'node', facts: ({ watchdog }) => watchdog },
  { name: 'gate', reach: 'node', facts: ({ gate }) => gate },
  { name: 'control group', reach: 'node', facts: ({ controlGroup }) => controlGroup },
  { name: 'API', reach: 'node', facts: ({ api }) => api },
  { name: 'place of the key file', reach: 'node', facts: ({ keyFile }) => keyFile },
  { name: 'main_stall_ms', reach: 'node', facts: ({ mainStallMs }) => mainStallMs },
]

/**
 * What both nodes should have alike, of each part: without what names a node or its place in the network.
 * A part that is not here may differ.
 */
const SHARED: Readonly<Record<string, Part['facts']>> = {
  mode: ({ mode }) => mode,
  witness: ({ witness }) => witness,
  fence: ({ fence }) => fence,
  times: ({ policy }) => policy.timing,
  'ping nodes': ({ pingNodes }) => pingNodes.map(({ address }) => address).sort(),
  'floating IPs': ({ floatingIps }) =>
    floatingIps.map(({ address, prefixLength }) => `${address}/${prefixLength}`).sort(),
  'data policy': ({ policy }) => policy.data,
  stores: ({ stores }) => stores.map(({ address: _ours, peerAddress: _theirs, ...store }) => store),
  services: ({ services }) => services,
  'load-balancers': ({ loadBalancers }) => loadBalancers,
  'call check': ({ callCheck }) => callCheck,
  'outside checks': ({ outsideChecks }) => outsideChecks,
  API: ({ api }) =>
    api === null ? null : { ...api, listen: api.listen.map(({ port, tls }) => ({ port, tls })) },
  alarms: ({ alarms }) => alarms,
  drift: ({ drift }) => drift,
  // Another machine may have another device.
  watchdog: ({ watchdog }) => watchdog?.timeoutSeconds ?? null,
  gate: ({ gate }) => gate,
  'control group': ({ controlGroup }) => controlGroup,
  main_stall_ms: ({ mainStallMs }) => mainStallMs,
}

export interface PartFingerprint {
  part: string
  fingerprint: string
}

/** The parts of a configuration, each with a fingerprint of its facts. */
export function fingerprintsOf(config: PairConfig): PartFingerprint[] {
  return PARTS.map(({ name, facts }) => ({ part: name, fingerprint: fingerprint(facts(config)) }))
}

/** The same of what both nodes should have alike: equal on both if and only if that is. */
export function sharedFingerprints(config: PairConfig): PartFingerprint[] {
  return Object.entries(SHARED).map(([part, facts]) => ({
    part,
    fingerprint: fingerprint(facts(config)),
  }))
}

function fingerprint(facts: unknown): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)
}

/** Parts in which a configuration differs from the fingerprints of a running agent. */
export function changedParts(
  running: readonly PartFingerprint[],
  config: PairConfig,
): { part: string; reach: Reach }[] {
  const inForce = new Map(running.map(({ part, fingerprint }) => [part, fingerprint]))
  return fingerprintsOf(config)
    .filter(({ part, fingerprint }) => inForce.get(part) !== fingerprint)
    .map(({ part }) => ({
      part,
      reach: PARTS.find(({ name }) => name === part)?.reach ?? 'pair',
    }))
}
