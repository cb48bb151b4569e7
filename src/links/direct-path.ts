/**
 * One way on which the nodes talk directly: datagrams out, datagrams in, counted.
 *
 * What the datagrams say is not looked at here (`heartbeat-links.ts`); the socket and its mending are
 * `system/udp.ts`.
 */
import type { PathConfig } from '../config/config.ts'
import { openUdp, type UdpConversation } from '../system/udp.ts'
import { isLinkLocal } from '../wire/ip-address.ts'
import { PathStats } from './path-stats.ts'

export interface DirectPathOptions {
  path: PathConfig
  /** The same on both nodes. */
  port: number
  /** The peer's heartbeat interval. */
  intervalMs: number
  now: () => number
  /** Whatever came from the peer's address; may be garbage. Must not throw. */
  onDatagram: (bytes: Buffer, atMs: number) => void
  /** An errno code, each time; the caller limits what is said. */
  onTrouble: (code: string) => void
}

export class DirectPath {
  readonly path: PathConfig
  readonly stats: PathStats
  readonly #conversation: UdpConversation

  constructor(options: DirectPathOptions) {
    const { path, port } = options
    this.path = path
    this.stats = new PathStats(options.intervalMs)
    this.#conversation = openUdp({
      family: path.family,
      localAddress: zoned(path.ourAddress, path.interface),
      localPort: port,
      peerAddress: zoned(path.peerAddress, path.interface),
      peerPort: port,
      now: options.now,
      onDatagram: options.onDatagram,
      onTrouble: (code, reopening) => {
        if (reopening) this.stats.noteReopened()
        else this.stats.noteSendError()
        options.onTrouble(code)
      },
    })
  }

  /** Bound and connected; says nothing about the peer. */
  get isOpen(): boolean {
    return this.#conversation.isOpen
  }

  /** Sends now or never: a heartbeat that waits is stale. */
  send(bytes: Uint8Array): void {
    if (this.#conversation.send(bytes)) this.stats.noteSent()
    else this.stats.noteSendError()
  }

  /** Sends what is no heartbeat and counts as none; lost when the kernel does not take it. */
  sendBeside(bytes: Uint8Array): void {
    this.#conversation.send(bytes)
  }

  close(): void {
    this.#conversation.close()
  }
}

/** A link-local address means nothing without its interface (RFC 4007). */
function zoned(address: string, interfaceName: string): string {
  return isLinkLocal(address) && !address.includes('%') ? `${address}%${interfaceName}` : address
}
