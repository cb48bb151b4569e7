/**
 * Who guards the right beside the two nodes? The shape of what was configured; `quorum-section.ts` reads it.
 */

import type { NodeName } from '../core/policy.ts'

/** How one node's power is switched, as the fence agent wants to be told. */
export interface FencePlug {
  /** `key=value` on the agent's standard input; no secrets. */
  parameters: Readonly<Record<string, string>>
  /** One line, readable by its owner alone, told as `password`; null: none. */
  passwordFile: string | null
}

/** Who switches the other node off in mode `fence`. */
export interface FenceConfig {
  /** A program of Debian's fence-agents, or one that speaks as they do. Absolute. */
  agent: string
  /** For one run of it. */
  timeoutMs: number
  /** How to switch each node off; the same on both. */
  plugs: Readonly<Record<NodeName, FencePlug>>
}

/** An etcd that gives the lease in mode `witness`. The same on both nodes. */
export interface WitnessConfig {
  /** `https://ADDRESS:PORT` each, of one cluster. */
  endpoints: readonly string[]
  /** Names this pair's record; one etcd serves many pairs. */
  record: string
  /** PEM: who signed the certificates of the endpoints. */
  caFile: string
  /** PEM: as what this node is known there. */
  certificateFile: string
  /** Readable by its owner alone. */
  keyFile: string
}
