/**
 * What do we say to the other end while a call stands?
 *
 * One side of an established call, ours as a caller or as a callee: its dialog, its media, and the answers to
 * requests inside it. A re-INVITE may move the media (200) unless it wants what we do not speak (488).
 */
import type { Dialog } from './dialog.ts'
import type { Incoming } from './endpoint.ts'
import type { Media } from './media.ts'
import type { Header, SipRequest } from './message.ts'
import { ALLOW } from './request.ts'
import { readSdp, SDP_TYPE, type SdpRead, writeSdp } from './sdp.ts'
import type { Answer } from './server-transaction.ts'

export const SDP_HEADER: Header = { name: 'content-type', value: SDP_TYPE }

/** To OPTIONS, in a call or outside of any. */
export const ABILITIES: Omit<Answer, 'tag'> = {
  status: 200,
  reason: 'OK',
  headers: [ALLOW, { name: 'accept', value: SDP_TYPE }],
}

export interface LegParts {
  dialog: Dialog
  media: Media
  contact: Header
  /** Of our SDP so far (`o=`). */
  sdpId: number
  /** The other end hung up. */
  onEnd: () => void
}

export class CallLeg {
  readonly dialog: Dialog
  readonly media: Media
  readonly #parts: LegParts
  #sdpVersion = 1
  #endedByPeer = false

  constructor(parts: LegParts) {
    this.#parts = parts
    this.dialog = parts.dialog
    this.media = parts.media
  }

  get endedByPeer(): boolean {
    return this.#endedByPeer
  }

  /** Sends our audio where the SDP of the other end wants it. */
  follow(sdp: SdpRead): void {
    if (sdp.ok) this.media.redirect(sdp.audio.takes ? sdp.audio.place : null)
  }

  /** A request of this dialog. */
  handle({ request, answer }: Incoming): void {
    const before = this.#endedByPeer
    const given = this.#answerTo(request)
    if (given !== null) answer({ tag: this.dialog.localTag, ...given })
    if (this.#endedByPeer && !before) this.#parts.onEnd()
  }

  /** Null: an ACK, which is not answered. */
  #answerTo(request: SipRequest): Omit<Answer, 'tag'> | null {
    if (request.method === 'ACK') {
      // Of a 2xx that carried our offer: the answer to it comes here.
      if (request.body.length > 0) this.follow(readSdp(request.body))
      return null
    }
    if (request.method === 'CANCEL') return { status: 200, reason: 'OK' }
    if (!this.dialog.takesNumber(request)) return { status: 500, reason: 'Out Of Order' }
    if (this.#endedByPeer) return { status: 481, reason: 'Call Does Not Exist' }
    switch (request.method) {
      case 'BYE':
        this.#endedByPeer = true
        return { status: 200, reason: 'OK' }
      case 'INVITE':
        return this.#change(request)
      case 'OPTIONS':
        return ABILITIES
      default:
        return { status: 405, reason: 'Method Not Allowed', headers: [ALLOW] }
    }
  }

  #change(request: SipRequest): Omit<Answer, 'tag'> {
    const { media, contact, sdpId } = this.#parts
    const offer = request.body.length === 0 ? null : readSdp(request.body)
    if (offer !== null && !offer.ok) return { status: 488, reason: 'Not Acceptable Here' }
    if (offer !== null) {
      this.#sdpVersion += 1
      this.follow(offer)
    }
    this.dialog.retarget(request)
    const own = { place: media.place, id: sdpId, version: this.#sdpVersion }
    return {
      status: 200,
      reason: 'OK',
      headers: [contact, ALLOW, SDP_HEADER],
      body: writeSdp(own, offer === null ? null : offer.streams),
    }
  }
}
