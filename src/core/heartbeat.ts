/**
 * What does one node tell the other, every H on every path?
 *
 * Fields and meaning: PROTOCOL, "Heartbeat". How they are written as bytes: `wire/heartbeat.ts`.
 */
import type { NodeName } from './policy.ts'

/** What a node is to the pair. Only `active` serves, and only while its gate is open. */
export type Role = 'standby' | 'elect' | 'take' | 'active' | 'demoting'

/**
 * How far the data of a node reaches. `term` names the history it belongs to: positions of
 * different histories are ordered by term, never by offset (PROTOCOL, "Data").
 */
export interface Position {
  term: number
  offset: number
}

export interface Heartbeat {
  /** Sender. One that bears our own name is a mistake of configuration, never a peer. */
  node: NodeName
  /** Random per start of the agent, 16 hexadecimal digits. */
  boot: string
  /** Counts up by one per heartbeat of a boot, from 1. */
  seq: number
  term: number
  role: Role
  /** Is active or a candidate. */
  want: boolean
  /** Could serve if asked. */
  able: boolean
  /** Ping nodes that answered lately. */
  score: number
  /** Reaches a strict majority of the configured ping nodes now. */
  majority: boolean
  /** Heard the receiver within S. */
  hears: boolean
  /** Boot of the receiver as last heard, null when never heard. */
  ackBoot: string | null
  /** Highest number heard of that boot, 0 when none. */
  ackSeq: number
  /** Milliseconds since that one was heard, on the sender's clock. */
  heardAgoMs: number
  /** Heard the receiver on a direct path within H. */
  direct: boolean
  /** R1: promises not to take over before L + M after hearing `ackSeq`. */
  grant: boolean
  position: Position
  /** The stores were not looked at since the start: `position` says nothing yet. */
  positionUnknown: boolean
  /** An active that confirms writes only when the peer has them. */
  sync: boolean
  /** A standby that has everything an active confirmed. */
  inSync: boolean
  /** Holds confirmed data the peer does not have. */
  sole: boolean
  /** Stands back for V after a release. */
  avoid: boolean
  /** Node an operator asked for, as long as the request lives. */
  ask: NodeName | null
  /** A3: fingerprint of what both nodes must have alike, 16 hexadecimal digits. */
  digest: string
  /** For people only: why a node is not able. */
  healthy: boolean
  maintenance: boolean
}
