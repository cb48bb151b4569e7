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
 * or do not hear each other at all. `node`: the nodes may differ for any time.
 */
export type Reach = 'pair' | 'node'

interface Part {
  name: string
  reach: Reach
  facts: (config: PairConfig) => unknown
}

const PARTS: readonly Part[] = [
  { name: 'mode', reach: 'pair', facts: ({ mode }) => mode },
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
  { name: 'gate', reach: 'node', facts: ({ gate }) => gate },
  { name: 'control group', reach: 'node', facts: ({ controlGroup }) => controlGroup },
  { name: 'place of the key file', reach: 'node', facts: ({ keyFile }) => keyFile },
  { name: 'main_stall_ms', reach: 'node', facts: ({ mainStallMs }) => mainStallMs },
]

export interface PartFingerprint {
  part: string
  fingerprint: string
}

/** The parts of a configuration, each with a fingerprint of its facts. */
export function fingerprintsOf(config: PairConfig): PartFingerprint[] {
  return PARTS.map(({ name, facts }) => ({
    part: name,
    fingerprint: createHash('sha256')
      .update(JSON.stringify(facts(config)))
      .digest('hex')
      .slice(0, 16),
  }))
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
