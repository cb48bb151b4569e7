/**
 * To whom, by which way and with which number does the next request of a call go?
 *
 * RFC 3261 section 12: tags, the route set (for a caller Record-Route from the last to the first, for a
 * callee as it came), the target that Contact names, and the two counts of CSeq. A first route without
 * `lr` is a strict router of RFC 2543 (section 12.2.1.1).
 */
import { listOf, readNameAddress, tagOf } from './header-value.ts'
import {
  cseqOf,
  type Header,
  headerOf,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message.ts'
import { newRequest } from './request.ts'
import { readUri } from './uri.ts'

interface Parts {
  callId: string
  /** With its tag, as it stands in From of our requests. */
  local: string
  remote: string
  routes: readonly string[]
  target: string
  /** Of our last request; 0 when there was none. */
  cseq: number
  /** Of their last request; null when there was none. */
  remoteCseq: number | null
}

export class Dialog {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  readonly #parts: Parts

  private constructor(parts: Parts, localTag: string, remoteTag: string) {
    this.#parts = parts
    this.callId = parts.callId
    this.localTag = localTag
    this.remoteTag = remoteTag
  }

  /** @returns null when the answer lacks a tag or a Contact, so that nothing could be sent to it */
  static asCaller(invite: SipRequest, response: SipResponse): Dialog | null {
    return Dialog.#make({
      callId: headerOf(invite, 'call-id') ?? '',
      local: headerOf(invite, 'from') ?? '',
      remote: headerOf(response, 'to') ?? '',
      routes: listOf(response, 'record-route').reverse(),
      target: contactOf(response) ?? '',
      cseq: cseqOf(invite)?.number ?? 1,
      remoteCseq: null,
    })
  }

  static asCallee(invite: SipRequest, tag: string): Dialog | null {
    return Dialog.#make({
      callId: headerOf(invite, 'call-id') ?? '',
      local: `${headerOf(invite, 'to') ?? ''};tag=${tag}`,
      remote: headerOf(invite, 'from') ?? '',
      routes: listOf(invite, 'record-route'),
      target: contactOf(invite) ?? '',
      cseq: 0,
      remoteCseq: cseqOf(invite)?.number ?? null,
    })
  }

  /** Its next request. */
  request(method: string, more: { headers?: readonly Header[]; body?: Buffer } = {}): SipRequest {
    this.#parts.cseq += 1
    return this.#build(method, this.#parts.cseq, more)
  }

  /** The ACK of a 2xx has the number of its INVITE (section 13.2.2.4). */
  ack(cseq: number, headers: readonly Header[]): SipRequest {
    return this.#build('ACK', cseq, { headers })
  }

  /** The URI of the host that the next request goes to. */
  nextHop(): string {
    const [first] = this.#parts.routes
    return (first === undefined ? null : readNameAddress(first)?.uri) ?? this.#parts.target
  }

  /** Whether a request of somebody belongs to this call. */
  has(request: SipRequest): boolean {
    return (
      headerOf(request, 'call-id') === this.callId &&
      tagOf(headerOf(request, 'to')) === this.localTag &&
      tagOf(headerOf(request, 'from')) === this.remoteTag
    )
  }

  /** False for a request that was overtaken by a later one (section 12.2.2). */
  takesNumber(request: SipRequest): boolean {
    const number = cseqOf(request)?.number ?? 0
    const last = this.#parts.remoteCseq
    if (last !== null && number < last) return false
    this.#parts.remoteCseq = number
    return true
  }

  /** A re-INVITE may move the other end. */
  retarget(message: SipMessage): void {
    this.#parts.target = contactOf(message) ?? this.#parts.target
  }

  static #make(parts: Parts): Dialog | null {
    const localTag = tagOf(parts.local)
    const remoteTag = tagOf(parts.remote)
    if (localTag === null || remoteTag === null || readUri(parts.target) === null) return null
    return new Dialog(parts, localTag, remoteTag)
  }

  #build(
    method: string,
    cseq: number,
    { headers = [], body }: { headers?: readonly Header[]; body?: Buffer },
  ): SipRequest {
    const { callId, local, remote, routes, target } = this.#parts
    const [first] = routes
    const firstUri = first === undefined ? null : (readNameAddress(first)?.uri ?? null)
    const strict = firstUri !== null && readUri(firstUri)?.params.has('lr') === false
    const uri = strict ? firstUri : target
    const way = strict ? [...routes.slice(1), `<${target}>`] : routes
    return newRequest({
      method,
      uri,
      from: local,
      to: remote,
      cseq,
      callId,
      headers: [...way.map((value) => ({ name: 'route', value })), ...headers],
      ...(body === undefined ? {} : { body }),
    })
  }
}

function contactOf(message: SipMessage): string | null {
  const [first] = listOf(message, 'contact')
  return first === undefined ? null : (readNameAddress(first)?.uri ?? null)
}
