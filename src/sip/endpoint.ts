/**
 * Whose answer is this, and whose request?
 *
 * One user agent's flows and the transactions on them. Answers go to the transaction with their branch,
 * method and Call-ID; what fits none is dropped (RFC 3261 section 18.1.2). Requests of others go to
 * the server transactions, which keep repeated ones away from the caller. Trouble of a flow ends what
 * waits on it at once. Everything opened here is closed by `close`.
 */
import { randomBytes } from 'node:crypto'
import { ClientTransaction, type TransactionParts } from './client-transaction.ts'
import { type Flow, type FlowOpening, openFlow, type Trust } from './flow.ts'
import { listOf, topVia } from './header-value.ts'
import {
  cseqOf,
  headerOf,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  writeMessage,
} from './message.ts'
import { type AnswerOf, ServerTransactions } from './server-transaction.ts'
import { hostText, type Place, type Transport } from './uri.ts'

/** RFC 3261 section 8.1.1.7. */
const COOKIE = 'z9hG4bK'

/** A request of somebody else that is new, and how to answer it. */
export interface Incoming {
  request: SipRequest
  flow: Flow
  /** May be called several times: provisional answers, then one final one. */
  answer: AnswerOf
}

export interface EndpointParts {
  /** Null: any. */
  localAddress: string | null
  localPort: number | null
  trust: Trust
  onRequest: (incoming: Incoming) => void
}

export interface FlowTarget {
  transport: Transport
  peer: Place
  /** Whom the certificate may be for; none: anybody. */
  names: readonly string[]
}

type Callbacks = Pick<TransactionParts, 'onProvisional' | 'onSuccess'>

export class SipEndpoint {
  readonly #parts: EndpointParts
  readonly #flows = new Set<Flow>()
  readonly #transactions = new Map<string, { flow: Flow; transaction: ClientTransaction }>()
  readonly #served: ServerTransactions
  #closed = false

  constructor(parts: EndpointParts) {
    this.#parts = parts
    this.#served = new ServerTransactions()
  }

  /** Opens a flow to one place; it is closed with the endpoint. */
  async open(where: FlowTarget, limitMs: number): Promise<FlowOpening> {
    const { localAddress, localPort, trust } = this.#parts
    let flow: Flow | null = null
    const opened = await openFlow({
      ...where,
      trust,
      localAddress,
      // Only one flow can have the port; any later one takes another.
      localPort: this.#flows.size === 0 ? localPort : null,
      limitMs,
      onMessage: (message, from) => {
        if (flow !== null) this.#receive(message, flow, from)
      },
      onTrouble: (trouble) => {
        for (const entry of this.#transactions.values()) {
          if (entry.flow === flow) entry.transaction.fail(trouble)
        }
      },
    })
    if (!opened.ok) return opened
    flow = opened.flow
    if (this.#closed) flow.close()
    else this.#flows.add(flow)
    return opened
  }

  /** The open flow to a place, if there is one. */
  flowTo(peer: Place): Flow | null {
    for (const flow of this.#flows) {
      if (flow.peer.address === peer.address && flow.peer.port === peer.port) return flow
    }
    return null
  }

  /** Begins a transaction; the request gets its Via here. */
  begin(request: SipRequest, flow: Flow, callbacks: Callbacks = {}): ClientTransaction {
    const branch = newBranch()
    return this.#start({ request: withVia(request, flow, branch), branch, flow, callbacks })
  }

  /** The CANCEL of an INVITE: the same branch, addresses and Route (section 9.1). */
  cancel(invite: ClientTransaction, flow: Flow): ClientTransaction {
    const { request, branch } = invite
    const number = cseqOf(request)?.number ?? 1
    const headers = request.headers
      .filter(({ name }) =>
        ['via', 'from', 'to', 'call-id', 'route', 'max-forwards'].includes(name),
      )
      .concat({ name: 'cseq', value: `${number} CANCEL` })
    const cancel: SipRequest = { ...request, method: 'CANCEL', headers, body: Buffer.alloc(0) }
    return this.#start({ request: cancel, branch, flow, callbacks: {} })
  }

  /** An ACK of a 2xx: a request without an answer, hence without a transaction. */
  acknowledge(ack: SipRequest, flow: Flow): void {
    flow.send(writeMessage(withVia(ack, flow, newBranch())))
  }

  close(): void {
    this.#closed = true
    for (const { transaction } of this.#transactions.values()) transaction.stop()
    this.#transactions.clear()
    this.#served.close()
    for (const flow of this.#flows) flow.close()
    this.#flows.clear()
  }

  #start(begun: {
    request: SipRequest
    branch: string
    flow: Flow
    callbacks: Callbacks
  }): ClientTransaction {
    const { request, branch, flow, callbacks } = begun
    const transaction = new ClientTransaction({
      request,
      branch,
      reliable: flow.reliable,
      send: (message) => flow.send(writeMessage(message)),
      ...callbacks,
    })
    this.#transactions.set(`${branch} ${request.method}`, { flow, transaction })
    transaction.start()
    return transaction
  }

  #receive(message: SipMessage, flow: Flow, from: Place): void {
    if (this.#closed) return
    if (message.kind === 'response') {
      this.#match(message)
      return
    }
    const answer = this.#served.receive(message, flow, from)
    if (answer !== null) this.#parts.onRequest({ request: message, flow, answer })
  }

  #match(response: SipResponse): void {
    const branch = topVia(response)?.params.get('branch')
    const method = cseqOf(response)?.method
    const entry = this.#transactions.get(`${branch} ${method}`)
    if (entry === undefined) return
    const { request } = entry.transaction
    const ours = ['call-id', 'cseq'] as const
    // More than one Via: it is on its way to somebody behind us, and there is nobody.
    if (listOf(response, 'via').length !== 1) return
    if (ours.every((name) => headerOf(response, name) === headerOf(request, name))) {
      entry.transaction.receive(response)
    }
  }
}

/** A tag, a part of a Call-ID, a cnonce: nobody else's, and not to be guessed. */
export function newToken(): string {
  return randomBytes(9).toString('hex')
}

function newBranch(): string {
  return `${COOKIE}${newToken()}`
}

function withVia(request: SipRequest, flow: Flow, branch: string): SipRequest {
  const { address, port } = flow.local
  const sentBy = `${hostText(address.replace(/%.*$/, ''))}:${port}`
  const value = `SIP/2.0/${flow.transport.toUpperCase()} ${sentBy};branch=${branch};rport`
  return { ...request, headers: [{ name: 'via', value }, ...request.headers] }
}
