/**
 * How do we call somebody, and how does it end in every case?
 *
 * INVITE with challenges, ACK for each 2xx however often it comes, CANCEL when the time is over, BYE. Nothing
 * is left ringing or standing: a 2xx that comes after the CANCEL, or from a second phone that the proxy also
 * tried, is acknowledged and hung up (RFC 3261 sections 9.1 and 13.2.2.4).
 */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, withHeaders } from './ask.ts'
import { Authenticator } from './authenticator.ts'
import { CallLeg, SDP_HEADER } from './call-leg.ts'
import { type ClientTransaction, T1_MS, type TransactionEnd } from './client-transaction.ts'
import { Dialog } from './dialog.ts'
import { type Incoming, newToken } from './endpoint.ts'
import type { Flow } from './flow.ts'
import { tagOf } from './header-value.ts'
import type { Media } from './media.ts'
import { cseqOf, type Header, headerOf, type SipRequest, type SipResponse } from './message.ts'
import { ALLOW, newRequest } from './request.ts'
import { readSdp, type SdpRead, writeSdp } from './sdp.ts'
import type { Trouble } from './trouble.ts'
import type { UserAgent } from './user-agent.ts'

/** From CANCEL to the end of the INVITE. Three repetitions on UDP; who is silent for longer is dead. */
const CANCEL_GRACE_MS = 4_000
/** For a BYE that nobody waits for. */
const CLEAN_UP_MS = 2_000

export interface Cancelled {
  /** Answer to the CANCEL itself; null when there was none. */
  status: number | null
  /** How the INVITE ended after it, 487 when all is well; null when it did not. */
  finalStatus: number | null
  durationMs: number
}

export type CallEnd =
  | { type: 'answered'; response: SipResponse; leg: CallLeg; sdp: SdpRead }
  | { type: 'refused'; response: SipResponse }
  | {
      type: 'silent'
      /** The newest provisional answer; null when nothing was answered at all. */
      provisional: SipResponse | null
      cancelled: Cancelled | null
    }
  | { type: 'failed'; trouble: Trouble }

export interface CallParts {
  agent: UserAgent
  flow: Flow
  media: Media
  /** `sip:bob@example.org`. */
  to: string
  /** More headers of the INVITE. */
  headers: readonly Header[]
  onEnd: () => void
}

export class OutgoingCall {
  readonly #parts: CallParts
  readonly #callId = newToken()
  readonly #from: string
  readonly #sdpId = randomInt(2 ** 31)
  readonly #answers = new Map<string, { ack: SipRequest; flow: Promise<Flow> }>()
  readonly #pending = new Set<Promise<unknown>>()
  #leg: CallLeg | null = null
  #givenUp = false
  #cseq = 0

  constructor(parts: CallParts) {
    this.#parts = parts
    this.#from = `<${parts.agent.uri}>;tag=${newToken()}`
  }

