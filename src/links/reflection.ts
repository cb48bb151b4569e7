/**
 * How does a heartbeat reach the peer by way of a ping node?
 *
 * We send the ping node an echo request that bears the peer's address as its source, with the
 * heartbeat as payload; the ping node answers the peer. Nothing runs on the ping node. The path goes
 * where both nodes reach the same ping node, whatever lies between them (PROTOCOL, "Reflected path").
 *
 * A stateful firewall on a node drops answers to requests it never saw leave. So every few seconds
 * each node also sends a request from its own address with the same identifier: to the firewall,
 * what is reflected is then part of that conversation. The answer to it is short and not passed on.
 *
 * When to reflect at all is decided by the core. What comes in is not trusted for where it came from:
 * it is a datagram like every other, authenticated by its HMAC.
 */
import type { AddressFamily, PathConfig } from '../config/config.ts'
import { HEARTBEAT_BYTES, HEARTBEAT_MAX_BYTES } from '../wire/heartbeat.ts'
import { type EchoPacket, fillEcho, prepareEcho, readEchoReply } from '../wire/icmp.ts'
import { addressKey, isLinkLocal } from '../wire/ip-address.ts'
import { type PathReport, PathStats } from './path-stats.ts'
import type { IcmpPorts, PingNodeAddress } from './ping-nodes.ts'

/** Firewalls forget echo conversations after 30 s (nf_conntrack_icmp_timeout). */
const OPEN_FLOW_EVERY_MS = 10_000
const OPENER = Buffer.from('tandem', 'latin1')

/** Nothing reflected for this many intervals at rest, while the peer was heard otherwise: it does not. */
const SILENT_INTERVALS = 5

export interface ReflectionOptions {
  pingNodes: readonly PingNodeAddress[]
  /** For the addresses of both nodes on the LAN. */
  paths: readonly PathConfig[]
  /** UDP port of the heartbeats; pairs on one LAN differ in it, so they do not hear each other. */
  port: number
  icmp: IcmpPorts
  now: () => number
  /** How often a heartbeat is reflected while the direct paths work. */
  restIntervalMs: number
  /** What a ping node brought. `bytes` are overwritten after the call. Must not throw. */
  onDatagram: (bytes: Buffer, pingNodeIndex: number, atMs: number) => void
}

export interface ReflectionReport extends PathReport {
  /** Null while it cannot be told: never tried, or the peer is not heard on any path. */
  reflects: boolean | null
}

interface Mirror {
  readonly family: AddressFamily
  readonly address: string
  /** Null when we know no address of the peer that this ping node could answer. */
  readonly packet: EchoPacket | null
  readonly opener: EchoPacket | null
  readonly stats: PathStats
  sequence: number
  /** Numbers of the peer's requests, continued beyond 16 bits. */
  heardSequence: number
}

/** Identifier of reflected requests and of their answers; the same on both nodes of a pair. */
export function reflectionIdentifier(port: number): number {
  return (0x7a0d ^ port) & 0xffff
}

export class Reflection {
  readonly #options: ReflectionOptions
  readonly #mirrors: readonly Mirror[]
  readonly #indexOf = new Map<string, number>()
  #flowOpenedMs = Number.NEGATIVE_INFINITY
  #arrivedSequence = 0
  #peerHeardFromMs = Number.POSITIVE_INFINITY
  #peerHeardMs = Number.NEGATIVE_INFINITY

  constructor(options: ReflectionOptions) {
    this.#options = options
    const identifier = reflectionIdentifier(options.port)
    this.#mirrors = options.pingNodes.map((node) => prepareMirror(node, options, identifier))
    for (const [index, node] of options.pingNodes.entries())
      this.#indexOf.set(addressKey(node.address), index)
    for (const family of [4, 6] as const)
      options.icmp[family]?.listen(identifier, (bytes, source) =>
        this.#receive(family, bytes, source),
      )
  }

