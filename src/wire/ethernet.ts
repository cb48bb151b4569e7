/**
 * How does an Ethernet frame begin, and how do its addresses read?
 *
 * Only what ARP and neighbour discovery share: untagged frames (RFC 894), hardware addresses, and
 * IP addresses from bytes to the one text people and the kernel write (RFC 5952).
 */

/** Destination, source, type. */
export const ETHERNET_HEADER_BYTES = 14
export const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff'

const MAC_BYTES = 6

/**
 * Bytes of a hardware address, such as `02:00:5e:10:00:01`.
 *
 * @throws RangeError when it is none: it came from the kernel, so the mistake is ours
 */
export function macBytes(text: string): Buffer {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) throw new RangeError(`no MAC: ${text}`)
  return Buffer.from(text.replaceAll(':', ''), 'hex')
}

/** Six bytes as lower-case text with colons. */
export function macText(bytes: Buffer, at: number): string {
  return (bytes.toString('hex', at, at + MAC_BYTES).match(/../g) ?? []).join(':')
}

/** Writes the header into the first 14 bytes. */
export function writeEthernetHeader(
  frame: Buffer,
  header: { destination: Buffer; source: Buffer; type: number },
): void {
  header.destination.copy(frame, 0)
  header.source.copy(frame, MAC_BYTES)
  frame.writeUInt16BE(header.type, 2 * MAC_BYTES)
}

/** Hardware address that a frame came from. */
export function ethernetSource(frame: Buffer): string {
  return macText(frame, MAC_BYTES)
}

/** @returns null when the frame is too short to have one */
export function ethernetType(frame: Buffer): number | null {
  return frame.length < ETHERNET_HEADER_BYTES ? null : frame.readUInt16BE(2 * MAC_BYTES)
}

/** Four bytes in dotted form. */
export function ipv4Text(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

/** Sixteen bytes as RFC 5952 writes them: the longest run of two or more zero groups becomes `::`. */
export function ipv6Text(bytes: Buffer, at: number): string {
  const groups: string[] = []
  for (let group = 0; group < 8; group += 1) {
    groups.push(bytes.readUInt16BE(at + 2 * group).toString(16))
  }
  let longest = { start: 0, length: 1 }
  for (let start = 0; start < 8; start += 1) {
    let length = 0
    while (groups[start + length] === '0') length += 1
    // Of two runs of one length the first is shortened (4.2.3).
    if (length > longest.length) longest = { start, length }
  }
  if (longest.length < 2) return groups.join(':')
  const head = groups.slice(0, longest.start).join(':')
  const tail = groups.slice(longest.start + longest.length).join(':')
  return `${head}::${tail}`
}
