/**
 * Does a floating IP answer, seen over the network, and which node is it?
 *
 * While the other node has the address: an echo request from here, as any client sends one. While this node has
 * it that would never leave this host, and be answered behind a shut gate. So then the question goes the other
 * way round: an echo request *from* the floating IP to a ping node, which comes back only when the gate is open
 * and the network delivers the address to us. (The peer is asked where no ping node can be: it had the address
 * itself a moment ago, and finds its new place sooner than others.)
 *
 * This host had it itself a moment ago, too. So answers of the other node count from its announcement on, as for
 * clients that still send to us.
 */
import { networkInterfaces } from 'node:os'
import type { FloatingIp, PairConfig } from '../config/config.ts'
import type { NodeName } from '../core/policy.ts'
import { peerOf } from '../core/policy.ts'
import type { IcmpPort } from '../system/icmp.ts'
import { type EchoPacket, fillEcho, prepareEcho, readEchoReply } from '../wire/icmp.ts'
import { addressKey } from '../wire/ip-address.ts'
import type { Answer } from './samples.ts'

/** An answer that comes later is none. */
const PATIENCE_MS = 1_000
/** An announcement that was not heard by then is not waited for. */
const ANNOUNCED_WITHIN_MS = 2_000
const PAYLOAD_BYTES = 12
const NONCE_BYTES = 8

export interface AddressProbeOptions {
  config: Pick<PairConfig, 'node' | 'pingNodes' | 'paths' | 'serviceInterfaces'>
  floatingIp: FloatingIp
  port: IcmpPort
  /** Of our own requests with a foreign source; another than that of plain pings. */
  identifier: number
  now: () => number
  answered: (answer: Answer) => void
}

/** Which addresses this host has now, as `addressKey` writes them. */
export function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  return new Set(all.map(({ address }) => addressKey(address)))
}

export class AddressProbe {
  readonly floatingIp: FloatingIp
  readonly #options: AddressProbeOptions
  readonly #us: NodeName
  readonly #peer: NodeName
  readonly #key: string
  /** One at a time. */
  readonly #mirrors: readonly EchoPacketTo[]
  readonly #nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)))
  /** When each of our numbered requests left. */
  readonly #sent = new Map<number, number>()
  #number = 0
  /** The last that came back to us; before any: never. */
  #oursMs = Number.NEGATIVE_INFINITY
  #announcedMs = Number.NEGATIVE_INFINITY

  constructor(options: AddressProbeOptions) {
    const { config, floatingIp } = options
    this.floatingIp = floatingIp
    this.#options = options
    this.#us = config.node
    this.#peer = peerOf(config.node)
    this.#key = addressKey(floatingIp.address)
    this.#mirrors = mirrorsOf(options)
  }

  /** Asks once. */
  ask(own: ReadonlySet<string>): void {
    if (own.has(this.#key)) this.#askFromIt()
    else this.#askForIt()
  }

  /** The other node said that the address is there now. */
  announced(atMs: number): void {
    this.#announcedMs = atMs
  }

  /** Takes an answer to a request from the floating IP; @returns false when it is another's. */
  hear(bytes: Buffer): boolean {
    const reply = readEchoReply(this.floatingIp.family, bytes)
    if (reply?.payload.length !== PAYLOAD_BYTES) return false
    if (!reply.payload.subarray(0, NONCE_BYTES).equals(this.#nonce)) return false
    const number = reply.payload.readUInt32BE(NONCE_BYTES)
    const sentMs = this.#sent.get(number)
    this.#sent.delete(number)
    if (sentMs === undefined) return true
    const atMs = this.#options.now()
    if (atMs - sentMs > PATIENCE_MS) return true
    this.#oursMs = atMs
    this.#options.answered({ sentMs, atMs, by: this.#us })
    return true
  }

  #askForIt(): void {
    const { port, now, answered } = this.#options
    const sentMs = now()
    port.ping(this.floatingIp.address, (end) => {
      const atMs = now()
      const known = this.#announcedMs > this.#oursMs || atMs - this.#oursMs > ANNOUNCED_WITHIN_MS
      if (end.answered && known) answered({ sentMs, atMs, by: this.#peer })
    })
  }

  #askFromIt(): void {
    const { port, now } = this.#options
    const sentMs = now()
    const mirror = this.#mirrors[this.#number % this.#mirrors.length]
    if (mirror === undefined) return
    this.#number += 1
    const payload = Buffer.alloc(PAYLOAD_BYTES)
    payload.set(this.#nonce)
    payload.writeUInt32BE(this.#number, NONCE_BYTES)
    this.#sent.set(this.#number, sentMs)
    port.sendWhole(fillEcho(mirror.packet, this.#number, payload), mirror.address)
    // Those that nobody answers any more.
    for (const [number, atMs] of this.#sent) {
      if (sentMs - atMs <= PATIENCE_MS) break
      this.#sent.delete(number)
    }
  }
}

interface EchoPacketTo {
  address: string
  packet: EchoPacket
}

/** Who can send an echo back to a floating IP of ours: ping nodes, else the peer on the same network. */
export function mirrorAddresses(
  config: AddressProbeOptions['config'],
  { family, interface: name }: Pick<FloatingIp, 'family' | 'interface'>,
): string[] {
  const peers = config.paths
    .filter((path) => path.family === family && path.interface === name)
    .map(({ peerAddress }) => peerAddress)
  const pingNodes = config.serviceInterfaces.includes(name)
    ? config.pingNodes.filter((node) => node.family === family).map(({ address }) => address)
    : []
  return pingNodes.length > 0 ? pingNodes : peers
}

function mirrorsOf(options: AddressProbeOptions): readonly EchoPacketTo[] {
  const { config, floatingIp, identifier } = options
  return mirrorAddresses(config, floatingIp).flatMap((address) => {
    const packet = prepareEcho({
      ...{ source: floatingIp.address, destination: address, identifier },
      payloadMaxBytes: PAYLOAD_BYTES,
    })
    return packet === null ? [] : [{ address, packet }]
  })
}
