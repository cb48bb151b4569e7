/**
 * How do we send echo requests, and hear what comes back?
 *
 * The one door to net-ping and raw-socket; one port per address family serves the ping rounds, the
 * reflected path and the check of a floating IP, so that every answer wakes us once. Both packages
 * load in the main thread only. Needs CAP_NET_RAW.
 *
 * Where net-ping's own way is not good enough, this file takes another one:
 * - it takes an answer from any source; here a foreign one is counted and does not count as an answer;
 * - it ends a request on any ICMP error, redirects included; here the kernel lets nothing but echo
 *   replies through to us, so a router's or a forger's complaint changes nothing;
 * - it queues what it sends until the socket reports writable, which it never does while something is
 *   there to be read; here a request has left when the call returns;
 * - it stops listening while nothing is asked; here others listen on the same socket.
 */
import { SocketAddress } from 'node:net'
import { endianness } from 'node:os'
import { NetworkProtocol, type Request, Session } from 'net-ping'
import { AddressFamily, createSocket, type Socket } from 'raw-socket'

/** First pause before a broken socket is opened again; doubled up to the last. */
const REOPEN_FIRST_MS = 100
const REOPEN_LAST_MS = 5000

/** Numbers of the kernel's interface that raw-socket does not name (linux/in.h, in6.h, icmp.h, socket.h). */
const IPPROTO_RAW = 255
const SOL_RAW = 255
const ICMP_FILTER = 1
const SOL_ICMPV6 = 58
const ICMPV6_FILTER = 1
const SOL_IP = 0
const IP_TOS = 1
const SOL_IPV6 = 41
const IPV6_TCLASS = 67
const SOL_SOCKET = 1
const SO_SNDBUFFORCE = 32
/** Class selector 6, network control (RFC 4594). */
const TRAFFIC_CLASS = 0xc0

/** The same trouble is told once in this time. */
const QUIET_MS = 10_000

/** What raw-socket says for EAGAIN: a packet was announced and then failed its checksum. */
const NOTHING_THERE = 'Resource temporarily unavailable'

export interface IcmpRequest {
  family: 4 | 6
  /** Identifier of the ping rounds, 1 to 65534; random per start, so that old answers are strangers. */
  identifier: number
  /** From a sending to the next one, and from the last one to giving up. */
  repeatAfterMs: number
  /** Sendings after the first. */
  repeats: number
  /**
   * A socket could not be opened, broke (`reopening`), or did not take a packet. The same message
   * comes at most once in ten seconds: without a route each sending fails.
   */
  onTrouble: (message: string, reopening: boolean) => void
}

/** How a ping ended. `repeated`: more than one request was sent, so its round trip is ambiguous. */
export type PingEnd = { answered: true; repeated: boolean } | { answered: false }

export interface IcmpPort {
  readonly family: 4 | 6
  /**
   * Sends an echo request now and repeats it until answered; any of the sendings counts.
   *
   * `onEnd` is called once, also when no socket is open.
   */
  ping(target: string, onEnd: (end: PingEnd) => void): void
  /**
   * Sends a packet that brings its own IP header.
   *
   * @returns false when the kernel did not take it
   */
  sendWhole(packet: Buffer, destination: string): boolean
  /**
   * Hands over every echo reply with this identifier, as raw sockets do: IPv4 with its header.
   *
   * `bytes` are overwritten after the call; `source` is in canonical form without zone.
   */
  listen(identifier: number, onReply: (bytes: Buffer, source: string) => void): void
  /** Answers to our requests that came from another address than the one asked. */
  readonly foreignCount: number
  close(): void
}

type Listener = (bytes: Buffer, source: string) => void

