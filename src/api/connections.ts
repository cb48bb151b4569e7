/**
 * Who may connect, before a byte of TLS is spent on him?
 *
 * So many in all, so many of one address, and of one address so many new ones a second. Where all places
 * are taken, the oldest connection that never showed credentials makes room: whoever merely holds
 * connections open keeps nobody out.
 */
import type { Socket } from 'node:net'
import { type Rate, RateLimit, sourceOf } from './rate.ts'

export interface ConnectionLimits {
  total: number
  perSource: number
  opening: Rate
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  total: 256,
  perSource: 32,
  // A load-balancer that asks ten times a second with a new connection each time passes.
  opening: { perSecond: 20, burst: 60 },
}

interface Known {
  socket: Socket
  source: string
  trusted: boolean
}

/** The same for a socket and for the TLS that wraps it. */
export function connectionOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}

export class Connections {
  readonly #limits: ConnectionLimits
  readonly #opening: RateLimit
  /** In the order of coming. */
  readonly #open = new Map<string, Known>()
  readonly #bySource = new Map<string, number>()

  constructor(limits: ConnectionLimits, now: () => number) {
    this.#limits = limits
    this.#opening = new RateLimit(limits.opening, now)
  }

  /** @returns false when there is no room; the socket is destroyed then */
  admit(socket: Socket): boolean {
    const source = sourceOf(socket.remoteAddress ?? '')
    const ofSource = this.#bySource.get(source) ?? 0
    const welcome = source !== '' && this.#opening.take(source) && ofSource < this.#limits.perSource
    if (!welcome || (this.#open.size >= this.#limits.total && !this.#makeRoom())) {
      // An orderly end would leave the kernel with a socket in TIME_WAIT for each.
      socket.resetAndDestroy()
      return false
    }
    const connection = connectionOf(socket)
    this.#open.set(connection, { socket, source, trusted: false })
    this.#bySource.set(source, ofSource + 1)
    socket.once('close', () => this.#forget(connection, socket))
    return true
  }

  /** It showed credentials that are known. */
  trust(socket: Socket): void {
    const known = this.#open.get(connectionOf(socket))
    if (known !== undefined) known.trusted = true
  }

  get size(): number {
    return this.#open.size
  }

  closeAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy()
  }

  #makeRoom(): boolean {
    for (const [connection, { socket, trusted }] of this.#open) {
      if (trusted) continue
      this.#forget(connection, socket)
      socket.destroy()
      return true
    }
    return false
  }

  #forget(connection: string, socket: Socket): void {
    const known = this.#open.get(connection)
    if (known?.socket !== socket) return
    this.#open.delete(connection)
    const left = (this.#bySource.get(known.source) ?? 1) - 1
    if (left <= 0) this.#bySource.delete(known.source)
    else this.#bySource.set(known.source, left)
  }
}
