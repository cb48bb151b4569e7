/**
 * Did our request arrive, and what was answered?
 *
 * The client transactions of RFC 3261 section 17.1, over one flow. On UDP a request is sent again after
 * 0.5, 1, 2 and 4 s and so on: an INVITE with doubling distances and not any more once a provisional
 * answer came (timer A), the others at most 4 s apart (timer E). A final answer to an INVITE other than
 * 2xx gets its ACK here, each time it comes; the ACK of a 2xx belongs to the call (section 13.2.2.4).
 * How long to wait is the caller's: `wait` may be asked again, for an INVITE lives on after its CANCEL.
 */
import { tagOf } from './header-value.ts'
import { EMPTY, type Header, headerOf, type SipRequest, type SipResponse } from './message.ts'
import type { Trouble } from './trouble.ts'

/** RFC 3261 table 4. */
export const T1_MS = 500
export const T2_MS = 4_000
/** Nobody is asked for longer than this (timers B and F). */
const GIVE_UP_MS = 64 * T1_MS

export type TransactionEnd =
  | { type: 'answered'; response: SipResponse }
  | { type: 'silent'; provisional: SipResponse | null }
  | { type: 'failed'; trouble: Trouble }

export interface TransactionParts {
  /** With its Via. */
  request: SipRequest
  branch: string
  reliable: boolean
  send: (message: SipRequest) => void
  onProvisional?: (response: SipResponse) => void
  /** Each 2xx to an INVITE, repeated ones too. */
  onSuccess?: (response: SipResponse) => void
}

export class ClientTransaction {
  readonly branch: string
  readonly request: SipRequest
  readonly #parts: TransactionParts
  readonly #waiting = new Set<() => void>()
  #timer: NodeJS.Timeout | null = null
  #provisional: SipResponse | null = null
  #stopped = false
  #end: TransactionEnd | null = null

  constructor(parts: TransactionParts) {
    this.#parts = parts
    this.branch = parts.branch
    this.request = parts.request
  }

  /** Sends the request for the first time. */
  start(): void {
    this.#parts.send(this.request)
    if (!this.#parts.reliable) this.#repeatAfter(T1_MS, T1_MS)
  }

  /** The newest provisional answer; a CANCEL may only follow one (section 9.1). */
  get provisional(): SipResponse | null {
    return this.#provisional
  }

  /**
   * The final answer, a failure of the transport, or silence for so long.
   *
   * Silence ends nothing: what comes later is still taken, and may be waited for again.
   */
  wait(limitMs: number): Promise<TransactionEnd> {
    if (this.#end !== null) return Promise.resolve(this.#end)
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve(this.#end ?? { type: 'silent', provisional: this.#provisional })
      }
      const timer = setTimeout(done, Math.max(0, limitMs))
      this.#waiting.add(done)
    })
  }

  /** An answer with our branch and method. */
  receive(response: SipResponse): void {
    const invite = this.request.method === 'INVITE'
    if (response.status < 200) {
      if (this.#end !== null) return
      this.#provisional = response
      if (invite) this.#stopRepeating()
      this.#parts.onProvisional?.(response)
      return
    }
    const first = this.#end === null
    if (invite && response.status >= 300) this.#parts.send(this.#ackOf(response))
    if (first) this.#settle({ type: 'answered', response })
    if (invite && response.status < 300) this.#parts.onSuccess?.(response)
  }

  /** The transport gave up under us. */
  fail(trouble: Trouble): void {
    if (this.#end === null) this.#settle({ type: 'failed', trouble })
  }

  /** Nothing is sent again; whoever waits is told. */
  stop(): void {
    this.#stopped = true
    this.#stopRepeating()
    for (const done of [...this.#waiting]) done()
  }

  #settle(end: TransactionEnd): void {
    this.#end = end
    this.stop()
  }

  #repeatAfter(pauseMs: number, spentMs: number): void {
    if (spentMs >= GIVE_UP_MS || this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#parts.send(this.request)
      const proceeding = this.#provisional !== null
      const capMs = this.request.method === 'INVITE' ? Number.POSITIVE_INFINITY : T2_MS
      const nextMs = proceeding ? T2_MS : Math.min(2 * pauseMs, capMs)
      this.#repeatAfter(nextMs, spentMs + nextMs)
    }, pauseMs)
  }

  #stopRepeating(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Section 17.1.1.3: the request's own Via and Route, the To of the answer with its tag. */
  #ackOf(response: SipResponse): SipRequest {
    const kept = this.request.headers.filter(({ name }, index, all) => {
      if (name === 'via') return all.findIndex((other) => other.name === 'via') === index
      return ['from', 'call-id', 'route', 'max-forwards'].includes(name)
    })
    const number = headerOf(this.request, 'cseq')?.split(/\s/)[0] ?? '1'
    const to = headerOf(response, 'to')
    const headers: Header[] = [
      ...kept,
      // An answer without a tag is not RFC 3261, and the ACK would name nobody; ours then stands.
      { name: 'to', value: (tagOf(to) === null ? null : to) ?? headerOf(this.request, 'to') ?? '' },
      { name: 'cseq', value: `${number} ACK` },
    ]
    return { kind: 'request', method: 'ACK', uri: this.request.uri, headers, body: EMPTY }
  }
}
