// The parts of net-ping and raw-socket that system/icmp.ts uses; neither package brings types.

declare module 'net-ping' {
  import type { EventEmitter } from 'node:events'
  import type { Socket } from 'raw-socket'

  export interface Request {
    id: number
    retries: number
    timeout: number
    target: string
    buffer: Buffer
    sent?: Date
  }

  export interface SessionOptions {
    networkProtocol?: number
    packetSize?: number
    retries?: number
    timeout?: number
    sessionId?: number
    ttl?: number
  }

  export type PingCallback = (
    error: Error | null,
    target: string,
    sent: Date,
    received: Date,
  ) => void

  export class Session extends EventEmitter {
    constructor(options: SessionOptions)
    readonly socket: Socket
    readonly sessionId: number
    readonly reqs: Record<number, Request>
    pingHost(target: string, callback: PingCallback): this
    close(): this
    send(request: Request): void
    onSocketMessage(bytes: Buffer, source: string): void
    onSocketSend(request: Request, error: Error | null, bytes?: number): void
  }

  export const NetworkProtocol: { IPv4: number; IPv6: number }
}

declare module 'raw-socket' {
  import type { EventEmitter } from 'node:events'

  export interface SocketWrap {
    send(
      bytes: Buffer,
      offset: number,
      length: number,
      address: string,
      callback: (sentBytes: number) => void,
    ): void
  }

  export class Socket extends EventEmitter {
    readonly wrap: SocketWrap
    recvPaused: boolean
    pauseRecv(): this
    resumeRecv(): this
    close(): this
    setOption(level: number, option: number, value: Buffer, length: number): void
    setOption(level: number, option: number, value: number): void
  }

  export interface SocketOptions {
    addressFamily?: number
    protocol?: number
    bufferSize?: number
  }

  export function createSocket(options: SocketOptions): Socket

  export const AddressFamily: { IPv4: number; IPv6: number }
  export const Protocol: { ICMP: number; ICMPv6: number }
}
