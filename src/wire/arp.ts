/**
 * How do we ask by ARP whether somebody has an address, and how do we claim it?
 *
 * Pure bytes. Sources: RFC 826; the probe and the announcement in request form, RFC 5227; the
 * announcement in reply form, RFC 5944 section 4.6 (some hosts learn from one form only).
 *
 *   offset size field (after the Ethernet header)
 *        0    2 hardware type    1, Ethernet
 *        2    2 protocol type    0x0800, IPv4
 *        4    2 address sizes    6 and 4
 *        6    2 operation        1 request, 2 reply
 *        8    6 sender's MAC
 *       14    4 sender's address 0.0.0.0 in a probe
 *       18    6 target's MAC     zeros in requests
 *       24    4 target's address
 */
import {
  BROADCAST_MAC,
  ETHERNET_HEADER_BYTES,
  ethernetType,
  ipv4Text,
  macBytes,
  macText,
  writeEthernetHeader,
} from './ethernet.ts'
import { addressBytes } from './ip-address.ts'

export const ARP_TYPE = 0x0806

const HEADER = ETHERNET_HEADER_BYTES
const ARP_BYTES = 28
/** Hardware type, protocol type and both sizes of Ethernet and IPv4. */
const FIXED = Buffer.from('000108000604', 'hex')
const NOBODY = '0.0.0.0'
const ZERO_MAC = Buffer.alloc(6)

/** What a frame of ARP or of neighbour discovery says about an address. */
export interface AddressMessage {
  /**
   * `probe`: may I have the target? `request`: where is the target? `reply`: the sender has it.
   * `announcement`: the sender has it, though nobody asked.
   */
  kind: 'probe' | 'request' | 'reply' | 'announcement'
  /** Where the sender says it is. */
  senderMac: string
  senderAddress: string
  targetAddress: string
}

/** Asks whether anybody has an IPv4 address, without entering anybody's cache. */
export function encodeArpProbe(ours: { mac: string; address: string }): Buffer {
  return encode({ operation: 1, mac: ours.mac, sender: NOBODY, target: ours.address })
}

/** Says that an IPv4 address is ours. */
export function encodeArpAnnouncement(
  ours: { mac: string; address: string },
  form: 'request' | 'reply',
): Buffer {
  const operation = form === 'request' ? 1 : 2
  return encode({ operation, mac: ours.mac, sender: ours.address, target: ours.address })
}

interface Fields {
  operation: 1 | 2
  mac: string
  sender: string
  target: string
}

function encode(fields: Fields): Buffer {
  const mac = macBytes(fields.mac)
  const frame = Buffer.alloc(HEADER + ARP_BYTES)
  writeEthernetHeader(frame, { destination: macBytes(BROADCAST_MAC), source: mac, type: ARP_TYPE })
  FIXED.copy(frame, HEADER)
  frame.writeUInt16BE(fields.operation, HEADER + 6)
  mac.copy(frame, HEADER + 8)
  frame.set(ipv4Bytes(fields.sender), HEADER + 14)
  const targetMac = fields.operation === 2 ? mac : ZERO_MAC
  targetMac.copy(frame, HEADER + 18)
  frame.set(ipv4Bytes(fields.target), HEADER + 24)
  return frame
}

function ipv4Bytes(text: string): Uint8Array {
  const bytes = addressBytes(text)
  if (bytes?.length !== 4) throw new RangeError(`no IPv4 address: ${text}`)
  return bytes
}

/**
 * Reads an ARP frame. Padding behind it is normal.
 *
 * @returns null when it is not ARP for IPv4 over Ethernet, or is cut short
 */
export function decodeArp(frame: Buffer): AddressMessage | null {
  if (ethernetType(frame) !== ARP_TYPE || frame.length < HEADER + ARP_BYTES) return null
  if (FIXED.compare(frame, HEADER, HEADER + FIXED.length) !== 0) return null
  const operation = frame.readUInt16BE(HEADER + 6)
  if (operation !== 1 && operation !== 2) return null
  const senderAddress = ipv4Text(frame, HEADER + 14)
  const targetAddress = ipv4Text(frame, HEADER + 24)
  const senderMac = macText(frame, HEADER + 8)
  return {
    kind: kindOf(operation, senderAddress, targetAddress),
    senderMac,
    senderAddress,
    targetAddress,
  }
}

function kindOf(operation: 1 | 2, sender: string, target: string): AddressMessage['kind'] {
  if (sender === target) return 'announcement'
  if (operation === 2) return 'reply'
  return sender === NOBODY ? 'probe' : 'request'
}
