/**
 * Which subscriber is meant? As people write one: `alice@example.org`, or a whole SIP URI.
 */
import { readUri } from './uri.ts'

export type Subscriber =
  | { ok: true; uri: string; user: string }
  /** `why` continues the name of what was given; `secret`: it may hold a password, and is not to be shown. */
  | { ok: false; why: string; secret: boolean }

/** `alice@example.org` or `sip:alice@example.org:5080;user=phone`. */
export function readSubscriber(value: string): Subscriber {
  if (/^(sips?:)?[^@]*:[^@]*@/i.test(value.replace(/^sips?:/i, ''))) {
    return { ok: false, why: 'holds a password', secret: true }
  }
  const uri = /^sips?:/i.test(value) ? value : `sip:${value}`
  const read = readUri(uri)
  if (read === null || read.user === null) {
    return { ok: false, why: 'is not USER@HOST, such as alice@example.org', secret: false }
  }
  if (read.scheme === 'sips') {
    return { ok: false, why: 'asks for sips; write sip: and the transport tls', secret: false }
  }
  return { ok: true, uri: uri.replace(/\?.*$/, ''), user: read.user }
}