/** Opens the port of one family. Never throws for what the host refuses; it tries again. */
export function openIcmp(asked: IcmpRequest): IcmpPort {
  const request = { ...asked, onTrouble: quietly(asked.onTrouble) }
  const listeners = new Map<number, Listener>()
  let session: EchoSession | null = null
  let sender: Socket | null = null
  let timer: NodeJS.Timeout | null = null
  let pauseMs = REOPEN_FIRST_MS
  let closed = false
  let foreignBefore = 0

  const giveUp = (message: string): void => {
    if (closed || timer !== null) return
    closeSockets()
    timer = setTimeout(open, pauseMs)
    pauseMs = Math.min(2 * pauseMs, REOPEN_LAST_MS)
    request.onTrouble(message, true)
  }
  const closeSockets = (): void => {
    foreignBefore += session?.foreignCount ?? 0
    const old = session
    session = null
    old?.shut()
    sender?.close()
    sender = null
  }

  function open(): void {
    timer = null
    try {
      const mine = new EchoSession(request, listeners)
      session = mine
      mine.on('error', (error: Error) => {
        if (mine === session && error.message !== NOTHING_THERE) giveUp(error.message)
      })
      const mySender = openSender(request.family)
      sender = mySender
      mySender.on('error', (error: Error) => {
        if (mySender === sender) giveUp(error.message)
      })
      pauseMs = REOPEN_FIRST_MS
    } catch (error) {
      giveUp(messageOf(error))
    }
  }

  open()
  return {
    family: request.family,
    ping(target, onEnd) {
      if (session === null) onEnd({ answered: false })
      else session.ping(target, onEnd)
    },
    sendWhole(packet, destination) {
      if (sender === null) return false
      try {
        sender.wrap.send(packet, 0, packet.length, destination, nothing)
        return true
      } catch (error) {
        request.onTrouble(messageOf(error), false)
        return false
      }
    },
    listen(identifier, onReply) {
      listeners.set(identifier, onReply)
    },
    get foreignCount() {
      return foreignBefore + (session?.foreignCount ?? 0)
    },
    close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      timer = null
      closeSockets()
    },
  }
}

/** A session of net-ping, mended as the head of this file says. */
class EchoSession extends Session {
  readonly #request: IcmpRequest
  readonly #listeners: ReadonlyMap<number, Listener>
  readonly #spelled = new Map<string, string>()
  foreignCount = 0
  #repeated = false
  #shut = false

  constructor(request: IcmpRequest, listeners: ReadonlyMap<number, Listener>) {
    super({
      networkProtocol: request.family === 4 ? NetworkProtocol.IPv4 : NetworkProtocol.IPv6,
      sessionId: request.identifier,
      timeout: request.repeatAfterMs,
      retries: request.repeats,
    })
    this.#request = request
    this.#listeners = listeners
    const { socket } = this
    socket.pauseRecv = () => socket
    passRepliesOnly(socket, request.family)
    if (request.family === 4) socket.setOption(SOL_IP, IP_TOS, TRAFFIC_CLASS)
    else socket.setOption(SOL_IPV6, IPV6_TCLASS, TRAFFIC_CLASS)
  }

