/**
 * What were we told? The shape of a checked configuration.
 *
 * This file only holds types: `load.ts` reads the platform's files, `check.ts` finds the mistakes.
 * Everything downstream takes one `PairConfig` and never looks at YAML again.
 */
import type { Mode, NodeName, Policy } from '../core/policy.ts'
import type { ServicePlan } from '../core/supervision.ts'
import type { ApiRole } from '../wire/api-tokens.ts'
import type { CheckConfig } from './check-text.ts'
import type { HookConfig } from './hook-text.ts'
import type { FenceConfig, WitnessConfig } from './quorum.ts'

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
  /** So far the standby's copy may be behind before it is an alarm, in units of the offset; 0: any. */
  lagMax: number
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

/** Where monit listens. */
export type MonitPlace = { socketPath: string } | { address: string; port: number }

/** What starts and stops a service. */
export type ServiceBackend =
  /** A unit of the service manager of this host, as systemctl takes it; without a suffix a `.service`. */
  | { kind: 'systemd'; unit: string }
  /** A program that is started as a child of ours, in the foreground of a session of its own. */
  | {
      kind: 'command'
      /** Program and arguments, no shell. A program without a slash is looked for in PATH. */
      argv: readonly string[]
      /** Absolute; must exist. */
      directory: string
      /** All of it but PATH, HOME and the like; nothing is taken from our own. */
      environment: Readonly<Record<string, string>>
      /** Name of an account; null: as we run ourselves. */
      user: string | null
      /** Gets its standard output and error; the directory must exist. */
      logFile: string
      /** From SIGTERM to SIGKILL, at most; the limit of a stop may make it shorter. */
      graceMs: number
    }
  /** A process that the monit of this host looks after, by its HTTP interface. */
  | ({
      kind: 'monit'
      /** As in monit's own configuration, `check process NAME`. */
      monitName: string
      /** As in monit's `allow USER:PASSWORD`. */
      user: string
      /** One line, readable by its owner alone. */
      passwordFile: string
    } & MonitPlace)
  /** A resource agent of the Open Cluster Framework, `ocf:PROVIDER:AGENT`. */
  | {
      kind: 'ocf'
      provider: string
      agent: string
      /** Handed over as OCF_RESKEY_NAME. */
      parameters: Readonly<Record<string, string>>
    }

/** A daemon that serves the platform, and is looked after. */
export interface ServiceConfig extends ServicePlan {
  backend: ServiceBackend
  /** Stores that it takes in as it starts: it is started again when one of them follows the peer anew. */
  reads: readonly string[]
  checks: readonly CheckConfig[]
  /** From the end of a round of checks to the next. */
  checkEveryMs: number
  /** For one check to answer. */
  checkLimitMs: number
  stopLimitMs: number
  /** When this node begins to serve and has its stores, and after each start while it does. */
  onActive: readonly HookConfig[]
  /** When it does not serve any more, and after each start while it does not. */
  onStandby: readonly HookConfig[]
}

/** Where and how a load-balancer is managed. */
export type LoadBalancerPlace =
  /** JSON-RPC over UDP. */
  | { kind: 'kamailio'; address: string; port: number }
  /** JSON-RPC over HTTP. */
  | { kind: 'opensips'; address: string; port: number; path: string }

/** A dispatcher in front of several pairs that learns whether this one takes calls. */
export type LoadBalancerConfig = LoadBalancerPlace & {
  name: string
  /** Number of the dispatcher's set. */
  set: number
  /** URI by which its list knows this pair. */
  destination: string
}

/** Where the API is served besides the unix sockets. */
export interface ApiPlace {
  /** `0.0.0.0` and `::` are all. */
  address: string
  port: number
  /** Without TLS on loopback only. */
  tls: boolean
}

/** The API for programs and people elsewhere. Files are read by whoever serves it, not at the start. */
export interface ApiConfig {
  listen: readonly ApiPlace[]
  /** PEM, with the chain behind it; null only where nothing listens with TLS. */
  certificateFile: string | null
  keyFile: string | null
  /** Lines of `wire/api-tokens.ts`, mode 0600. */
  tokenFile: string
  /** PEM: who signs certificates of clients; null: they are not asked for one. */
  clientCaFile: string | null
  /** Common names in those certificates, and what each may do. */
  clients: readonly { subject: string; role: ApiRole }[]
  /** What is answered to everybody. */
  open: readonly ('role' | 'health' | 'metrics' | 'page')[]
}

/** How a mail leaves this node. */
export type MailWay =
  /** The program that every mail server brings. */
  | { via: 'sendmail'; program: string }
  | {
      via: 'smtp'
      host: string
      port: number
      /** `starttls`: no mail leaves without; `tls`: from the first byte. */
      tls: 'none' | 'starttls' | 'tls'
      /** PEM, of who signed the server's certificate; null: as the system trusts. */
      caFile: string | null
      /** Null: without a login. */
      user: string | null
      passwordFile: string | null
    }

/** A way to reach the people who look after the pair. */
export type AlarmChannel =
  | { kind: 'mail'; to: readonly string[]; from: string | null; way: MailWay }
  | {
      kind: 'webhook'
      /** May hold a secret in its path or query: only its origin is ever shown. */
      url: string
      /** One line, readable by its owner alone, sent as a bearer token; null: none. */
      tokenFile: string | null
      caFile: string | null
    }
  /** A program that gets the notice as JSON on its standard input. */
  | { kind: 'command'; argv: readonly string[] }

/** Who is told of alarms and changes of the role, and how. */
export interface AlarmsConfig {
  /** At most one of each kind. */
  channels: readonly AlarmChannel[]
  /** An alarm that goes on is told again after this. */
  remindAfterMs: number
}

/** What both nodes should have alike, besides the configuration of the pair itself. */
export interface DriftConfig {
  /** Files, directories and patterns; what is not there is left out. */
  files: readonly string[]
  except: readonly string[]
  /** A difference that lasts so long is an alarm. */
  afterMs: number
}

/** A device that resets this machine when nobody speaks to it any more. */
export interface WatchdogConfig {
  device: string
  /** Asked for; the driver may round it. */
  timeoutSeconds: number
}

/** A checked configuration of one node of the pair. */
export interface PairConfig {
  node: NodeName
  /** Key under `hosts:` of this node and of the peer, as the platform names them. */
  hostName: string
  peerHostName: string
  mode: Mode
  /** Null in other modes than `witness`. */
  witness: WitnessConfig | null
  /** Null in other modes than `fence`. */
  fence: FenceConfig | null
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
  /** Those a service needs stand before it. */
  services: readonly ServiceConfig[]
  /** Asked by the node that does not serve, as a client would. */
  outsideChecks: readonly CheckConfig[]
  loadBalancers: readonly LoadBalancerConfig[]
  /** Placed by this node after it took the role; null: none. */
  callCheck: (CheckConfig & { kind: 'call' }) | null
  alarms: AlarmsConfig
  drift: DriftConfig
  /** Null: none is used. */
  watchdog: WatchdogConfig | null
  /** Shared key of the pair, a 0600 file. */
  keyFile: string
  /** The heart stops renewing when the rest of the agent makes no progress for this long. */
  mainStallMs: number
  /** Which gate to use; `auto` takes the strongest the kernel offers. */
  gate: 'auto' | 'ebpf' | 'nftables' | 'lifetime'
  /** Group that may speak to the control socket. */
  controlGroup: string | null
  /** Null: only on the unix sockets. */
  api: ApiConfig | null
}
