/**
 * How does a request outside of a dialog begin? RFC 3261 section 8.1.1, without its Via, which belongs to
 * the flow it is sent on (endpoint.ts).
 */
import { newToken } from './endpoint.ts'
import { EMPTY, type Header, type SipRequest } from './message.ts'

/** Shown to whoever looks at a trace; without a version, for it is nobody's business. */
export const USER_AGENT: Header = { name: 'user-agent', value: 'tandem' }

/** What a callee of ours understands. No INFO, UPDATE or PRACK: nothing of a test call needs them. */
export const ALLOW: Header = { name: 'allow', value: 'INVITE, ACK, CANCEL, BYE, OPTIONS' }

export interface NewRequest {
  method: string
  uri: string
  /** A name-address; gets a tag of its own unless it has one. */
  from: string
  to: string
  /** Above zero; 1 unless it is given. */
  cseq?: number
  callId?: string
  maxForwards?: number
  headers?: readonly Header[]
  body?: Buffer
}

export function newRequest(wanted: NewRequest): SipRequest {
  const { method, uri, from, to, cseq = 1, callId = newToken(), maxForwards = 70 } = wanted
  return {
    kind: 'request',
    method,
    uri,
    headers: [
      { name: 'max-forwards', value: String(maxForwards) },
      { name: 'from', value: /;tag=/i.test(from) ? from : `${from};tag=${newToken()}` },
      { name: 'to', value: to },
      { name: 'call-id', value: callId },
      { name: 'cseq', value: `${cseq} ${method}` },
      USER_AGENT,
      ...(wanted.headers ?? []),
    ],
    body: wanted.body ?? EMPTY,
  }
}
