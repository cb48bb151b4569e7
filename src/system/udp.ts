/**
 * How do we hold one UDP conversation with one other address?
 *
 * For the heart's conversations; short questions of others are `udp-ask.ts`. A conversation is a socket bound to our address and connected to the
 * peer's: the kernel then hands us datagrams of that address only, and `send` makes the system call
 * before it returns (an unconnected socket first asks a name lookup). Addresses are numeric; the
 * lookup handed to dgram returns them as they are, so the thread pool is never involved.
 *
 * Nothing that happens to the socket ends the conversation. What cannot heal by itself (the address
 * went away, the bind failed) has it opened again after a pause; the rest (the peer's program is not
 * running, no route for now, a firewall) is only counted by the caller through `onTrouble`.
 */
import { createSocket, type Socket } from 'node:dgram'

/** From a socket that broke to the next try. Short enough to cost one or a few heartbeats. */
const REOPEN_AFTER_MS = 100

/** Asked of the kernel; it may give less (net.core.rmem_max). Hundreds of heartbeats. */
const SOCKET_BUFFER_BYTES = 256 * 1024

/**
 * Errors of single datagrams. They tell of the way or of the other end; the socket is as good as
 * before. EPERM: a local firewall dropped it.
 */
const PASSING_ERRORS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EAGAIN',
  'ENOBUFS',
  'ENOMEM',
  'EPERM',
  'EACCES',
  'EMSGSIZE',
  'EPROTO',
])

export interface UdpRequest {
  family: 4 | 6
  /** Numeric; link-local ones with their zone (`fe80::1%eth1`). */
  localAddress: string
  localPort: number
  peerAddress: string
  peerPort: number
  /** Reads the clock that `atMs` is told on. */
  now: () => number
  /** One datagram of the peer's address. `bytes` belong to the callee. Must not throw. */
  onDatagram: (bytes: Buffer, atMs: number) => void
  /** `code` as in errno(3). `reopening`: the socket is given up and opened again after a pause. */
  onTrouble: (code: string, reopening: boolean) => void
}

export interface UdpConversation {
  /**
   * Sends one datagram now.
   *
   * @returns false when there is no usable socket at the moment, or the kernel still holds an earlier
   *   datagram (an older one would only be stale when it leaves). Errors of the sending itself come
   *   by `onTrouble`.
   */
  send(bytes: Uint8Array): boolean
  /** Bound and connected. */
  readonly isOpen: boolean
  close(): void
}

/** Begins a conversation. Never throws for what the network or the host lacks at the moment. */
export function openUdp(request: UdpRequest): UdpConversation {
  let socket: Socket | null = null
  let connected = false
  let timer: NodeJS.Timeout | null = null
  let closed = false

  const giveUp = (code: string): void => {
    if (closed || socket === null) return
    discard(socket)
    socket = null
    connected = false
    request.onTrouble(code, true)
    timer = setTimeout(open, REOPEN_AFTER_MS)
  }
  const judge = (error: unknown): void => {
    if (closed || socket === null) return
    const code = codeOf(error)
    if (connected && PASSING_ERRORS.has(code)) request.onTrouble(code, false)
    else giveUp(code)
  }
  const onSent = (error: Error | null): void => {
    if (error !== null) judge(error)
  }

  function open(): void {
    timer = null
    const mine = createSocket({
      type: request.family === 4 ? 'udp4' : 'udp6',
      ipv6Only: request.family === 6,
      recvBufferSize: SOCKET_BUFFER_BYTES,
      sendBufferSize: SOCKET_BUFFER_BYTES,
      lookup: (hostname, _options, callback) => callback(null, hostname, request.family),
    })
    socket = mine
    // Events of a socket that was given up are nobody's business any more.
    mine.on('error', (error) => {
      if (mine === socket) judge(error)
    })
    mine.on('message', (bytes) => {
      if (mine === socket) request.onDatagram(bytes, request.now())
    })
    mine.on('connect', () => {
      if (mine === socket) connected = true
    })
    try {
      mine.bind({ address: request.localAddress, port: request.localPort, exclusive: true }, () => {
        if (mine !== socket) return
        try {
          mine.connect(request.peerPort, request.peerAddress)
        } catch (error) {
          judge(error)
        }
      })
    } catch (error) {
      judge(error)
    }
  }

  open()
  return {
    send(bytes) {
      if (socket === null || !connected || socket.getSendQueueCount() > 0) return false
      try {
        socket.send(bytes, onSent)
        return true
      } catch (error) {
        judge(error)
        return false
      }
    },
    get isOpen() {
      return connected
    },
    close() {
      closed = true
      connected = false
      if (timer !== null) clearTimeout(timer)
      if (socket !== null) discard(socket)
      socket = null
    },
  }
}

function discard(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // ERR_SOCKET_DGRAM_NOT_RUNNING: it never came to be, so there is nothing to close.
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'UNKNOWN'
}
