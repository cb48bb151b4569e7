/**
 * How does a callee of our own answer the test call, and nobody else's?
 *
 * It takes one call. The INVITE of the test carries a mark that proxies hand on; a call with another mark is
 * another test, and is told that we are busy. A back-to-back user agent may drop the mark: a call without
 * one is taken, for the account is there for tests.
 */
import { randomInt } from 'node:crypto'
import { ABILITIES, CallLeg, SDP_HEADER } from './call-leg.ts'
import { Dialog } from './dialog.ts'
import { type Incoming, newToken } from './endpoint.ts'
import { tagOf } from './header-value.ts'
import type { Media } from './media.ts'
import { type Header, headerOf, type SipRequest } from './message.ts'
import { ALLOW } from './request.ts'
import { readSdp, writeSdp } from './sdp.ts'
import type { Answer } from './server-transaction.ts'
import type { UserAgent } from './user-agent.ts'

const MARK = 'x-tandem-check'

export function markOf(token: string): Header {
  return { name: MARK, value: token }
}

export interface CalleeParts {
  agent: UserAgent
  media: Media
  /** Of the call that is ours. */
  mark: string
  onEnd: () => void
}

export class Callee {
  readonly #parts: CalleeParts
  readonly #tag = newToken()
  #leg: CallLeg | null = null

  constructor(parts: CalleeParts) {
    this.#parts = parts
  }

  /** The call, once we have answered it. */
  get leg(): CallLeg | null {
    return this.#leg
  }

  handle(incoming: Incoming): void {
    if (this.#leg?.dialog.has(incoming.request) === true) this.#leg.handle(incoming)
    else if (this.#isNewCall(incoming.request)) this.#take(incoming)
    else answerStray(incoming)
  }

  #isNewCall(request: SipRequest): boolean {
    const mark = headerOf(request, MARK)
    const ours = mark === null || mark === this.#parts.mark
    return isFreshInvite(request) && this.#leg === null && ours
  }

  #take({ request, flow, answer }: Incoming): void {
    const { agent, media, onEnd } = this.#parts
    const offer = request.body.length === 0 ? null : readSdp(request.body)
    const dialog = Dialog.asCallee(request, this.#tag)
    if (dialog === null) {
      answer({ status: 400, reason: 'Bad Request', tag: this.#tag })
    } else if (offer !== null && !offer.ok) {
      answer({ status: 488, reason: 'Not Acceptable Here', tag: this.#tag })
    } else {
      const sdpId = randomInt(2 ** 31)
      const contact = agent.contact(flow)
      this.#leg = new CallLeg({ dialog, media, contact, sdpId, onEnd })
      if (offer !== null) this.#leg.follow(offer)
      answer({
        status: 200,
        reason: 'OK',
        tag: this.#tag,
        headers: [contact, ALLOW, SDP_HEADER],
        body: writeSdp({ place: media.place, id: sdpId, version: 1 }, offer?.streams ?? null),
      })
    }
  }
}

/** A request that belongs to no call: probes are answered, calls are not taken. */
export function answerStray({ request, answer }: Incoming): void {
  if (request.method !== 'ACK') answer({ tag: newToken(), ...strayAnswer(request) })
}

function strayAnswer(request: SipRequest): Omit<Answer, 'tag'> {
  if (isFreshInvite(request)) return { status: 486, reason: 'Busy Here' }
  switch (request.method) {
    case 'OPTIONS':
      return ABILITIES
    case 'INVITE':
    case 'BYE':
    case 'CANCEL':
      return { status: 481, reason: 'Call Does Not Exist' }
    default:
      return { status: 405, reason: 'Method Not Allowed', headers: [ALLOW] }
  }
}

/** The beginning of a call: nobody has put a tag into its To yet. */
function isFreshInvite(request: SipRequest): boolean {
  return request.method === 'INVITE' && tagOf(headerOf(request, 'to')) === null
}
