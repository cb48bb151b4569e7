/**
 * Where does one message end and the next begin on a stream?
 *
 * RFC 3261 section 18.3: on TCP and TLS the Content-Length says so, and a message without one cannot be
 * followed by another. Empty lines between messages keep connections alive (RFC 5626) and mean nothing.
 */
import { BODY_MAX_BYTES, HEAD_MAX_BYTES, readMessage, type SipMessage } from './message.ts'

export interface Framed {
  messages: SipMessage[]
  /** Why nothing more can be read from this stream; null while it can. */
  broken: string | null
}

/** `l` is its compact name. Looked for in the raw head, because the body's length must be known first. */
const LENGTH = /^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$/im

export class StreamFramer {
  #held: Buffer = Buffer.alloc(0)
  #broken: string | null = null

  /** Takes what came, in pieces of any size, and gives the messages that are whole now. */
  take(piece: Buffer): Framed {
    const messages: SipMessage[] = []
    if (this.#broken !== null) return { messages, broken: this.#broken }
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    for (;;) {
      let start = 0
      while (this.#held[start] === 0x0d || this.#held[start] === 0x0a) start += 1
      this.#held = this.#held.subarray(start)
      const end = this.#held.indexOf('\r\n\r\n')
      if (end < 0) {
        if (this.#held.length > HEAD_MAX_BYTES) this.#broken = 'the headers do not end'
        break
      }
      const length = LENGTH.exec(this.#held.toString('latin1', 0, end))?.[1]
      if (length === undefined) this.#broken = 'a message came without Content-Length'
      else if (Number(length) > BODY_MAX_BYTES) this.#broken = 'a body is too long'
      if (this.#broken !== null) break
      const size = end + 4 + Number(length)
      if (this.#held.length < size) break
      // One that cannot be read is left out; the next one still begins where it ends.
      const read = readMessage(this.#held.subarray(0, size))
      if (read.ok) messages.push(read.message)
      this.#held = this.#held.subarray(size)
    }
    if (this.#broken !== null) this.#held = Buffer.alloc(0)
    return { messages, broken: this.#broken }
  }
}
