/**
 * How do heartbeats leave and arrive, on all paths together?
 *
 * Written and signed once, sent on every direct path and, when the core asks for it, by way of the
 * ping nodes. Everything that arrives is read here and either handed on or counted with the reason.
 * Repeats on several paths are handed on too: which number counts is judged by the core (B1).
 */
import type { PathConfig } from '../config/config.ts'
import type { Heartbeat } from '../core/heartbeat.ts'
import type { NodeName } from '../core/policy.ts'
import { REFLECT_EVERY } from '../core/state.ts'
import { isConnectionList } from '../wire/connection-list.ts'
import { isDrainWord } from '../wire/drain-word.ts'
import { isFactList } from '../wire/fact-list.ts'
import {
  appendedTo,
  decodeHeartbeat,
  encodeHeartbeat,
  type HeartbeatRead,
  type RejectReason,
} from '../wire/heartbeat.ts'
import type { PairKey } from '../wire/key.ts'
import { Complaints } from './complaint.ts'
import { DirectPath } from './direct-path.ts'
import type { PathReport } from './path-stats.ts'
import type { IcmpPorts, PingNodeAddress } from './ping-nodes.ts'
import { Reflection, type ReflectionReport } from './reflection.ts'

/** Sending times remembered for round trips. */
const SENT_REMEMBERED = 64

export interface HeartbeatLinksOptions {
  node: NodeName
  port: number
  paths: readonly PathConfig[]
  pingNodes: readonly PingNodeAddress[]
  /** The first signs, all are accepted. */
  keys: readonly PairKey[]
  /** H; the peer's is the same. */
  intervalMs: number
  icmp: IcmpPorts
  now: () => number
  /** `path` indexes `paths` or, when not `direct`, `pingNodes`. Must not throw. */
  onHeartbeat: (heartbeat: Heartbeat, direct: boolean, atMs: number, path: number) => void
  /**
   * Called after `onHeartbeat` with what is appended, empty where nothing is; not looked at here. `bytes` are
   * overwritten after the call. `sentMs`: the peer sent it then or later, on our clock; null when it
   * answers nothing of ours that we remember.
   */
  onAppended?: (bytes: Buffer, heartbeat: Heartbeat, sentMs: number | null) => void
  /** A list of the peer's clients came on a direct path; not looked at here. */
  onConnections: (bytes: Buffer) => void
  /** What an operator wants of the pair came on a direct path; not looked at here. */
  onDrainWord: (bytes: Buffer) => void
  /** A part of what the peer tells of itself came on a direct path; not looked at here. */
  onFacts: (bytes: Buffer) => void
  /** A sentence for the log, at most one per kind in ten seconds. */
  complain: (sentence: string) => void
}

export interface LinksReport {
  /** In the order of `paths`. */
  direct: readonly (PathReport & { path: PathConfig; open: boolean })[]
  /** In the order of `pingNodes`. */
  reflected: readonly ReflectionReport[]
  /** Heartbeats that bore our own name: the peer is configured as us. */
  namesakes: number
}

export class HeartbeatLinks {
  readonly #options: HeartbeatLinksOptions
  readonly #paths: readonly DirectPath[]
  readonly #reflection: Reflection
  readonly #complaints: Complaints
  #keys: readonly PairKey[]
  #boot: string | null = null
  readonly #sentSeq = new Array<number>(SENT_REMEMBERED).fill(0)
  readonly #sentAtMs = new Array<number>(SENT_REMEMBERED).fill(0)
  #namesakes = 0
  /** The last datagram whose signature was right, and what it says: other paths bring the same. */
  #proven: { bytes: Buffer; read: HeartbeatRead } | null = null