  ping(target: string, onEnd: (end: PingEnd) => void): void {
    this.pingHost(target, (error) => {
      onEnd(error === null ? { answered: true, repeated: this.#repeated } : { answered: false })
    })
  }

  shut(): void {
    this.#shut = true
    this.close()
  }

  /** A packet the kernel did not take is a packet lost: its repeats are still to come. */
  override send(request: Request): void {
    if (this.#shut) return
    try {
      this.socket.wrap.send(request.buffer, 0, request.buffer.length, request.target, nothing)
    } catch (error) {
      this.#request.onTrouble(messageOf(error), false)
    }
    this.onSocketSend(request, null)
  }

  override onSocketMessage(bytes: Buffer, source: string): void {
    const at = this.#request.family === 4 ? ((bytes[0] ?? 0) & 0x0f) * 4 : 0
    if (bytes.length < at + 8) return
    const identifier = bytes.readUInt16BE(at + 4)
    if (identifier !== this.#request.identifier) {
      this.#listeners.get(identifier)?.(bytes, source)
      return
    }
    const request = this.reqs[bytes.readUInt16BE(at + 6)]
    if (request === undefined) return
    if (source !== this.#spell(request.target)) {
      this.foreignCount += 1
      return
    }
    this.#repeated = request.retries < this.#request.repeats
    super.onSocketMessage(bytes, source)
  }

  /** The spelling in which sources are told. */
  #spell(target: string): string {
    let spelled = this.#spelled.get(target)
    if (spelled === undefined) {
      spelled = canonicalAddress(target)
      this.#spelled.set(target, spelled)
    }
    return spelled
  }
}

/**
 * The spelling in which `listen` tells sources: lower case, shortened, without zone.
 *
 * @throws TypeError when it is not a numeric address
 */
export function canonicalAddress(address: string): string {
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  return new SocketAddress({ address, family }).address
}

export interface WholeSender {
  /**
   * Sends a packet that brings its own IP header, now.
   *
   * @returns false when the kernel did not take it; true does not say that it left: what a gate or a
   *   filter of this host drops counts as taken
   */
  send(packet: Buffer, destination: string): boolean
  close(): void
}

/**
 * Opens a socket for a burst of whole packets. Apart from the port's own: packets that wait for a
 * neighbour's answer fill the socket they were sent on, and heartbeats are reflected on that one.
 *
 * @param bufferBytes  for packets that wait, as the kernel counts them (some 1 000 bytes each)
 * @throws Error  EPERM without CAP_NET_RAW, in the words of strerror(3)
 */
export function openWholeSender(family: 4 | 6, bufferBytes: number): WholeSender {
  const socket = openSender(family)
  let open = true
  socket.on('error', nothing)
  try {
    socket.setOption(SOL_SOCKET, SO_SNDBUFFORCE, bufferBytes)
  } catch {
    // Without CAP_NET_ADMIN: some 200 packets can wait.
  }
  return {
    send(packet, destination) {
      // raw-socket would open itself again.
      if (!open) return false
      try {
        socket.wrap.send(packet, 0, packet.length, destination, nothing)
        return true
      } catch {
        return false
      }
    },
    close() {
      if (open) socket.close()
      open = false
    },
  }
}

/** Protocol 255 takes packets with their header, in both families, and receives none (raw(7)). */
function openSender(family: 4 | 6): Socket {
  const socket = createSocket({
    addressFamily: family === 4 ? AddressFamily.IPv4 : AddressFamily.IPv6,
    protocol: IPPROTO_RAW,
  })
  socket.pauseRecv()
  return socket
}

/** Lets the kernel drop everything but echo replies before we are woken. */
function passRepliesOnly(socket: Socket, family: 4 | 6): void {
  const replyType = family === 4 ? 0 : 129
  const filter = Buffer.alloc(family === 4 ? 4 : 32, 0xff)
  const at = (replyType >> 5) * 4
  const word = ~(1 << (replyType & 31)) >>> 0
  if (endianness() === 'LE') filter.writeUInt32LE(word, at)
  else filter.writeUInt32BE(word, at)
  if (family === 4) socket.setOption(SOL_RAW, ICMP_FILTER, filter, filter.length)
  else socket.setOption(SOL_ICMPV6, ICMPV6_FILTER, filter, filter.length)
}

/** Passes on each message once in QUIET_MS. There are few different ones: those of strerror(3). */
function quietly(onTrouble: IcmpRequest['onTrouble']): IcmpRequest['onTrouble'] {
  const toldMs = new Map<string, number>()
  return (message, reopening) => {
    const nowMs = performance.now()
    const beforeMs = toldMs.get(message)
    if (beforeMs !== undefined && nowMs - beforeMs < QUIET_MS) return
    toldMs.set(message, nowMs)
    onTrouble(message, reopening)
  }
}

function nothing(): void {}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
