/**
 * How do we ask by neighbour discovery whether somebody has an IPv6 address, and how do we claim it?
 *
 * Pure bytes. Sources: RFC 4861 sections 4.3, 4.4 and 7.1 (what must be dropped), RFC 4862 section
 * 5.4.2 (the solicitation of duplicate address detection). Packets with extension headers are not
 * read: no host sends neighbour discovery that way (RFC 6980).
 *
 *   offset size field (after the Ethernet header)
 *        0   40 IPv6 header      next header 58, hop limit 255: no router has forwarded it
 *       40    1 type             135 solicitation, 136 advertisement
 *       41    1 code             0
 *       42    2 checksum         over a pseudo header, too
 *       44    4 flags            advertisement: 0x40 solicited, 0x20 override (first byte)
 *       48   16 target's address
 *       64    8 option           type, length in units of 8, MAC of sender (1) or target (2)
 */
import type { AddressMessage } from './arp.ts'
import {
  ETHERNET_HEADER_BYTES,
  ethernetSource,
  ethernetType,
  ipv6Text,
  macBytes,
  macText,
  writeEthernetHeader,
} from './ethernet.ts'
import { addressBytes } from './ip-address.ts'

export const IPV6_TYPE = 0x86dd

const HEADER = ETHERNET_HEADER_BYTES
const ICMP = HEADER + 40
const TARGET = ICMP + 8
const OPTIONS = ICMP + 24
const OPTION_BYTES = 8
const SOLICITATION = 135
const ADVERTISEMENT = 136
const SOLICITED = 0x40
const OVERRIDE = 0x20
const NOBODY = Buffer.alloc(16)
/** ff02::1 */
const ALL_NODES = Buffer.from('ff020000000000000000000000000001', 'hex')
/** ff02::1:ff00:0/104; the last three bytes are those of the address (RFC 4291, 2.7.1). */
const SOLICITED_NODE = Buffer.from('ff0200000000000000000001ff000000', 'hex')

/** Asks whether anybody has an IPv6 address, without entering anybody's cache. */
export function encodeNeighbourProbe(ours: { mac: string; address: string }): Buffer {
  const target = ipv6Bytes(ours.address)
  const frame = start(ours.mac, NOBODY, solicitedNode(target), OPTIONS)
  frame[ICMP] = SOLICITATION
  // Without an option: a sender that has no address yet must not tell its MAC (RFC 4861, 4.3).
  frame.set(target, TARGET)
  return seal(frame)
}

/** Says that an IPv6 address is ours, and that caches with another MAC are wrong. */
export function encodeNeighbourAnnouncement(ours: { mac: string; address: string }): Buffer {
  const target = ipv6Bytes(ours.address)
  const frame = start(ours.mac, target, ALL_NODES, OPTIONS + OPTION_BYTES)
  frame[ICMP] = ADVERTISEMENT
  frame[ICMP + 4] = OVERRIDE
  frame.set(target, TARGET)
  frame[OPTIONS] = 2
  frame[OPTIONS + 1] = 1
  macBytes(ours.mac).copy(frame, OPTIONS + 2)
  return seal(frame)
}

/** The Ethernet group on which solicitations for an address arrive (RFC 2464, section 7). */
export function solicitedNodeMac(address: string): Buffer {
  return groupMac(solicitedNode(ipv6Bytes(address)))
}

/**
 * Reads a neighbour solicitation or advertisement.
 *
 * The answer to a probe goes to all nodes and is then no different from an announcement; it is told
 * as one. `senderMac` is the one the option tells, else that of the frame.
 *
 * @returns null when it is something else, or is not valid by RFC 4861 section 7.1
 */
export function decodeNeighbour(frame: Buffer): AddressMessage | null {
  if (ethernetType(frame) !== IPV6_TYPE || frame.length < OPTIONS) return null
  const end = ICMP + frame.readUInt16BE(HEADER + 4)
  const type = frame[ICMP]
  if (frame[HEADER + 6] !== 58 || frame[HEADER + 7] !== 255) return null
  if (type !== SOLICITATION && type !== ADVERTISEMENT) return null
  if (frame[ICMP + 1] !== 0 || end < OPTIONS || end > frame.length) return null
  if (checksum(frame.subarray(0, end)) !== 0) return null
  const claimed = optionMac(frame.subarray(0, end), type === SOLICITATION ? 1 : 2)
  if (claimed === null) return null
  const fromNobody = NOBODY.compare(frame, HEADER + 8, HEADER + 24) === 0
  if (fromNobody && (type === ADVERTISEMENT || claimed !== 'none')) return null
  return {
    kind: kindOf(type, fromNobody, frame[ICMP + 4] ?? 0),
    senderMac: claimed === 'none' ? ethernetSource(frame) : claimed,
    senderAddress: ipv6Text(frame, HEADER + 8),
    targetAddress: ipv6Text(frame, TARGET),
  }
}

function kindOf(type: number, fromNobody: boolean, flags: number): AddressMessage['kind'] {
  if (type === SOLICITATION) return fromNobody ? 'probe' : 'request'
  return (flags & SOLICITED) !== 0 ? 'reply' : 'announcement'
}

/** The MAC in the option of this type; null when the options are broken. */
function optionMac(frame: Buffer, type: 1 | 2): string | 'none' | null {
  let at = OPTIONS
  while (at < frame.length) {
    const sizeBytes = (frame[at + 1] ?? 0) * 8
    if (sizeBytes === 0 || at + sizeBytes > frame.length) return null
    if (frame[at] === type && sizeBytes === OPTION_BYTES) return macText(frame, at + 2)
    at += sizeBytes
  }
  return 'none'
}

function start(mac: string, source: Uint8Array, destination: Buffer, sizeBytes: number): Buffer {
  const frame = Buffer.alloc(sizeBytes)
  const ethernet = { destination: groupMac(destination), source: macBytes(mac), type: IPV6_TYPE }
  writeEthernetHeader(frame, ethernet)
  frame[HEADER] = 0x60
  frame.writeUInt16BE(sizeBytes - ICMP, HEADER + 4)
  frame[HEADER + 6] = 58
  frame[HEADER + 7] = 255
  frame.set(source, HEADER + 8)
  frame.set(destination, HEADER + 24)
  return frame
}

function seal(frame: Buffer): Buffer {
  frame.writeUInt16BE(checksum(frame), ICMP + 2)
  return frame
}

/** Of the whole packet with the checksum that stands in it: 0 when that one is right (RFC 1071). */
function checksum(frame: Buffer): number {
  // Pseudo header: both addresses, length, next header 58.
  let sum = frame.length - ICMP + 58
  for (let at = HEADER + 8; at < frame.length; at += 2) {
    sum += ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function solicitedNode(address: Uint8Array): Buffer {
  const group = Buffer.from(SOLICITED_NODE)
  group.set(address.subarray(13), 13)
  return group
}

function groupMac(group: Buffer): Buffer {
  return Buffer.concat([Buffer.from('3333', 'hex'), group.subarray(12)])
}

function ipv6Bytes(text: string): Uint8Array {
  const bytes = addressBytes(text)
  if (bytes?.length !== 16) throw new RangeError(`no IPv6 address: ${text}`)
  return bytes
}