  /** Opens the sockets; what cannot be opened yet is tried again. */
  constructor(options: HeartbeatLinksOptions) {
    this.#options = options
    this.#keys = options.keys
    this.#complaints = new Complaints(options.complain)
    this.#paths = options.paths.map(
      (path, index) =>
        new DirectPath({
          path,
          port: options.port,
          intervalMs: options.intervalMs,
          now: options.now,
          onDatagram: (bytes, atMs) => this.#receive(bytes, true, index, atMs),
          onTrouble: (code) => this.#tellTrouble(path, code),
        }),
    )
    this.#reflection = new Reflection({
      pingNodes: options.pingNodes,
      paths: options.paths,
      port: options.port,
      icmp: options.icmp,
      now: options.now,
      restIntervalMs: REFLECT_EVERY * options.intervalMs,
      onDatagram: (bytes, index, atMs) => this.#receive(bytes, false, index, atMs),
    })
  }

  /** Sends now; done when it returns. `appended`: behind the body, for the peer's people. */
  send(heartbeat: Heartbeat, reflect: boolean, appended?: Uint8Array): void {
    const key = this.#keys[0]
    if (key === undefined) return
    const bytes = encodeHeartbeat(heartbeat, key, appended)
    this.#boot = heartbeat.boot
    this.#sentSeq[heartbeat.seq % SENT_REMEMBERED] = heartbeat.seq
    this.#sentAtMs[heartbeat.seq % SENT_REMEMBERED] = this.#options.now()
    for (const path of this.#paths) path.send(bytes)
    if (reflect) this.#reflection.send(bytes)
  }

  /** Sends what is no heartbeat, on the direct paths. */
  sendBeside(bytes: Uint8Array): void {
    for (const path of this.#paths) path.sendBeside(bytes)
  }

  /** Takes over a changed key file. An empty list changes nothing. */
  useKeys(keys: readonly PairKey[]): void {
    if (keys.length === 0) return
    this.#keys = keys
    this.#proven = null
  }

  report(): LinksReport {
    const nowMs = this.#options.now()
    return {
      direct: this.#paths.map((path) => ({
        ...path.stats.report(nowMs),
        path: path.path,
        open: path.isOpen,
      })),
      reflected: this.#reflection.report(nowMs),
      namesakes: this.#namesakes,
    }
  }

  /** Closes the direct paths. The ICMP ports belong to whoever opened them. */
  close(): void {
    for (const path of this.#paths) path.close()
  }

  #receive(bytes: Buffer, direct: boolean, index: number, atMs: number): void {
    if (direct && isConnectionList(bytes)) {
      this.#options.onConnections(bytes)
      return
    }
    if (direct && isDrainWord(bytes)) {
      this.#options.onDrainWord(bytes)
      return
    }
    if (direct && isFactList(bytes)) {
      this.#options.onFacts(bytes)
      return
    }
    const stats = direct ? this.#paths[index]?.stats : this.#reflection.statsOf(index)
    const read = this.#read(bytes)
    if (!read.ok) {
      stats?.noteRejected(read.reason)
      this.#tellRejected(read.reason, direct, index, atMs)
      return
    }
    const { heartbeat } = read
    if (heartbeat.node === this.#options.node) {
      this.#namesakes += 1
      this.#complaints.raise(
        'namesake',
        atMs,
        () => `a heartbeat of a node that calls itself ${heartbeat.node}, as we do, was ignored`,
      )
      return
    }
    if (direct) {
      stats?.noteAccepted(heartbeat.boot, heartbeat.seq, atMs)
      this.#reflection.notePeerHeard(atMs)
    } else {
      this.#reflection.noteAccepted(index, heartbeat.boot, atMs)
    }
    const answeredMs = this.#answeredSentMs(heartbeat)
    // There by whichever path was quickest, back by this one.
    if (answeredMs !== null)
      stats?.noteRoundTrip(Math.max(0, atMs - answeredMs - heartbeat.heardAgoMs))
    this.#options.onHeartbeat(heartbeat, direct, atMs, index)
    const sentMs = answeredMs === null ? null : answeredMs + heartbeat.heardAgoMs
    this.#options.onAppended?.(appendedTo(bytes), heartbeat, sentMs)
  }

  /** Each heartbeat comes on several paths; it is proven once. */
  #read(bytes: Buffer): HeartbeatRead {
    if (this.#proven?.bytes.equals(bytes)) return this.#proven.read
    const read = decodeHeartbeat(bytes, this.#keys)
    if (read.ok) this.#proven = { bytes: Buffer.from(bytes), read }
    return read
  }

  /** When we sent what a heartbeat answers; null when it answers none, or one of long ago. */
  #answeredSentMs(heartbeat: Heartbeat): number | null {
    const slot = heartbeat.ackSeq % SENT_REMEMBERED
    if (heartbeat.ackSeq === 0 || heartbeat.ackBoot !== this.#boot) return null
    if (this.#sentSeq[slot] !== heartbeat.ackSeq) return null
    return this.#sentAtMs[slot] ?? null
  }

  #tellRejected(reason: RejectReason, direct: boolean, index: number, atMs: number): void {
    this.#complaints.raise(`rejected ${reason}`, atMs, () => {
      const { paths, pingNodes } = this.#options
      const where = direct
        ? `path ${paths[index]?.name} from ${paths[index]?.peerAddress}`
        : `the path reflected by ${pingNodes[index]?.address}`
      return `a datagram on ${where} was ignored: ${REJECTED[reason]}`
    })
  }

  #tellTrouble(path: PathConfig, code: string): void {
    this.#complaints.raise(
      `trouble ${path.name} ${code}`,
      this.#options.now(),
      () =>
        `path ${path.name}, ${path.ourAddress} to ${path.peerAddress}: ${TROUBLE[code] ?? code}`,
    )
  }
}

const REJECTED: Record<RejectReason, string> = {
  short: 'it is too short for a heartbeat',
  magic: 'it is not a heartbeat',
  version: 'it has another version; is the peer on another release?',
  length: 'its length is not the one it states',
  key: 'it is signed with a key id we do not have; compare "tandem key show-id" on both nodes',
  hmac: 'its signature is wrong; compare "tandem key show-id" on both nodes',
  field: 'it is signed with our key but says what no release does',
}

const TROUBLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the peer's agent is not listening (ECONNREFUSED)",
  EADDRNOTAVAIL: 'our address is not on this machine now; trying again (EADDRNOTAVAIL)',
  EADDRINUSE: 'another program holds our port; trying again (EADDRINUSE)',
  EACCES: 'not permitted to use this port or address (EACCES)',
  EPERM: 'a local firewall drops what we send (EPERM)',
  ENETUNREACH: 'no route to the peer (ENETUNREACH)',
  EHOSTUNREACH: 'the peer does not answer address resolution (EHOSTUNREACH)',
}
