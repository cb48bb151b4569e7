/**
 * Do both nodes have the same rules?
 *
 * A fingerprint of what PROTOCOL (A3) wants alike: mode, times, ping nodes, floating IPs, and the witness: two
 * of them would give two leases. Every heartbeat carries it. Only facts about the pair go in, in an order that does not depend on which
 * node reads them; interface names, paths and file names may differ.
 */
import { createHash } from 'node:crypto'
import type { Mode, TimingChoice } from '../core/policy.ts'
import type { FloatingIp, PingNodeConfig } from './config.ts'
import type { WitnessConfig } from './quorum.ts'

export interface DigestInput {
  mode: Mode
  timing: TimingChoice
  pingNodes: readonly PingNodeConfig[]
  floatingIps: readonly FloatingIp[]
  witness: Pick<WitnessConfig, 'endpoints' | 'record'> | null
}

/** 16 hexadecimal digits; equal on both nodes if and only if the facts are. */
export function digestOf(input: DigestInput): string {
  const { heartbeatMs, suspicionMs, leaseMs, marginMs, dampingMs } = input.timing
  const facts = [
    // Raised when the meaning or the order of what follows changes.
    'tandem digest 1',
    input.mode,
    [heartbeatMs, suspicionMs, leaseMs, marginMs, dampingMs],
    input.pingNodes.map((node) => node.address).sort(),
    input.floatingIps.map((ip) => `${ip.address}/${ip.prefixLength}`).sort(),
    ...(input.witness === null ? [] : [input.witness.record, [...input.witness.endpoints].sort()]),
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)
}
