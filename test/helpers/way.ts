/**
 * A way from this machine to one place in a lab, which a test may block: a port of loopback here, joined to a unix
 * socket behind which `fixtures/fleet/way-in.mjs` goes on.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** `closed`: nobody listens. `silent`: who comes is let in and never answered, as behind a cut cable. */
export type WayState = 'open' | 'closed' | 'silent'

export class Way {
  readonly #socketPath: string
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  #port = 0
  #state: WayState = 'closed'

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** Of its last opening, so that a closed one can be asked for in vain. */
  get origin(): string {
    return `https://127.0.0.1:${this.#port}`
  }

  async set(state: WayState): Promise<void> {
    this.#state = state
    for (const socket of this.#sockets) socket.destroy()
    if (state === 'closed') await this.#close()
    else if (this.#server === null) await this.#listen()
  }

  async #listen(): Promise<void> {
    const server = createServer((near) => {
      this.#keep(near)
      if (this.#state === 'silent') return
      const far = connect(this.#socketPath)
      this.#keep(far)
      near.pipe(far).pipe(near)
      // Whichever end goes, the other learns of it.
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroySoon())
    })
    this.#server = server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
  }

  async #close(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    server.close()
    await once(server, 'close')
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // A broken connection is what the one who asks is told of, by its end.
    socket.on('error', () => undefined)
  }
}