  /** Sends a datagram to the peer by way of every ping node, now. */
  send(bytes: Uint8Array): void {
    const { icmp, now } = this.#options
    const nowMs = now()
    if (nowMs - this.#flowOpenedMs >= OPEN_FLOW_EVERY_MS) this.#openFlow(nowMs)
    for (const mirror of this.#mirrors) {
      const port = icmp[mirror.family]
      if (port === null || mirror.packet === null) continue
      mirror.sequence += 1
      const packet = fillEcho(mirror.packet, mirror.sequence, bytes)
      if (port.sendWhole(packet, mirror.address)) mirror.stats.noteSent()
      else mirror.stats.noteSendError()
    }
  }

  /** Of the datagram just handed over by this ping node: it was a heartbeat of the peer. */
  noteAccepted(pingNodeIndex: number, boot: string, atMs: number): void {
    const mirror = this.#mirrors[pingNodeIndex]
    if (mirror === undefined) return
    // The nearest number with these low 16 bits.
    const step = ((this.#arrivedSequence - mirror.heardSequence) << 16) >> 16
    mirror.heardSequence += step
    mirror.stats.noteAccepted(boot, mirror.heardSequence, atMs)
  }

  statsOf(pingNodeIndex: number): PathStats | undefined {
    return this.#mirrors[pingNodeIndex]?.stats
  }

  /** The peer was heard on a direct path: what does not reflect now could have. */
  notePeerHeard(atMs: number): void {
    if (atMs - this.#peerHeardMs > this.#options.restIntervalMs) this.#peerHeardFromMs = atMs
    this.#peerHeardMs = atMs
  }

  /** In the order of the ping nodes. */
  report(nowMs: number): ReflectionReport[] {
    return this.#mirrors.map((mirror) => {
      const report = mirror.stats.report(nowMs)
      return { ...report, reflects: this.#reflects(report.lastHeardMs, nowMs) }
    })
  }

  #reflects(lastHeardMs: number | null, nowMs: number): boolean | null {
    const windowMs = SILENT_INTERVALS * this.#options.restIntervalMs
    if (lastHeardMs !== null && nowMs - lastHeardMs <= windowMs) return true
    const peerTalks = nowMs - this.#peerHeardMs <= this.#options.restIntervalMs
    return peerTalks && nowMs - this.#peerHeardFromMs > windowMs ? false : null
  }

  #openFlow(nowMs: number): void {
    this.#flowOpenedMs = nowMs
    for (const mirror of this.#mirrors) {
      if (mirror.opener === null) continue
      this.#options.icmp[mirror.family]?.sendWhole(
        fillEcho(mirror.opener, mirror.sequence, OPENER),
        mirror.address,
      )
    }
  }

  #receive(family: AddressFamily, bytes: Buffer, source: string): void {
    const reply = readEchoReply(family, bytes)
    if (reply === null || reply.payload.length < HEARTBEAT_BYTES) return
    const index = this.#indexOf.get(addressKey(source))
    if (index === undefined) return
    this.#arrivedSequence = reply.sequence
    this.#options.onDatagram(reply.payload, index, this.#options.now())
  }
}

function prepareMirror(
  node: PingNodeAddress,
  options: ReflectionOptions,
  identifier: number,
): Mirror {
  const lan = lanPathFor(node, options.paths)
  const prepare = (source: string): EchoPacket | null =>
    prepareEcho({
      source,
      destination: node.address,
      identifier,
      payloadMaxBytes: HEARTBEAT_MAX_BYTES,
    })
  return {
    family: node.family,
    address: node.address,
    packet: lan === undefined ? null : prepare(lan.peerAddress),
    opener: lan === undefined ? null : prepare(lan.ourAddress),
    stats: new PathStats(options.restIntervalMs),
    sequence: 0,
    heardSequence: 0,
  }
}

/** The path whose addresses this ping node can answer: of its family and scope, the LAN first. */
function lanPathFor(node: PingNodeAddress, paths: readonly PathConfig[]): PathConfig | undefined {
  const fitting = paths.filter(
    (path) =>
      path.kind !== 'crosslink' &&
      path.family === node.family &&
      isLinkLocal(path.peerAddress) === isLinkLocal(node.address),
  )
  return fitting.find((path) => path.kind === 'lan') ?? fitting[0]
}
