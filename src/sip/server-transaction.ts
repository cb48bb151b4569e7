/**
 * Was this request answered already, and did our answer arrive?
 *
 * Server transactions of RFC 3261 section 17.2 for the little that a callee of ours needs: a repeated
 * request gets the same answer again, a final answer to an INVITE is sent again until its ACK comes
 * (also a 2xx, section 13.3.1.4, which its own ACK ends). Kept for as long as the endpoint lives.
 */
import { T1_MS, T2_MS } from './client-transaction.ts'
import type { Flow } from './flow.ts'
import { tagOf, topVia } from './header-value.ts'
import {
  cseqOf,
  EMPTY,
  type Header,
  headerOf,
  headersOf,
  type SipRequest,
  type SipResponse,
  writeMessage,
} from './message.ts'
import { defaultPort, type Place } from './uri.ts'

export interface Answer {
  status: number
  reason: string
  /** Ours in this dialog; put into To unless it has one. */
  tag: string
  /** Contact, Allow, Content-Type and the like. */
  headers?: readonly Header[]
  body?: Buffer
}

export type AnswerOf = (answer: Answer) => void

/** More than this are never open in a test call; others beyond it are not answered. */
const KEPT_MAX = 256
const GIVE_UP_MS = 64 * T1_MS

interface Served {
  flow: Flow
  request: SipRequest
  to: Place
  /** Null until we answered. */
  bytes: Buffer | null
  final: boolean
  timer: NodeJS.Timeout | null
}

export class ServerTransactions {
  readonly #served = new Map<string, Served>()

  /** @returns how to answer it; null when there is nothing to answer: it was repeated, or an ACK of a refusal */
  receive(request: SipRequest, flow: Flow, from: Place): AnswerOf | null {
    if (request.method === 'ACK') {
      this.#acknowledged(request)
      // Its own callers want to know of the ACK of a 2xx: it may carry the answer to our offer.
      return () => {}
    }
    const key = keyOf(request)
    const known = this.#served.get(key)
    if (known !== undefined) {
      if (known.bytes !== null) flow.send(known.bytes, known.to)
      return null
    }
    if (this.#served.size >= KEPT_MAX) return null
    const served: Served = {
      flow,
      request,
      to: returnPlace(request, from),
      bytes: null,
      final: false,
      timer: null,
    }
    this.#served.set(key, served)
    return (answer) => this.#answer(served, responseTo(request, answer, from))
  }

  close(): void {
    for (const served of this.#served.values()) stopRepeating(served)
    this.#served.clear()
  }

  #answer(served: Served, response: SipResponse): void {
    if (served.final) return
    served.bytes = writeMessage(response)
    served.final = response.status >= 200
    served.flow.send(served.bytes, served.to)
    const invite = served.request.method === 'INVITE'
    const success = response.status < 300
    // A 2xx is repeated on streams too: a proxy on the way may have lost it on UDP.
    if (served.final && invite && (success || !served.flow.reliable)) repeat(served, T1_MS, T1_MS)
  }

  /** By Call-ID and number: the ACK of a 2xx has a branch of its own. */
  #acknowledged(ack: SipRequest): void {
    for (const served of this.#served.values()) {
      const same =
        headerOf(served.request, 'call-id') === headerOf(ack, 'call-id') &&
        cseqOf(served.request)?.number === cseqOf(ack)?.number
      if (same && served.request.method === 'INVITE' && served.final) stopRepeating(served)
    }
  }
}

function repeat(served: Served, pauseMs: number, spentMs: number): void {
  if (spentMs > GIVE_UP_MS) return
  served.timer = setTimeout(() => {
    if (served.bytes !== null) served.flow.send(served.bytes, served.to)
    const nextMs = Math.min(2 * pauseMs, T2_MS)
    repeat(served, nextMs, spentMs + nextMs)
  }, pauseMs)
}

function stopRepeating(served: Served): void {
  if (served.timer !== null) clearTimeout(served.timer)
  served.timer = null
}

/** Section 17.2.3, and Call-ID and CSeq for clients that are older than branches. */
function keyOf(request: SipRequest): string {
  const via = topVia(request)
  const parts = [via?.params.get('branch'), via?.host, via?.port, request.method]
  return [...parts, headerOf(request, 'call-id'), cseqOf(request)?.number].join(' ')
}

/** Section 18.2.2 and RFC 3581. */
function returnPlace(request: SipRequest, from: Place): Place {
  const via = topVia(request)
  if (via === null || via.params.has('rport')) return from
  return { address: from.address, port: via.port ?? defaultPort('udp') }
}

/** Section 8.2.6: what is taken over from the request, with received and rport filled in. */
function responseTo(request: SipRequest, answer: Answer, from: Place): SipResponse {
  const to = headerOf(request, 'to') ?? ''
  const tagged = tagOf(to) === null && answer.status > 100 ? `${to};tag=${answer.tag}` : to
  const [top = '', ...others] = headersOf(request, 'via')
  const via = topVia(request)?.params.has('rport')
    ? top.replace(/;\s*rport(?![=\w])/i, `;received=${from.address};rport=${from.port}`)
    : top
  const headers: Header[] = [
    ...[via, ...others].map((value) => ({ name: 'via', value })),
    ...headersOf(request, 'record-route').map((value) => ({ name: 'record-route', value })),
    { name: 'from', value: headerOf(request, 'from') ?? '' },
    { name: 'to', value: tagged },
    { name: 'call-id', value: headerOf(request, 'call-id') ?? '' },
    { name: 'cseq', value: headerOf(request, 'cseq') ?? '' },
    ...(answer.headers ?? []),
  ]
  const { status, reason, body = EMPTY } = answer
  return { kind: 'response', status, reason, headers, body }
}
