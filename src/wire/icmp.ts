/**
 * How is an echo request written whole, with an IP header whose source we choose?
 *
 * net-ping writes plain requests from our own address. Here are the ones it cannot write: those that
 * bear another source address, so that the answer goes there (PROTOCOL, "Reflected path"). And how the
 * answers are read.
 *
 * | IPv4 (RFC 791, 792): offset | IPv6 (RFC 8200, 4443): offset | size | field |
 * | --: | --: | --: | --- |
 * |  0 |  0 | 20 / 40 | IP header, no options |
 * | 20 | 40 | 1 | type: 8 request, 0 reply / 128 request, 129 reply |
 * | 21 | 41 | 1 | code 0 |
 * | 22 | 42 | 2 | checksum, for IPv6 with the pseudo header |
 * | 24 | 44 | 2 | identifier: whose conversation |
 * | 26 | 46 | 2 | sequence number |
 * | 28 | 48 | n | payload, comes back as it is |
 */
import { addressBytes } from './ip-address.ts'

const ICMP_HEADER_BYTES = 8
const HOP_LIMIT = 64
/** Class selector 6, network control (RFC 4594): what carries the pair should not queue behind calls. */
const TRAFFIC_CLASS = 0xc0

/** An echo request to be filled and sent again and again. */
export interface EchoPacket {
  readonly family: 4 | 6
  /** The whole packet with room for the largest payload; reused. */
  readonly bytes: Buffer
  readonly headerBytes: number
  /** Sum over what never changes, checksum arithmetic (RFC 1071), not folded. */
  readonly steadySum: number
}

export interface EchoRequest {
  /** Numeric, of one family; zones are left out. */
  source: string
  destination: string
  identifier: number
  payloadMaxBytes: number
}

/**
 * Prepares an echo request with this source address.
 *
 * @returns null when the addresses are not of one family
 */
export function prepareEcho(request: EchoRequest): EchoPacket | null {
  const source = addressBytes(request.source)
  const destination = addressBytes(request.destination)
  if (source === null || destination === null || source.length !== destination.length) return null
  const family = source.length === 4 ? 4 : 6
  const headerBytes = family === 4 ? 20 : 40
  const bytes = Buffer.alloc(headerBytes + ICMP_HEADER_BYTES + request.payloadMaxBytes)
  if (family === 4) {
    bytes[0] = 0x45
    bytes[1] = TRAFFIC_CLASS
    bytes.writeUInt16BE(0x4000, 6)
    bytes[8] = HOP_LIMIT
    bytes[9] = 1
    bytes.set(source, 12)
    bytes.set(destination, 16)
    bytes[headerBytes] = 8
  } else {
    bytes.writeUInt32BE(0x6000_0000 + TRAFFIC_CLASS * 0x10_0000, 0)
    bytes[6] = 58
    bytes[7] = HOP_LIMIT
    bytes.set(source, 8)
    bytes.set(destination, 24)
    bytes[headerBytes] = 128
  }
  bytes.writeUInt16BE(request.identifier, headerBytes + 4)
  let steadySum = wordSum(bytes, headerBytes, headerBytes + ICMP_HEADER_BYTES)
  // The pseudo header: both addresses, next header 58; the length is added when it is known.
  if (family === 6) steadySum += wordSum(bytes, 8, 40) + 58
  return { family, bytes, headerBytes, steadySum }
}

/**
 * Writes number and payload into a prepared request.
 *
 * @param sequence  taken modulo 2^16
 * @returns the packet to send; overwritten by the next call
 * @throws RangeError when the payload is longer than was prepared for
 */
export function fillEcho(packet: EchoPacket, sequence: number, payload: Uint8Array): Buffer {
  const { bytes, headerBytes, family } = packet
  const payloadAt = headerBytes + ICMP_HEADER_BYTES
  const totalBytes = payloadAt + payload.length
  if (totalBytes > bytes.length) throw new RangeError(`echo payload of ${payload.length} bytes`)
  bytes.set(payload, payloadAt)
  const number = sequence & 0xffff
  bytes.writeUInt16BE(number, headerBytes + 6)
  const icmpBytes = totalBytes - headerBytes
  const sum =
    packet.steadySum +
    number +
    wordSum(bytes, payloadAt, totalBytes) +
    (family === 6 ? icmpBytes : 0)
  bytes.writeUInt16BE(complement(sum), headerBytes + 2)
  if (family === 4) {
    bytes.writeUInt16BE(totalBytes, 2)
    bytes.writeUInt16BE(0, 10)
    bytes.writeUInt16BE(complement(wordSum(bytes, 0, 20)), 10)
  } else {
    bytes.writeUInt16BE(icmpBytes, 4)
  }
  return bytes.subarray(0, totalBytes)
}

export interface EchoReply {
  identifier: number
  sequence: number
  /** A view of what was read. */
  payload: Buffer
}

/**
 * Reads what a raw ICMP socket hands over: with the IP header for IPv4, without it for IPv6.
 *
 * The ICMP checksum is not looked at: the kernel checks it for IPv6 only, and who trusts a payload has
 * a better check of it (an HMAC, random bytes).
 *
 * @returns null for everything but an echo reply
 */
export function readEchoReply(family: 4 | 6, bytes: Buffer): EchoReply | null {
  const at = family === 4 ? ((bytes[0] ?? 0) & 0x0f) * 4 : 0
  if (bytes.length < at + ICMP_HEADER_BYTES) return null
  if (bytes[at] !== (family === 4 ? 0 : 129) || bytes[at + 1] !== 0) return null
  return {
    identifier: bytes.readUInt16BE(at + 4),
    sequence: bytes.readUInt16BE(at + 6),
    payload: bytes.subarray(at + ICMP_HEADER_BYTES),
  }
}

/** Sum of big endian 16-bit words; an odd last byte is the high half of a word. */
function wordSum(bytes: Buffer, from: number, to: number): number {
  let sum = 0
  for (let at = from; at + 1 < to; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  if ((to - from) % 2 === 1) sum += (bytes[to - 1] ?? 0) << 8
  return sum
}

function complement(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return ~folded & 0xffff
}
