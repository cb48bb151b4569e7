/**
 * A request was answered 401 or 407: may it be asked once more, and with what?
 *
 * Each realm is answered once; a second challenge of the same realm is a refusal, unless it says that only
 * the nonce was stale, which is believed once (RFC 7616 section 3.3). A proxy and the server behind it may
 * both ask, so answers add up. The first challenge that we can answer counts: the server's order is its
 * preference (RFC 8760 section 2.4).
 */
import { type Challenge, type Credentials, digestAnswer, readChallenge } from './digest.ts'
import { newToken } from './endpoint.ts'
import { type Header, headersOf, type SipResponse } from './message.ts'

/** Who names new realms for ever does not keep us asking for ever. */
const REALMS_MAX = 3

interface Answered {
  name: 'authorization' | 'proxy-authorization'
  challenge: Challenge
  staleBelieved: boolean
}

export class Authenticator {
  readonly #credentials: Credentials | null
  readonly #answered = new Map<string, Answered>()

  constructor(credentials: Credentials | null) {
    this.#credentials = credentials
  }

  /** @returns true when the request may be sent once more, with `headers` of a new cnonce */
  takes(response: SipResponse): boolean {
    const { status } = response
    if (this.#credentials === null || (status !== 401 && status !== 407)) return false
    const asked = status === 401 ? 'www-authenticate' : 'proxy-authenticate'
    const name = status === 401 ? 'authorization' : 'proxy-authorization'
    const challenge = headersOf(response, asked)
      .map(readChallenge)
      .find((read) => read !== null)
    if (challenge === undefined) return false
    const key = `${name} ${challenge.realm}`
    const earlier = this.#answered.get(key)
    const staleBelieved = earlier !== undefined
    if (earlier !== undefined && (!challenge.stale || earlier.staleBelieved)) return false
    if (earlier === undefined && this.#answered.size >= REALMS_MAX) return false
    this.#answered.set(key, { name, challenge, staleBelieved })
    return true
  }

  /** What a request with this method and Request-URI has to carry; none before the first challenge. */
  headers(method: string, uri: string): Header[] {
    const credentials = this.#credentials
    if (credentials === null) return []
    return [...this.#answered.values()].map(({ name, challenge }) => ({
      name,
      // Each challenge is answered anew for each request, hence never a second count of a nonce.
      value: digestAnswer({ challenge, credentials, method, uri, cnonce: newToken(), count: 1 }),
    }))
  }
}