  /**
   * Calls, until there is an end of it or the time is over.
   *
   * @param signal  aborted: as if the time were over now
   */
  async place(limitMs: number, signal: AbortSignal): Promise<CallEnd> {
    const { agent, flow } = this.#parts
    const authenticator = new Authenticator(agent.credentials)
    const endMs = performance.now() + limitMs
    for (;;) {
      const request = withHeaders(this.#invite(), authenticator)
      let tellFirst = (): void => {}
      const first = new Promise<void>((resolve) => {
        tellFirst = resolve
      })
      const transaction = agent.endpoint.begin(request, flow, {
        onProvisional: tellFirst,
        onSuccess: (response) => this.#onSuccess(request, response),
      })
      const end = await waitOrStop(transaction, endMs - performance.now(), signal)
      if (end.type === 'failed') return end
      if (end.type === 'silent') {
        // Somebody may ring already, and nobody could be told to stop without a provisional answer.
        if (signal.aborted) await Promise.race([first, sleep(T1_MS)])
        return this.#giveUp(transaction)
      }
      if (end.response.status < 300) return this.#answered(end.response)
      if (!authenticator.takes(end.response)) return { type: 'refused', response: end.response }
    }
  }

  /** BYE; also right when the other end was faster. */
  async hangUp(limitMs: number): Promise<TransactionEnd | null> {
    if (this.#leg === null || this.#leg.endedByPeer) return null
    return this.#bye(this.#leg.dialog, limitMs)
  }

  /** @returns false for a request that belongs to no call of ours */
  handle(incoming: Incoming): boolean {
    if (this.#leg?.dialog.has(incoming.request) !== true) return false
    this.#leg.handle(incoming)
    return true
  }

  /** Everything that was begun in passing is at its end. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  #invite(): SipRequest {
    const { agent, flow, media, to, headers } = this.#parts
    this.#cseq += 1
    return newRequest({
      method: 'INVITE',
      uri: to,
      from: this.#from,
      to: `<${to}>`,
      cseq: this.#cseq,
      callId: this.#callId,
      headers: [agent.contact(flow), ALLOW, SDP_HEADER, ...headers],
      body: writeSdp({ place: media.place, id: this.#sdpId, version: 1 }),
    })
  }

  async #answered(response: SipResponse): Promise<CallEnd> {
    await this.settled()
    const leg = this.#leg
    if (leg === null) {
      const sentence = `its ${response.status} has no tag or no Contact, so that nobody can hang up`
      return { type: 'failed', trouble: { kind: 'ended', sentence } }
    }
    const sdp = readSdp(response.body)
    leg.follow(sdp)
    return { type: 'answered', response, leg, sdp }
  }

  /** A CANCEL may only follow a provisional answer; without one there is nobody to take it. */
  async #giveUp(transaction: ClientTransaction): Promise<CallEnd> {
    const { agent, flow } = this.#parts
    const { provisional } = transaction
    this.#givenUp = true
    if (this.#leg !== null) this.#keep(this.#bye(this.#leg.dialog, CLEAN_UP_MS))
    if (provisional === null || this.#leg !== null) {
      transaction.stop()
      await this.settled()
      return { type: 'silent', provisional, cancelled: null }
    }
    const startedMs = performance.now()
    const cancel = agent.endpoint.cancel(transaction, flow)
    const [answer, final] = await Promise.all([
      cancel.wait(CANCEL_GRACE_MS),
      transaction.wait(CANCEL_GRACE_MS),
    ])
    await this.settled()
    const cancelled: Cancelled = {
      status: answer.type === 'answered' ? answer.response.status : null,
      finalStatus: final.type === 'answered' ? final.response.status : null,
      durationMs: performance.now() - startedMs,
    }
    return { type: 'silent', provisional, cancelled }
  }

  #onSuccess(invite: SipRequest, response: SipResponse): void {
    const { agent, flow, media } = this.#parts
    const tag = tagOf(headerOf(response, 'to')) ?? ''
    const known = this.#answers.get(tag)
    if (known !== undefined) {
      this.#keep(known.flow.then((way) => agent.endpoint.acknowledge(known.ack, way)))
      return
    }
    const dialog = Dialog.asCaller(invite, response)
    if (dialog === null) return
    const wanted = this.#leg === null && !this.#givenUp
    if (wanted) {
      const { onEnd } = this.#parts
      const contact = agent.contact(flow)
      this.#leg = new CallLeg({ dialog, media, contact, sdpId: this.#sdpId, onEnd })
    }
    const proofs = invite.headers.filter(({ name }) => name.endsWith('authorization'))
    const answered = {
      ack: dialog.ack(cseqOf(invite)?.number ?? 1, proofs),
      flow: agent.flowToUri(dialog.nextHop(), flow, CLEAN_UP_MS),
    }
    this.#answers.set(tag, answered)
    this.#keep(
      answered.flow.then(async (way) => {
        agent.endpoint.acknowledge(answered.ack, way)
        if (!wanted) await this.#bye(dialog, CLEAN_UP_MS)
      }),
    )
  }

  async #bye(dialog: Dialog, limitMs: number): Promise<TransactionEnd> {
    const { agent, flow } = this.#parts
    const { endpoint, credentials } = agent
    const way = await agent.flowToUri(dialog.nextHop(), flow, limitMs)
    return ask({
      endpoint,
      flow: way,
      credentials,
      limitMs,
      make: () => dialog.request('BYE'),
    })
  }

  #keep(task: Promise<unknown>): void {
    this.#pending.add(task)
    void task.finally(() => this.#pending.delete(task))
  }
}

async function waitOrStop(
  transaction: ClientTransaction,
  limitMs: number,
  signal: AbortSignal,
): Promise<TransactionEnd> {
  let stop = (): void => {}
  const stopped = new Promise<TransactionEnd>((resolve) => {
    stop = () => resolve({ type: 'silent', provisional: transaction.provisional })
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  const end = await Promise.race([transaction.wait(limitMs), stopped])
  signal.removeEventListener('abort', stop)
  return end
}
