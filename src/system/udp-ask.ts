/**
 * How do we ask one question by datagram and get the answer to it?
 *
 * For short questions to servers, off the heart's path; heartbeats have `udp.ts`. The socket is
 * connected, so the kernel hands us datagrams of that address and port only, and a closed port is an error at
 * once instead of silence. Whether a datagram is the answer to this question is for the caller to say:
 * a late answer to an earlier one, or garbage, is passed over and counted. Nothing is sent twice.
 */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

export interface UdpQuestion<Value> {
  bytes: Uint8Array
  /** Reads one datagram; null when it is not the answer to this question. Must not throw. */
  read: (bytes: Buffer) => Value | null
  /** Ends the waiting; the question is then `silent`. */
  signal: AbortSignal
}

export type UdpAnswer<Value> = { ok: true; value: Value } | UdpNoAnswer

export interface UdpNoAnswer {
  ok: false
  /** `refused`: nobody listens there. `failed`: the system could not send, `errno` says why. */
  code: 'refused' | 'silent' | 'failed'
  /** As in errno(3); null for `silent`. */
  errno: string | null
  /** The first datagram that was no answer, null when none came. */
  strange: Buffer | null
}

/** A connected socket for questions, one after the other. */
export class UdpAsker {
  readonly #socket: Socket
  readonly #ready: Promise<void>
  #waiter: { take: (bytes: Buffer) => void; fail: (errno: string) => void } | null = null
  #broken: string | null = null
  #closed = false

  /** @param place  numeric address; the socket is opened at once and must be closed */
  constructor(place: { address: string; port: number }) {
    const family = isIPv6(place.address) ? 6 : 4
    this.#socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Numeric already: the thread pool is not asked.
      lookup: (hostname, _options, callback) => callback(null, hostname, family),
    })
    this.#socket.on('error', (error) => this.#fail(errnoOf(error)))
    this.#socket.on('message', (bytes) => this.#waiter?.take(bytes))
    this.#ready = new Promise((resolve) => {
      const settle = (error?: Error): void => {
        if (error !== undefined && error !== null) this.#fail(errnoOf(error))
        resolve()
      }
      try {
        // With a callback, a failure of connecting comes there and not as an event.
        this.#socket.connect(place.port, place.address, settle as () => void)
      } catch (error) {
        settle(error as Error)
      }
      this.#socket.once('close', () => resolve())
    })
  }

  /** Asks; never rejects. */
  ask<Value>({ bytes, read, signal }: UdpQuestion<Value>): Promise<UdpAnswer<Value>> {
    return new Promise((resolve) => {
      let strange: Buffer | null = null
      const end = (answer: UdpAnswer<Value>): void => {
        signal.removeEventListener('abort', abort)
        this.#waiter = null
        resolve(answer)
      }
      const abort = (): void => end({ ok: false, code: 'silent', errno: null, strange })
      const fail = (errno: string): void => {
        const code = errno === 'ECONNREFUSED' ? 'refused' : 'failed'
        end({ ok: false, code, errno, strange })
      }
      if (signal.aborted || this.#closed) return abort()
      signal.addEventListener('abort', abort, { once: true })
      const take = (datagram: Buffer): void => {
        const value = read(datagram)
        if (value !== null) end({ ok: true, value })
        else strange ??= datagram
      }
      this.#waiter = { take, fail }
      void this.#ready.then(() => {
        if (this.#broken !== null) this.#waiter?.fail(this.#broken)
        else if (!signal.aborted) this.#send(bytes)
      })
    })
  }

  /** Sends something nobody waits for an answer to, then closes. */
  tellAndClose(bytes: Uint8Array): void {
    void this.#ready.then(() => {
      if (this.#closed || this.#broken !== null) return this.close()
      // The callback comes when the datagram is the kernel's.
      this.#socket.send(bytes, () => this.close())
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    try {
      this.#socket.close()
    } catch {
      // ERR_SOCKET_DGRAM_NOT_RUNNING: it never came to be.
    }
  }

  #send(bytes: Uint8Array): void {
    if (this.#closed) return
    try {
      this.#socket.send(bytes, (error) => {
        if (error !== null) this.#fail(errnoOf(error))
      })
    } catch (error) {
      this.#fail(errnoOf(error))
    }
  }

  #fail(errno: string): void {
    if (this.#waiter !== null) this.#waiter.fail(errno)
    else this.#broken ??= errno
  }
}

/** One question with a socket of its own, which is closed afterwards. */
export async function askByUdp<Value>(
  place: { address: string; port: number },
  question: UdpQuestion<Value>,
): Promise<UdpAnswer<Value>> {
  const asker = new UdpAsker(place)
  try {
    return await asker.ask(question)
  } finally {
    asker.close()
  }
}

function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'UNKNOWN'
}
