/**
 * What does the heart tell of itself? Everything it knows at one moment, as plain values that can be
 * handed from one thread to another and written to a file.
 */
import type { Role } from '../core/heartbeat.ts'
import type { Reason } from '../core/reason.ts'
import type { State } from '../core/state.ts'
import type { GateKind } from '../gate/gate.ts'

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

/** A store as its thread saw it last. */
export interface StoreSnapshot {
  name: string
  kind: 'redis' | 'mariadb'
  /** Null when the last look failed. */
  role: 'writable' | 'read-only' | null
  offset: number | null
  following: boolean
  backlog: number | null
  confirmsTogether: boolean
  /** Fails its probes: this node does not serve well. */
  sick: boolean
  /** Why it could not be looked at or probed; null when it could. */
  trouble: string | null
  hazards: readonly string[]
  version: string | null
  /** How it came to follow the peer last; null when it did not since the start. */
  rejoin: { atMs: number; sentence: string; archived: readonly string[] } | null
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
  heart: HeartHealth
}
