/**
 * How do 20 ms of audio go out every 20 ms, and what comes in meanwhile?
 *
 * One UDP socket on an even port. It is not connected: media may come from another address than the one
 * SDP named. A packet that is due is sent late rather than never, so that what was sent is what was said.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { PACKET_BYTES, PACKET_MS, type RtpCount, RtpCounter, writeRtp } from './rtp.ts'
import { type Trouble, troubleOf } from './trouble.ts'
import type { Place } from './uri.ts'

/** Below where Linux takes its own ports from; RTP has the even ones (RFC 3550 section 11). */
const PORTS = { from: 20_000, below: 32_766 }
const BIND_TRIES = 20
/** PCMU for a sample of zero (G.711). */
const SILENCE = 0xff

export interface MediaCount extends RtpCount {
  sent: number
}

export type MediaOpening = { ok: true; media: Media } | { ok: false; trouble: Trouble }

/** @param address  numeric, of this host; where the other end shall send to */
export async function openMedia(address: string): Promise<MediaOpening> {
  let last: unknown = null
  for (let tries = 0; tries < BIND_TRIES; tries += 1) {
    const port = 2 * randomInt(PORTS.from / 2, PORTS.below / 2)
    try {
      return { ok: true, media: new Media(await bound({ address, port }), { address, port }) }
    } catch (error) {
      last = error
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) break
    }
  }
  return { ok: false, trouble: troubleOf(last) }
}

export class Media {
  /** What goes into our SDP. */
  readonly place: Place
  readonly #socket: Socket
  readonly #ssrc = randomBytes(4).readUInt32BE(0)
  readonly #firstSequence = randomInt(65_536)
  readonly #firstTimestamp = randomBytes(4).readUInt32BE(0)
  #to: Place | null = null
  #counter = new RtpCounter(0)
  #startedMs = 0
  #endMs: number | null = null
  #counting = false
  #sent = 0
  /** Number of the next 20 ms. */
  #next = 0
  #timer: NodeJS.Timeout | null = null

  constructor(socket: Socket, place: Place) {
    this.#socket = socket
    this.place = place
    socket.on('message', (bytes) => {
      if (this.#counting) this.#counter.take(bytes, performance.now())
    })
    // The other end does not listen yet, or not any more: that shows in the counts.
    socket.on('error', () => {})
  }

  /**
   * Begins to send and to count; once.
   *
   * @param samples  played again and again; null: silence
   */
  start(samples: Buffer | null): void {
    this.#startedMs = performance.now()
    this.#counter = new RtpCounter(this.#startedMs)
    this.#counting = true
    this.#sendDue(samples)
  }

  /** Where our audio goes from now on; null: nowhere, as in a call on hold. */
  redirect(to: Place | null): void {
    this.#to = to
  }

  /** Sends no more; what is still on its way is counted until `stop`. */
  stopSending(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#endMs ??= performance.now()
  }

  stop(): void {
    this.stopSending()
    this.#counting = false
  }

  count(): MediaCount {
    const endMs = this.#endMs ?? performance.now()
    return { sent: this.#sent, ...this.#counter.count(endMs) }
  }

  close(): void {
    this.stop()
    this.#socket.close()
  }

  /** Everything that should have left by now. */
  #sendDue(samples: Buffer | null): void {
    const atMs = performance.now() - this.#startedMs
    for (; this.#next * PACKET_MS <= atMs; this.#next += 1) this.#send(this.#next, samples)
    this.#timer = setTimeout(() => this.#sendDue(samples), this.#next * PACKET_MS - atMs)
  }

  #send(number: number, samples: Buffer | null): void {
    const to = this.#to
    if (to === null) return
    const bytes = writeRtp({
      // The first of a talk (RFC 3551 section 4.1).
      marker: this.#sent === 0,
      payloadType: 0,
      // Counts what was sent, the timestamp also the time in which nothing was.
      sequence: (this.#firstSequence + this.#sent) % 65_536,
      timestamp: (this.#firstTimestamp + number * PACKET_BYTES) % 2 ** 32,
      ssrc: this.#ssrc,
      payload: packetOf(samples, number),
    })
    this.#sent += 1
    try {
      // Without a callback a failure would be an event; neither tells more than the counts do.
      this.#socket.send(bytes, to.port, to.address, () => {})
    } catch {
      // Such as an address that the system refuses at once.
    }
  }
}

/** The 20 ms of that number; the end of the audio is followed by its beginning. */
export function packetOf(samples: Buffer | null, number: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, SILENCE)
  if (samples === null || samples.length === 0) return packet
  const from = (number * PACKET_BYTES) % samples.length
  for (let index = 0; index < PACKET_BYTES; index += 1) {
    packet[index] = samples[(from + index) % samples.length] ?? SILENCE
  }
  return packet
}

function bound({ address, port }: Place): Promise<Socket> {
  const family = address.includes(':') ? 6 : 4
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    lookup: (name, _options, callback) => callback(null, name, family),
  })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}
