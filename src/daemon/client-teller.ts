/**
 * Who are our clients? Tells the peer every few seconds, while we serve, so that it can have them notice
 * a move (`links/tickle.ts`).
 *
 * Listing TCP connections costs the kernel some 10 ms each time, even when there are few; so not often, on
 * the control thread, and once more right before a switchover that an operator asked for or a store makes
 * necessary.
 */

import type { NodeName } from '../core/policy.ts'
import { ClientConnections } from '../links/client-connections.ts'
import { readConnections } from '../links/connections.ts'
import type { PairKey } from '../wire/key.ts'

export interface ClientTellerOptions {
  node: NodeName
  boot: string
  floatingIps: readonly string[]
  keys: readonly PairKey[]
  now: () => number
  send: (datagrams: readonly Uint8Array[]) => void
  trouble: (text: string) => void
}

export class ClientTeller {
  readonly #options: ClientTellerOptions
  readonly #clients: ClientConnections
  #running: Promise<void> | null = null
  #troubled = false

  constructor(options: ClientTellerOptions) {
    this.#options = options
    this.#clients = new ClientConnections({
      ...options,
      tickler: { tickle: () => Promise.reject(new Error('the heart tickles')), stop: () => {} },
    })
  }

  useKeys(keys: readonly PairKey[]): void {
    this.#clients.useKeys(keys)
  }

  /** Lists and tells; never rejects. One at a time. */
  tell(): Promise<void> {
    this.#running ??= this.#tell().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #tell(): Promise<void> {
    const { floatingIps, send, trouble } = this.#options
    const read = await readConnections(floatingIps)
    if (!read.ok) {
      if (!this.#troubled) trouble(`the list of TCP connections: ${read.message}`)
      this.#troubled = true
      return
    }
    this.#troubled = false
    send(this.#clients.tell(read.connections))
  }
}
