/**
 * How do bytes get to one other SIP host, and messages back from it?
 *
 * The contract of the three transports and the one place that chooses among them. A flow belongs to one
 * other end; whoever opens one closes it. Neither opening nor using one throws for what the network does.
 */
import type { SipMessage } from './message.ts'
import { openStreamFlow } from './stream-flow.ts'
import type { Trouble } from './trouble.ts'
import { openUdpFlow } from './udp-flow.ts'
import type { Place, Transport } from './uri.ts'

/** Which certificates we believe; `ca`: certificates in PEM, null for those Node.js brings along. */
export type Trust = { check: false } | { check: true; ca: string | null }

export interface FlowRequest {
  transport: Transport
  peer: Place
  trust: Trust
  /** A certificate must be good for one of these; none: only its issuer and its dates count. */
  names: readonly string[]
  /** Null: any address, any port. */
  localAddress: string | null
  localPort: number | null
  /** Until the connection stands, TLS included. */
  limitMs: number
  /** A readable message. Must not throw. */
  onMessage: (message: SipMessage, from: Place) => void
  /** After the opening. A UDP flow goes on after trouble, a stream is over. */
  onTrouble: (trouble: Trouble) => void
}

export interface Flow {
  readonly transport: Transport
  /** Nothing is lost on the way, so nothing is sent again. */
  readonly reliable: boolean
  readonly local: Place
  readonly peer: Place
  /** @param to  another place than the peer; only a UDP flow that listens to all can do that */
  send(bytes: Buffer, to?: Place): void
  /** From now on also hears others than its peer (UDP); and is not told any more that a port is closed. */
  listenToAll(): void
  close(): void
}

export type FlowOpening = { ok: true; flow: Flow } | { ok: false; trouble: Trouble }

export function openFlow(request: FlowRequest): Promise<FlowOpening> {
  return request.transport === 'udp' ? openUdpFlow(request) : openStreamFlow(request)
}
