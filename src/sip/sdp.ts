/**
 * Where does the other end want its audio, and where do we want ours?
 *
 * RFC 4566 and the offer/answer of RFC 3264, for one stream of PCMU/8000 (payload type 0). Other streams
 * that are offered are refused with port 0, as the RFC wants it.
 */
import { addressBytes } from '../wire/ip-address.ts'
import type { Place } from './uri.ts'

export interface AudioEnd {
  place: Place
  /** The other end takes what we send. */
  takes: boolean
  /** The other end sends. */
  sends: boolean
}

export type SdpRead =
  | { ok: true; audio: AudioEnd; streams: readonly SdpStream[] }
  | { ok: false; why: string }

/** One `m=` line; what is needed to refuse it. */
export interface SdpStream {
  kind: string
  port: number
  protocol: string
  formats: readonly string[]
  lines: readonly string[]
}

export const SDP_TYPE = 'application/sdp'
/** RFC 3551: PCMU at 8000 Hz needs no rtpmap, but many want to read one. */
const PCMU = '0'

export interface OwnSdp {
  place: Place
  /** Stays the same in one call; the version grows with each change (RFC 3264 section 8). */
  id: number
  version: number
}

/**
 * Our offer, or our answer to an offer.
 *
 * @param offered  the streams of the offer, which the answer must repeat in number and order
 */
export function writeSdp(own: OwnSdp, offered: readonly SdpStream[] | null = null): Buffer {
  const { address, port } = own.place
  const family = address.includes(':') ? 'IP6' : 'IP4'
  const audio = [
    `m=audio ${port} RTP/AVP ${PCMU}`,
    'a=rtpmap:0 PCMU/8000',
    'a=ptime:20',
    'a=sendrecv',
  ]
  const ours = offered?.findIndex(isAudio) ?? 0
  const media =
    offered === null
      ? audio
      : offered.flatMap(({ kind, protocol, formats }, index) =>
          index === ours ? audio : [`m=${kind} 0 ${protocol} ${formats.join(' ')}`],
        )
  const lines = [
    'v=0',
    `o=tandem ${own.id} ${own.version} IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    ...media,
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1')
}

/** Finds the audio stream of a body; not ok when there is none that we can speak with. */
export function readSdp(body: Buffer): SdpRead {
  const lines = body.toString('utf8').split(/\r?\n/)
  if (!lines[0]?.startsWith('v=0')) return { ok: false, why: 'it carries no SDP' }
  const first = lines.findIndex((line) => line.startsWith('m='))
  const session = first < 0 ? lines : lines.slice(0, first)
  const streams = streamsOf(first < 0 ? [] : lines.slice(first))
  const stream = streams.find(isAudio)
  if (stream === undefined) {
    const audio = streams.some(({ kind, port }) => kind === 'audio' && port > 0)
    return { ok: false, why: audio ? 'its audio is not PCMU/8000' : 'it offers no audio' }
  }
  const connection = connectionOf(stream.lines) ?? connectionOf(session)
  if (connection === null) return { ok: false, why: 'it names no address for its audio' }
  const way = directionOf(stream.lines) ?? directionOf(session) ?? 'sendrecv'
  // An address of zeros is the old way to put a call on hold (RFC 2543).
  const held = /^(0\.0\.0\.0|::)$/.test(connection)
  return {
    ok: true,
    streams,
    audio: {
      place: { address: connection, port: stream.port },
      takes: !held && (way === 'sendrecv' || way === 'recvonly'),
      sends: way === 'sendrecv' || way === 'sendonly',
    },
  }
}

function streamsOf(lines: readonly string[]): SdpStream[] {
  const streams: (SdpStream & { lines: string[] })[] = []
  for (const line of lines) {
    const media = /^m=(\S+) (\d{1,5})(?:\/\d+)? (\S+) (.+)$/.exec(line)
    if (media !== null) {
      const [, kind = '', port = '0', protocol = '', formats = ''] = media
      const named = formats.trim().split(/\s+/)
      streams.push({ kind, port: Number(port), protocol, formats: named, lines: [] })
    } else streams.at(-1)?.lines.push(line)
  }
  return streams
}

function isAudio({ kind, port, protocol, formats }: SdpStream): boolean {
  const plain = kind === 'audio' && protocol === 'RTP/AVP' && formats.includes(PCMU)
  return plain && port > 0 && port < 65_536
}

function connectionOf(lines: readonly string[]): string | null {
  for (const line of lines) {
    const address = /^c=IN IP[46] ([^\s/]+)/.exec(line)?.[1]
    if (address !== undefined && addressBytes(address) !== null) return address
  }
  return null
}

function directionOf(lines: readonly string[]): string | null {
  for (const line of lines) {
    const found = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/.exec(line)?.[1]
    if (found !== undefined) return found
  }
  return null
}
