/**
 * One side of a call: its address, its registration, and its way to others.
 *
 * Holds an endpoint and the flows of it that it needs: one to the proxy or registrar it was told of, and one
 * to each next hop that a Record-Route names elsewhere.
 */
import { ask } from './ask.ts'
import type { TransactionEnd } from './client-transaction.ts'
import type { Credentials } from './digest.ts'
import { type Incoming, newToken, SipEndpoint } from './endpoint.ts'
import type { Flow, FlowOpening, Trust } from './flow.ts'
import type { Header } from './message.ts'
import { newRequest } from './request.ts'
import { resolveHost } from './resolve.ts'
import { defaultPort, type HostPort, hostText, placeText, readUri, type Transport } from './uri.ts'

/** Forgotten by the registrar after this, should we not take it back ourselves. */
const EXPIRES_S = 60

export interface AgentParts {
  transport: Transport
  trust: Trust
  localAddress: string | null
  localPort: number | null
  /** `sip:alice@example.org`: whom we are. */
  uri: string
  credentials: Credentials | null
  onRequest: (incoming: Incoming) => void
}

export class UserAgent {
  readonly uri: string
  readonly credentials: Credentials | null
  readonly endpoint: SipEndpoint
  readonly #parts: AgentParts
  readonly #registerId = newToken()
  #registerCseq = 0

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.uri = parts.uri
    this.credentials = parts.credentials
    const { localAddress, localPort, trust, onRequest } = parts
    this.endpoint = new SipEndpoint({ localAddress, localPort, trust, onRequest })
  }

  /**
   * The flow to a host, opened unless there is one.
   *
   * @param domain  the certificate may also be made for what the host serves (RFC 5922)
   */
  async flowTo(where: HostPort, domain: string, limitMs: number): Promise<FlowOpening> {
    const endMs = performance.now() + limitMs
    const resolved = await resolveHost(where.host, limitMs)
    if (!resolved.ok) return resolved
    const { transport } = this.#parts
    const peer = { address: resolved.address, port: where.port ?? defaultPort(transport) }
    const known = this.endpoint.flowTo(peer)
    if (known !== null) return { ok: true, flow: known }
    const names = [...new Set([where.host, domain])]
    return this.endpoint.open({ transport, peer, names }, endMs - performance.now())
  }

  /** The flow to the host of a URI; the given one when there is no other way. */
  async flowToUri(uri: string, otherwise: Flow, limitMs: number): Promise<Flow> {
    const read = readUri(uri)
    if (read === null) return otherwise
    const { host, port } = read
    const opened = await this.flowTo({ host, port }, host, limitMs)
    return opened.ok ? opened.flow : otherwise
  }

  /** Where requests to us shall go. */
  contact(flow: Flow): Header {
    const user = readUri(this.uri)?.user ?? 'check'
    const way = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`
    return { name: 'contact', value: `<sip:${user}@${placeText(flow.local)}${way}>` }
  }

  /** REGISTER; with `keep` false only this Contact is taken back, others of the user stay. */
  register(flow: Flow, keep: boolean, limitMs: number): Promise<TransactionEnd> {
    const { endpoint, credentials } = this
    const read = readUri(this.uri)
    const domain = hostText(read?.host ?? '')
    const port = read?.port === null || read === null ? '' : `:${read.port}`
    const address = `<${this.uri}>`
    const from = `${address};tag=${newToken()}`
    const headers = [this.contact(flow), { name: 'expires', value: String(keep ? EXPIRES_S : 0) }]
    return ask({
      endpoint,
      flow,
      credentials,
      limitMs,
      make: () => {
        this.#registerCseq += 1
        return newRequest({
          method: 'REGISTER',
          uri: `sip:${domain}${port}`,
          from,
          to: address,
          callId: this.#registerId,
          cseq: this.#registerCseq,
          headers,
        })
      },
    })
  }

  close(): void {
    this.endpoint.close()
  }
}
