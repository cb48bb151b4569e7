/**
 * How does SIP travel by TCP and TLS?
 *
 * One connection that we open; requests of the other end come back on it. With TLS the certificate is
 * checked by the library while it connects, and its name against those the caller would accept
 * (RFC 5922: the host that was named, or the domain that is served).
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect as connectTls } from 'node:tls'
import type { Flow, FlowOpening, FlowRequest, Trust } from './flow.ts'
import { StreamFramer } from './framer.ts'
import { silentFor, type Trouble, troubleOf } from './trouble.ts'
import type { Place, Transport } from './uri.ts'

export function openStreamFlow(request: FlowRequest): Promise<FlowOpening> {
  const { transport, peer, trust, names, localAddress, localPort, limitMs } = request
  const tls = transport === 'tls'
  return new Promise((resolve) => {
    let flow: StreamFlow | null = null
    let socket: Socket | null = null
    const settle = (trouble: Trouble): void => {
      clearTimeout(timer)
      if (flow !== null) {
        flow.end(trouble)
        return
      }
      socket?.destroy()
      resolve({ ok: false, trouble })
    }
    const timer = setTimeout(() => settle(silentFor(limitMs, 'connection')), limitMs)
    const where = {
      host: peer.address,
      port: peer.port,
      ...(localAddress === null ? {} : { localAddress }),
      ...(localPort === null ? {} : { localPort }),
    }
    try {
      socket = tls ? connectTls({ ...where, ...tlsOptions(trust, names) }) : connectTcp(where)
    } catch (error) {
      // A CA file without a certificate in it, a local address that is none.
      return settle(troubleOf(error, tls))
    }
    const opened = socket
    opened.setNoDelay(true)
    opened.on('error', (error) => settle(troubleOf(error, tls)))
    opened.on('close', () => settle({ kind: 'ended', sentence: 'the connection was closed' }))
    opened.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      flow = new StreamFlow(opened, request)
      resolve({ ok: true, flow })
    })
  })
}

function tlsOptions(trust: Trust, names: readonly string[]): ConnectionOptions {
  // SNI (RFC 6066) knows no addresses.
  const named = names.find((name) => isIP(name) === 0)
  if (!trust.check) {
    return { rejectUnauthorized: false, ...(named === undefined ? {} : { servername: named }) }
  }
  return {
    rejectUnauthorized: true,
    ...(trust.ca === null ? {} : { ca: trust.ca }),
    ...(named === undefined ? {} : { servername: named }),
    checkServerIdentity: (_host, certificate) => {
      const faults = names.map((name) => checkServerIdentity(name, certificate))
      return names.length === 0 || faults.includes(undefined) ? undefined : faults[0]
    },
  }
}

class StreamFlow implements Flow {
  readonly transport: Transport
  readonly reliable = true
  readonly local: Place
  readonly peer: Place
  readonly #socket: Socket
  readonly #request: FlowRequest
  #closed = false

  constructor(socket: Socket, request: FlowRequest) {
    this.#socket = socket
    this.#request = request
    this.transport = request.transport
    this.peer = request.peer
    this.local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    const framer = new StreamFramer()
    socket.on('data', (piece: Buffer) => {
      if (this.#closed) return
      const { messages, broken } = framer.take(piece)
      for (const message of messages) request.onMessage(message, this.peer)
      if (broken !== null) this.end({ kind: 'ended', sentence: `what came is not SIP: ${broken}` })
    })
  }

  send(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes)
  }

  listenToAll(): void {
    // A connection has one other end.
  }

  /** Over, and told once. */
  end(trouble: Trouble): void {
    if (this.#closed) return
    this.close()
    this.#request.onTrouble(trouble)
  }

  close(): void {
    this.#closed = true
    // What was written last, such as an ACK, still leaves; with TLS it is not in the kernel yet.
    this.#socket.destroySoon()
  }
}
