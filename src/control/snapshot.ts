/**
 * What does the heart tell of itself? Everything it knows at one moment, as plain values that can be
 * handed from one thread to another and written to a file.
 */
import type { SeenState, Wish } from '../core/drain.ts'
import type { Role } from '../core/heartbeat.ts'
import type { NodeName } from '../core/policy.ts'
import type { Reason } from '../core/reason.ts'
import type { State } from '../core/state.ts'
import type { ProbeState, ProcessState, ServiceMode } from '../core/supervision.ts'
import type { GateKind } from '../gate/gate.ts'
import type { StepWords, ToldStepKind } from '../wire/told-step.ts'
import type { QuorumSnapshot } from './quorum-snapshot.ts'

/** A change of role, or of what the role may do. */
export interface Transition {
  /** Boot clock of the heart. */
  atMs: number
  from: Role
  to: Role
  /** The gate was opened by this step. */
  opened: boolean
  term: number
  reason: Reason
  /** Milliseconds since the peer was last heard, null when never. */
  peerSilentMs: number | null
}

/** Numbers about the heart itself. */
export interface HeartHealth {
  startedMs: number
  realtime: boolean
  lateness: {
    /** Latest beat since the start; null when none was late. */
    worst: { ms: number; atMs: number } | null
    lastMinuteMs: number
    /** Standstills longer than the gap rule allows. */
    pauses: number
  }
  /** The control thread made no progress for too long; nothing is renewed. */
  stalled: boolean
  /** The term cannot be written; null when it can. */
  storeTrouble: string | null
}

export interface PathSnapshot {
  name: string
  kind: 'crosslink' | 'lan' | 'extra' | 'reflected'
  interface: string | null
  ours: string
  theirs: string
  carrier: boolean | null
  lossRatio: number | null
  roundTrip: { medianMs: number; maxMs: number } | null
  lastHeardMs: number | null
}

export interface PingNodeSnapshot {
  address: string
  source: 'config' | 'gateway' | 'dns'
  state: 'answering' | 'silent' | 'never-answered'
  lossRatio: number | null
  roundTrip: { medianMs: number; maxMs: number } | null
  reflects: boolean | null
}

export interface FloatingIpSnapshot {
  address: string
  prefixLength: number
  interface: string
  label: string | null
  /** Whether a ping node answered it; `none`: not serving, or no ping node of its family. */
  look: 'none' | 'pending' | 'verified' | 'unanswered'
  /** Somebody else answered for, probed for or claimed it. */
  conflict: { mac: string; kind: string; atMs: number } | null
}

/** Room on a file system, in bytes. */
export interface SpaceSnapshot {
  directory: string
  freeBytes: number
  totalBytes: number
  /** Below these it is low, and critical. */
  lowBytes: number
  criticalBytes: number
  state: 'enough' | 'low' | 'critical'
  /** At the rate of the last minute; null when it is not getting fuller. */
  fullInMs: number | null
}

/** What the peer told of its store. */
export interface PeerStoreSnapshot {
  role: 'writable' | 'read-only' | null
  following: boolean
  /** Null when it could not be looked at. */
  offset: number | null
  /** By how much the one that takes no writes is behind the other; null when that cannot be told. */
  behind: number | null
  /** When it was so, on our clock. */
  lookedMs: number
}

/** What may be lost of a store since a takeover, or was found to be. Units are those of the offset. */
export interface LossSnapshot {
  /** Who took over. */
  by: NodeName
  store: string
  kind: 'redis' | 'mariadb'
  /** Of the takeover. */
  term: number
  /** Of the takeover; null on the node that came back, which does not know. */
  atMs: number | null
  /** At most so much; null when not known. */
  most: number | null
  /** Writes of the last so many milliseconds may be among it; null when not known. */
  overMs: number | null
  /** Nothing of it was confirmed to anybody. */
  confirmedSafe: boolean
  /** The node that came back was compared. */
  settled: boolean
  /** Only that node held so much; null when not compared yet, or it could not be told. */
  exact: number | null
}

/** Something that was done while a role moves, for whoever waits for it. */
export interface MoveStep {
  /** Counts up. */
  number: number
  atMs: number
  sentence: string
  /** `given-back`: the stores would not be handed over. */
  kind: ToldStepKind | 'store-read-only' | 'given-back' | 'other'
  /** A store or a service; empty where no single one is meant. */
  subject: string
}

