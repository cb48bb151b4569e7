/**
 * How does SIP travel by UDP?
 *
 * By a connected socket: the kernel then tells at once that the port of the other end is closed, which
 * an unconnected one never learns. `listenToAll` undoes the connection for whoever must hear others too;
 * for that the port is bound by its number, because Linux gives up one it chose itself.
 */
import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Flow, FlowOpening, FlowRequest } from './flow.ts'
import { readMessage } from './message.ts'
import { silentFor, type Trouble, troubleOf } from './trouble.ts'
import type { Place } from './uri.ts'

/** Above what is registered and below where Linux takes its own ports from (ip_local_port_range). */
const PORTS = { from: 20_000, below: 32_768 }
const BIND_TRIES = 20

export async function openUdpFlow(request: FlowRequest): Promise<FlowOpening> {
  let last: Trouble = silentFor(request.limitMs, 'socket')
  for (let tries = 0; tries < BIND_TRIES; tries += 1) {
    const port = request.localPort ?? randomInt(PORTS.from, PORTS.below)
    const opened = await openOnce(request, port)
    if (opened.ok || opened.code !== 'EADDRINUSE') return opened
    last = opened.trouble
    if (request.localPort !== null) break
  }
  return { ok: false, trouble: last }
}

type Attempt = { ok: true; flow: Flow } | { ok: false; trouble: Trouble; code: string }

function openOnce(request: FlowRequest, localPort: number): Promise<Attempt> {
  const { peer, localAddress } = request
  const family = isIPv6(peer.address.replace(/%.*$/, '')) ? 6 : 4
  return new Promise((resolve) => {
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Addresses are numeric: nothing to look up, and no thread to wait for.
      lookup: (name, _options, callback) => callback(null, name, family),
    })
    let flow: UdpFlow | null = null
    const fail = (error: unknown): void => {
      if (flow !== null) {
        flow.trouble(error)
        return
      }
      discard(socket)
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      resolve({ ok: false, trouble: troubleOf(error), code })
    }
    socket.on('error', fail)
    try {
      const address = localAddress ?? (family === 6 ? '::' : '0.0.0.0')
      socket.bind({ address, port: localPort, exclusive: true }, () => {
        try {
          socket.connect(peer.port, peer.address, ((error?: Error) => {
            if (error !== undefined && error !== null) return fail(error)
            flow = new UdpFlow(socket, request)
            resolve({ ok: true, flow })
          }) as () => void)
        } catch (error) {
          fail(error)
        }
      })
    } catch (error) {
      fail(error)
    }
  })
}

class UdpFlow implements Flow {
  readonly transport = 'udp'
  readonly reliable = false
  readonly local: Place
  readonly peer: Place
  readonly #socket: Socket
  readonly #request: FlowRequest
  #connected = true
  #closed = false

  constructor(socket: Socket, request: FlowRequest) {
    this.#socket = socket
    this.#request = request
    this.peer = request.peer
    const { address, port } = socket.address()
    this.local = { address, port }
    socket.on('message', (bytes, from) => {
      if (this.#closed) return
      const read = readMessage(bytes)
      // What is not SIP is not for us: a keep-alive, or anybody's garbage.
      if (read.ok) request.onMessage(read.message, { address: from.address, port: from.port })
    })
  }

  send(bytes: Buffer, to?: Place): void {
    if (this.#closed) return
    const onSent = (error: Error | null): void => {
      if (error !== null) this.trouble(error)
    }
    try {
      if (this.#connected) this.#socket.send(bytes, onSent)
      else {
        const { address, port } = to ?? this.peer
        this.#socket.send(bytes, port, address, onSent)
      }
    } catch (error) {
      this.trouble(error)
    }
  }

  listenToAll(): void {
    if (this.#closed || !this.#connected) return
    this.#socket.disconnect()
    this.#connected = false
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    discard(this.#socket)
  }

  trouble(error: unknown): void {
    if (!this.#closed) this.#request.onTrouble(troubleOf(error))
  }
}

function discard(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // It never came to be, so there is nothing to close.
  }
}
