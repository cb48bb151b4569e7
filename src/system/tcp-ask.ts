/**
 * How do we talk to a server over one short TCP connection?
 *
 * Connecting, writing and reading until enough has come, each ended by the same signal. What has come is
 * handed to the caller from its beginning each time, so that half an answer is simply not enough yet.
 * Bounded: a server that never stops talking is cut off. Nothing here knows a protocol.
 */
import { createConnection, type Socket } from 'node:net'

export interface TcpPlace {
  /** Numeric. */
  address: string
  port: number
  /** Ends connecting and reading. */
  signal: AbortSignal
}

export type TcpOpened =
  | { ok: true; line: TcpLine }
  /** `refused`: nobody listens there, told at once. */
  | { ok: false; code: 'refused' | 'silent' | 'failed'; errno: string | null }

export type TcpRead<Value> =
  | { ok: true; value: Value }
  | {
      ok: false
      /** `ended`: the other side closed. `too-long`: more than the limit without an answer in it. */
      code: 'silent' | 'ended' | 'too-long' | 'failed'
      errno: string | null
      /** What had come and was not used. */
      rest: Buffer
    }

/** Connects; never rejects. The line must be closed. */
export function openTcp({ address, port, signal }: TcpPlace): Promise<TcpOpened> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ ok: false, code: 'silent', errno: null })
    const socket = createConnection({ host: address, port, noDelay: true })
    const settle = (opened: TcpOpened): void => {
      signal.removeEventListener('abort', abort)
      socket.off('error', fail)
      if (!opened.ok) {
        socket.on('error', () => undefined)
        socket.destroy()
      }
      resolve(opened)
    }
    const abort = (): void => settle({ ok: false, code: 'silent', errno: null })
    const fail = (error: Error): void => {
      const errno = errnoOf(error)
      settle({ ok: false, code: errno === 'ECONNREFUSED' ? 'refused' : 'failed', errno })
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.on('error', fail)
    socket.once('connect', () => settle({ ok: true, line: new TcpLine(socket, signal) }))
  })
}

/** A connection that stands. */
export class TcpLine {
  readonly #socket: Socket
  readonly #signal: AbortSignal
  #heard: Buffer = Buffer.alloc(0)
  #over: { code: 'ended' | 'failed'; errno: string | null } | null = null
  #wake: () => void = () => undefined

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket
    this.#signal = signal
    const over = (code: 'ended' | 'failed', errno: string | null): void => {
      this.#over ??= { code, errno }
      this.#wake()
    }
    socket.on('data', (bytes) => {
      this.#heard = Buffer.concat([this.#heard, bytes])
      this.#wake()
    })
    socket.on('end', () => over('ended', null))
    socket.on('close', () => over('ended', null))
    socket.on('error', (error) => over('failed', errnoOf(error)))
  }

  /** `last`: nothing more will be written, which some servers wait for. */
  write(text: string, last = false): void {
    if (last) this.#socket.end(text)
    else this.#socket.write(text)
  }

  /**
   * Reads until the caller has seen enough.
   *
   * @param see  given all that came since the last answer and whether the other side has closed; null:
   *   not enough yet. `used` bytes are the answer's, the rest belongs to the next one. Must not throw.
   * @param maxBytes  as soon as more came without being enough, it is `too-long`
   */
  async read<Value>(
    see: (heard: Buffer, ended: boolean) => { value: Value; used: number } | null,
    maxBytes: number,
  ): Promise<TcpRead<Value>> {
    for (;;) {
      const seen = see(this.#heard, this.#over?.code === 'ended')
      if (seen !== null) {
        this.#heard = this.#heard.subarray(seen.used)
        return { ok: true, value: seen.value }
      }
      const rest = this.#heard
      if (rest.length > maxBytes) return { ok: false, code: 'too-long', errno: null, rest }
      if (this.#over !== null) return { ok: false, ...this.#over, rest }
      if (this.#signal.aborted) return { ok: false, code: 'silent', errno: null, rest }
      await this.#news()
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#signal.removeEventListener('abort', wake)
        this.#wake = () => undefined
        resolve()
      }
      this.#wake = wake
      this.#signal.addEventListener('abort', wake, { once: true })
    })
  }
}

function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'UNKNOWN'
}
