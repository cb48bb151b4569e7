/**
 * How long did a telephone hear nothing? Read from a capture on the telephones' machine (pcap, cooked).
 *
 * One stream is what one UDP port of the relay sent, or was sent: it has one for each side of a call. Packets
 * come every 20 ms, so a gap of 20 ms is none. What the telephones themselves said is the control: a pause
 * there is not the pair's. Media between telephones that never saw the relay is counted, too.
 *
 * @source  pcap file format, https://www.tcpdump.org/manpages/pcap-savefile.5.txt; LINKTYPE_LINUX_SLL
 */

/** Arrivals of one port of the relay, wall clock, ms, in order. */
export interface MediaStream {
  port: number
  atMs: number[]
}

export interface Media {
  /** From the relay to the telephones. */
  heard: MediaStream[]
  /** From the telephones to the relay. */
  said: MediaStream[]
  /** Packets of media from telephone to telephone, past the relay. */
  past: number
}

export interface Gap {
  ms: number
  /** When it began. */
  atMs: number
}

export interface Relay {
  /** IPv4, numeric. */
  address: string
  min: number
  max: number
}

export const PACKET_MS = 20

const MAGIC_US = 0xa1b2c3d4
const MAGIC_NS = 0xa1b23c4d
const FILE_HEADER = 24
const LINK_TYPE_AT = 20
const LINK_COOKED = 113
const RECORD_HEADER = 16
const COOKED_HEADER = 16
/** Of a cooked packet that we sent; what goes over the loopback is seen twice. */
const OUTGOING = 4
const UDP = 17

/** @throws Error when it is no capture of this machine */
export function readMedia(pcap: Buffer, relay: Relay): Media {
  const magic = pcap.length < FILE_HEADER ? 0 : pcap.readUInt32LE(0)
  if (magic !== MAGIC_US && magic !== MAGIC_NS)
    throw new Error('lab: not a capture in our byte order')
  if (pcap.readUInt32LE(LINK_TYPE_AT) !== LINK_COOKED) throw new Error('lab: not a cooked capture')
  const perMs = magic === MAGIC_NS ? 1e6 : 1e3
  const relayBytes = relay.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const streams = { heard: new Map<number, MediaStream>(), said: new Map<number, MediaStream>() }
  const isRelay = (address: number, port: number): boolean =>
    address === relayBytes && port >= relay.min && port <= relay.max
  let past = 0
  // The last record may be half written.
  for (let at = FILE_HEADER; at + RECORD_HEADER <= pcap.length; ) {
    const atMs = pcap.readUInt32LE(at) * 1000 + pcap.readUInt32LE(at + 4) / perMs
    const bytes = pcap.readUInt32LE(at + 8)
    const link = at + RECORD_HEADER
    const ip = link + COOKED_HEADER
    at = link + bytes
    if (at > pcap.length || bytes < COOKED_HEADER + 28) continue
    const udp = ip + (pcap.readUInt8(ip) & 15) * 4
    if (pcap.readUInt8(ip + 9) !== UDP || udp + 4 > at) continue
    const [source, target] = [pcap.readUInt32BE(ip + 12), pcap.readUInt32BE(ip + 16)]
    const [sourcePort, targetPort] = [pcap.readUInt16BE(udp), pcap.readUInt16BE(udp + 2)]
    if (isRelay(source, sourcePort)) note(streams.heard, sourcePort, atMs)
    else if (isRelay(target, targetPort)) note(streams.said, targetPort, atMs)
    else if (pcap.readUInt16BE(link) !== OUTGOING) past += 1
  }
  return { heard: [...streams.heard.values()], said: [...streams.said.values()], past }
}

function note(streams: Map<number, MediaStream>, port: number, atMs: number): void {
  const stream = streams.get(port)
  if (stream === undefined) streams.set(port, { port, atMs: [atMs] })
  else stream.atMs.push(atMs)
}

/**
 * The longest time between two packets of a stream that overlaps the window. What is not heard any more is
 * silent to the window's end; what began within it was not silent before.
 */
export function longestGap({ atMs }: MediaStream, fromMs: number, toMs: number): Gap {
  const longest: Gap = { ms: 0, atMs: fromMs }
  for (const [index, one] of atMs.entries()) {
    const next = atMs[index + 1] ?? Math.max(one, toMs)
    if (next <= fromMs || one >= toMs || next - one <= longest.ms) continue
    longest.ms = next - one
    longest.atMs = one
  }
  return longest
}