/** A store as its thread saw it last. */
export interface StoreSnapshot {
  name: string
  kind: 'redis' | 'mariadb'
  /** Null when the last look failed. */
  role: 'writable' | 'read-only' | null
  offset: number | null
  following: boolean
  /** False when it receives what it does not apply. */
  applies: boolean
  backlog: number | null
  confirmsTogether: boolean
  /** Fails its probes: this node does not serve well. */
  sick: boolean
  /** Why it could not be looked at or probed; null when it could. */
  trouble: string | null
  hazards: readonly string[]
  version: string | null
  /** The fullest place where it keeps files; null when it is not known. */
  space: SpaceSnapshot | null
  /** What both nodes should have set alike, by name. */
  settings?: ReadonlyMap<string, string>
  /** What is done about its return, or what that waits for; null when there is nothing to say. */
  waiting: string | null
  /** How it came to follow the peer last; null when it did not since the start. */
  rejoin: { atMs: number; sentence: string; archived: readonly string[] } | null
  /** As the peer told with its heartbeats; null when it did not. */
  peer: PeerStoreSnapshot | null
  /** Open since a takeover of ours; null when nothing is. */
  loss: LossSnapshot | null
}

/** A service of this node, as its keeper knows it. */
export interface ServiceSnapshot {
  name: string
  backend: 'systemd' | 'command' | 'monit' | 'ocf'
  mode: ServiceMode
  essential: boolean
  /** Null: nothing is wanted of it, an operator looks after it. */
  wanted: 'running' | 'stopped' | null
  process: ProcessState
  probe: ProbeState
  /** There is something to probe. */
  probed: boolean
  /** Main process; null when there is none or it is not known. */
  pid: number | null
  /** On the clock of `nowMs`; null when it does not run. */
  runsSinceMs: number | null
  /** What went wrong last; null when nothing did since it runs well. */
  why: string | null
  /** Why it could not be looked at, or did not take its role; null when all is well. */
  trouble: string | null
  /** Failures that count now, and how many are too many. */
  failures: number
  failuresMax: number
  exhausted: boolean
  monitored: boolean
  /** An operator stopped it. */
  held: boolean
}

/** What the node that does not serve found when it asked as a client would. */
export interface OutsideSnapshot {
  /** As configured. */
  check: string
  /** Null: answered. */
  why: string | null
}

/** A dispatcher in front of several pairs, and what it has of this one. */
export interface LoadBalancerSnapshot {
  name: string
  kind: 'kamailio' | 'opensips'
  set: number
  destination: string
  /** What this node wants it to have; null: it is another's to say. */
  wanted: Wish['state'] | null
  why: Wish['why'] | null
  /** What it was seen to have; null when it could not be asked. */
  seen: SeenState | null
  /** Why it could not be asked or told, or what it says against us. */
  trouble: string | null
}

/** The newest test call of this node since it serves. */
export interface CallSnapshot {
  /** As configured. */
  check: string
  atMs: number
  ok: boolean
  /** How it went. */
  why: string
}

/** What comparing both copies of a store found last, read from the files of this node. */
export interface VerifiedSnapshot {
  finishedIso: string
  durationMs: number
  /** Rows or keys. */
  compared: number
  differences: number
  /** Keys that changed too often to be compared. */
  unsettled: number
  sentence: string
}

/** Everything the heart knows, as plain values. */
export interface Snapshot {
  nowMs: number
  state: Readonly<State>
  gate: {
    kind: GateKind
    weaker: string | null
    commands: number
    refusals: number
    serveUntilMs: number
    occupiedUntilMs: number
    /** Parts that are not in force, as `eth0 ingress`: being put back, or that could not be. */
    missing: readonly { place: string; now: 'removed' | 'lost' }[]
  }
  addressesPresent: boolean
  announcedMs: number | null
  paths: readonly PathSnapshot[]
  pingNodes: readonly PingNodeSnapshot[]
  floatingIps: readonly FloatingIpSnapshot[]
  /** Service interfaces without carrier. */
  withoutCarrier: readonly string[]
  stores: readonly StoreSnapshot[]
  /** Why the stores keep this node from serving; empty when they do not. */
  storesUnfit: readonly string[]
  services: readonly ServiceSnapshot[]
  /** Empty while this node serves, or nobody does. */
  outside: readonly OutsideSnapshot[]
  loadBalancers: readonly LoadBalancerSnapshot[]
  /** An operator wants no new calls to come to the pair. */
  drained: boolean
  /** Null where none was placed since this node serves. */
  call: CallSnapshot | null
  /** Why the services keep this node from serving. */
  servicesUnfit: readonly string[]
  /** The newest of what was done since roles move, oldest first. */
  steps: readonly MoveStep[]
  /** This node serves, with its stores and every service. */
  servesInFull: boolean
  /** What the peer did when it took the role last, as it tells; null when it does not. */
  peerSteps: StepWords | null
  /** How long the peer's stores took to take writes, as it tells; null when it does not. */
  peerStoresPromotedMs: number | null
  /**
   * What is started before a move that an operator asked for: null while a node starts nothing beforehand, else
   * whether all of it is up.
   */
  early: { own: boolean | null; peer: boolean | null }
  quorum: QuorumSnapshot
  heart: HeartHealth
}
