/**
 * What does an RTP packet say, and how many of them arrived?
 *
 * RFC 3550 sections 5.1 and A.1 to A.3, for PCMU at 20 ms. Loss is what the sequence numbers leave out, by
 * source: after a takeover another relay may go on with another SSRC.
 *
 * | offset | size | field                                             |
 * | ------ | ---- | ------------------------------------------------- |
 * | 0      | 1    | version 2 (2 bits), padding, extension, CSRC count |
 * | 1      | 1    | marker (1 bit), payload type                       |
 * | 2      | 2    | sequence number                                    |
 * | 4      | 4    | timestamp, in samples                              |
 * | 8      | 4    | SSRC                                               |
 */

export const PACKET_MS = 20
/** Of 8000 samples a second, one byte each. */
export const PACKET_BYTES = 160
const HEADER_BYTES = 12
const PAYLOAD_PCMU = 0

export interface RtpPacket {
  marker: boolean
  payloadType: number
  /** 0..65535 */
  sequence: number
  /** 0..2^32-1 */
  timestamp: number
  ssrc: number
  payload: Buffer
}

export function writeRtp(packet: RtpPacket): Buffer {
  const head = Buffer.alloc(HEADER_BYTES)
  head[0] = 0x80
  head[1] = (packet.marker ? 0x80 : 0) | packet.payloadType
  head.writeUInt16BE(packet.sequence, 2)
  head.writeUInt32BE(packet.timestamp, 4)
  head.writeUInt32BE(packet.ssrc, 8)
  return Buffer.concat([head, packet.payload])
}

/** @returns null when it is not RTP */
export function readRtp(bytes: Buffer): RtpPacket | null {
  const [first = 0, second = 0] = bytes
  if (bytes.length < HEADER_BYTES || first >> 6 !== 2) return null
  let from = HEADER_BYTES + 4 * (first & 0x0f)
  if ((first & 0x10) !== 0) {
    if (bytes.length < from + 4) return null
    from += 4 + 4 * bytes.readUInt16BE(from + 2)
  }
  const padding = (first & 0x20) === 0 ? 0 : (bytes.at(-1) ?? 0)
  const to = bytes.length - padding
  if (from > to) return null
  return {
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: bytes.subarray(from, to),
  }
}

export interface RtpCount {
  /** PCMU packets, each number once. */
  received: number
  /** Numbers that were left out between the first and the last of a source. */
  lost: number
  /** Of audio, without headers. */
  bytes: number
  /** Longest time without a packet, from the first one to the end; null when there was none. */
  gapMs: number | null
  /** From the beginning to the first packet; null when there was none. */
  firstMs: number | null
}

interface Source {
  /** Extended by the rounds of 2^16 it has made. */
  first: number
  last: number
  /** Numbers below `last` that came, to tell a repeated packet from a late one. */
  seen: Set<number>
  received: number
}

/** Senders beyond this are somebody's attack or mistake. */
const SOURCES_MAX = 8
/** Jumps further than this are a new beginning of the sender (RFC 3550 A.1, MAX_DROPOUT). */
const DROPOUT_MAX = 3_000
const ROUND = 65_536

/** Counts one direction; times are monotonic ms. */
export class RtpCounter {
  readonly #sources = new Map<number, Source>()
  readonly #startedMs: number
  #lost = 0
  #received = 0
  #bytes = 0
  #firstMs: number | null = null
  #lastMs = 0
  #gapMs = 0

  constructor(startedMs: number) {
    this.#startedMs = startedMs
  }

  take(bytes: Buffer, atMs: number): void {
    const packet = readRtp(bytes)
    if (packet === null || packet.payloadType !== PAYLOAD_PCMU) return
    if (!this.#isNew(packet)) return
    this.#received += 1
    this.#bytes += packet.payload.length
    if (this.#firstMs === null) this.#firstMs = atMs - this.#startedMs
    else this.#gapMs = Math.max(this.#gapMs, atMs - this.#lastMs)
    this.#lastMs = atMs
  }

  /** @param endMs  until when packets were expected: silence before it is a gap too */
  count(endMs: number): RtpCount {
    let lost = this.#lost
    for (const source of this.#sources.values()) lost += lostOf(source)
    const none = this.#firstMs === null
    return {
      received: this.#received,
      lost,
      bytes: this.#bytes,
      gapMs: none ? null : Math.max(this.#gapMs, endMs - this.#lastMs),
      firstMs: this.#firstMs,
    }
  }

  /** False for a packet that came before, and for one of too many sources. */
  #isNew({ ssrc, sequence }: RtpPacket): boolean {
    const source = this.#sources.get(ssrc)
    if (source === undefined) {
      if (this.#sources.size >= SOURCES_MAX) return false
      this.#begin(ssrc, sequence)
      return true
    }
    // The nearest number to the last one that ends in these 16 bits.
    const ahead = ((sequence - source.last) % ROUND) + ROUND
    const step = ((ahead + ROUND / 2) % ROUND) - ROUND / 2
    const number = source.last + step
    if (Math.abs(step) > DROPOUT_MAX) {
      this.#lost += lostOf(source)
      this.#begin(ssrc, sequence)
      return true
    }
    if (source.seen.has(number)) return false
    source.seen.add(number)
    source.received += 1
    source.last = Math.max(source.last, number)
    source.first = Math.min(source.first, number)
    return true
  }

  #begin(ssrc: number, sequence: number): void {
    const seen = new Set([sequence])
    this.#sources.set(ssrc, { first: sequence, last: sequence, seen, received: 1 })
  }
}

function lostOf({ first, last, received }: Source): number {
  return last - first + 1 - received
}
