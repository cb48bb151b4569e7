/**
 * What were we told? The shape of a checked configuration.
 *
 * This file only holds types: `load.ts` reads the platform's files, `check.ts` finds the mistakes.
 * Everything downstream takes one `PairConfig` and never looks at YAML again.
 */
import type { Mode, NodeName, Policy } from '../core/policy.ts'

export type AddressFamily = 4 | 6

/** One way heartbeats travel directly between the nodes. */
export interface PathConfig {
  /** What operators see: `crosslink`, `lan`, or `lan:eth2` where there are several. */
  name: string
  kind: 'crosslink' | 'lan' | 'extra'
  interface: string
  family: AddressFamily
  ourAddress: string
  peerAddress: string
}

export interface PingNodeConfig {
  address: string
  family: AddressFamily
  /** Where it was named; `gateway` and `dns` come from network.yml. */
  source: 'config' | 'gateway' | 'dns'
}

/** An address that follows the active. */
export interface FloatingIp {
  address: string
  family: AddressFamily
  prefixLength: number
  interface: string
  /** IPv4 only, as `eth0:0`; at most 15 characters (the kernel's IFNAMSIZ). */
  label: string | null
}

/** A store that both nodes keep a copy of, and that follows the role. */
export interface StoreConfig {
  /** Key below `tandem.stores`. */
  name: string
  kind: 'redis' | 'mariadb'
  /** Our server: a unix socket where one is named, else address and port. */
  socketPath: string | null
  address: string
  port: number
  /** The peer's server, as reached from here. */
  peerAddress: string
  peerPort: number
  user: string
  /** One line, mode 0600; null: the account has no password. */
  passwordFile: string | null
  /** The account with which the servers follow each other. Redis has it in its own configuration. */
  replicationUser: string
  replicationPasswordFile: string | null
  /** MariaDB: the account that undoes transactions of a returning node; null: none. */
  undoUser: string | null
  undoPasswordFile: string | null
  /** MariaDB: a write is confirmed only when the standby has it. */
  semiSync: boolean
  dataDirectory: string | null
  pidFile: string | null
  /** So many probes missed in a row make it sick; one takes up to 0.8 s, a second after the one before. */
  probeMisses: number
  /** With less free where it keeps its files this node hands over; null: by the size; 0: not watched. */
  minFreeMb: number | null
  /** How many of the newest archives of this store are kept; at least 1. */
  archivesKept: number
  /** Null: it is never compared. */
  verify: VerifyConfig | null
}

/** How the two copies of a store are compared. */
export interface VerifyConfig {
  /** An account that reads everything and may do nothing else, on both servers. */
  user: string
  /** One line, mode 0600; null: the account has no password. */
  passwordFile: string | null
  /** By the standby's agent, so long after the last one ended; null: only when somebody asks. */
  everyMs: number | null
  /** MariaDB: only these; null: all that the account may see. */
  schemas: readonly string[] | null
}

/** A checked configuration of one node of the pair. */
export interface PairConfig {
  node: NodeName
  /** Key under `hosts:` of this node and of the peer, as the platform names them. */
  hostName: string
  peerHostName: string
  mode: Mode
  policy: Policy
  timingProfile: 'default' | 'fast' | 'custom'
  /** UDP port of heartbeats, the same on both nodes. */
  port: number
  paths: readonly PathConfig[]
  pingNodes: readonly PingNodeConfig[]
  floatingIps: readonly FloatingIp[]
  /** Interfaces that carry a floating IP and are not the crosslink: their carrier is service health. */
  serviceInterfaces: readonly string[]
  stores: readonly StoreConfig[]
  /** Shared key of the pair, a 0600 file. */
  keyFile: string
  /** The heart stops renewing when the rest of the agent makes no progress for this long. */
  mainStallMs: number
  /** Which gate to use; `auto` takes the strongest the kernel offers. */
  gate: 'auto' | 'ebpf' | 'nftables' | 'lifetime'
  /** Group that may speak to the control socket. */
  controlGroup: string | null
}
