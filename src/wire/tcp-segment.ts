/**
 * What are the bytes of a TCP segment that carries nothing but an acknowledgement?
 *
 * Pure: addresses, ports and numbers in, a whole IP packet out, checksums included. What the numbers
 * mean to whoever gets it is told where they are chosen (`links/tickle.ts`).
 *
 * | IPv4 (RFC 791): offset | IPv6 (RFC 8200): offset | size | field |
 * | --: | --: | --: | --- |
 * |  0 |  0 | 20 / 40 | IP header, no options; for IPv4 "do not fragment" |
 * | 20 | 40 | 2 | source port (RFC 9293, 3.1, from here on) |
 * | 22 | 42 | 2 | destination port |
 * | 24 | 44 | 4 | sequence number |
 * | 28 | 48 | 4 | acknowledgement number |
 * | 32 | 52 | 2 | header length 5 words, flag ACK |
 * | 34 | 54 | 2 | window |
 * | 36 | 56 | 2 | checksum, with the pseudo header |
 * | 38 | 58 | 2 | urgent pointer 0 |
 */
import { addressBytes } from './ip-address.ts'

const TCP = 6
const TCP_HEADER_BYTES = 20
const HOP_LIMIT = 64
/** Five words of header, flag ACK. */
const LENGTH_AND_FLAGS = 0x5010
/** As large as it gets: should it ever be believed, it holds nobody up. */
const WINDOW = 0xffff

export interface BareAck {
  /** Numeric, of one family; zones are left out. */
  source: string
  sourcePort: number
  destination: string
  destinationPort: number
  /** Both 0 to 2^32 - 1. */
  sequence: number
  acknowledgement: number
}

/**
 * Writes an IP packet with a TCP header, the flag ACK and no data.
 *
 * @returns 40 bytes for IPv4, 60 for IPv6; null when the addresses are not of one family
 * @throws RangeError when a port or a number does not fit its place: our mistake
 */
export function encodeBareAck(segment: BareAck): Buffer | null {
  const source = addressBytes(segment.source)
  const destination = addressBytes(segment.destination)
  if (source === null || destination === null || source.length !== destination.length) return null
  const addressSize = source.length
  const at = addressSize === 4 ? 20 : 40
  const bytes = Buffer.alloc(at + TCP_HEADER_BYTES)
  if (addressSize === 4) {
    bytes[0] = 0x45
    bytes.writeUInt16BE(bytes.length, 2)
    bytes.writeUInt16BE(0x4000, 6)
    bytes[8] = HOP_LIMIT
    bytes[9] = TCP
  } else {
    bytes[0] = 0x60
    bytes.writeUInt16BE(TCP_HEADER_BYTES, 4)
    bytes[6] = TCP
    bytes[7] = HOP_LIMIT
  }
  // In both families the addresses are the end of the header.
  bytes.set(source, at - 2 * addressSize)
  bytes.set(destination, at - addressSize)
  if (addressSize === 4) bytes.writeUInt16BE(complement(wordSum(bytes, 0, at)), 10)
  bytes.writeUInt16BE(segment.sourcePort, at)
  bytes.writeUInt16BE(segment.destinationPort, at + 2)
  bytes.writeUInt32BE(segment.sequence, at + 4)
  bytes.writeUInt32BE(segment.acknowledgement, at + 8)
  bytes.writeUInt16BE(LENGTH_AND_FLAGS, at + 12)
  bytes.writeUInt16BE(WINDOW, at + 14)
  // The pseudo header: both addresses, protocol, length of the segment (RFC 9293, 3.1; RFC 8200, 8.1).
  const sum = wordSum(bytes, at - 2 * addressSize, bytes.length) + TCP + TCP_HEADER_BYTES
  bytes.writeUInt16BE(complement(sum), at + 16)
  return bytes
}

/** Sum of big endian 16-bit words; the length is even. */
function wordSum(bytes: Buffer, from: number, to: number): number {
  let sum = 0
  for (let at = from; at < to; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  return sum
}

/** Folded and inverted (RFC 1071). */
function complement(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return ~folded & 0xffff
}
