/**
 * How is one request asked until it is answered for good, challenges included?
 *
 * For everything but INVITE, whose answers belong to a call (outgoing-call.ts).
 */
import { Authenticator } from './authenticator.ts'
import type { TransactionEnd } from './client-transaction.ts'
import type { Credentials } from './digest.ts'
import type { SipEndpoint } from './endpoint.ts'
import type { Flow } from './flow.ts'
import type { SipRequest } from './message.ts'

export interface Asking {
  endpoint: SipEndpoint
  flow: Flow
  credentials: Credentials | null
  /** The request anew, with the next CSeq, each time it is sent. */
  make: () => SipRequest
  /** For all of it. */
  limitMs: number
}

export async function ask(asking: Asking): Promise<TransactionEnd> {
  const { endpoint, flow, credentials, make, limitMs } = asking
  const authenticator = new Authenticator(credentials)
  const endMs = performance.now() + limitMs
  for (;;) {
    const request = withHeaders(make(), authenticator)
    const end = await endpoint.begin(request, flow).wait(endMs - performance.now())
    if (end.type !== 'answered' || !authenticator.takes(end.response)) return end
  }
}

/** The request with the answers to every challenge so far. */
export function withHeaders(request: SipRequest, authenticator: Authenticator): SipRequest {
  const answers = authenticator.headers(request.method, request.uri)
  return { ...request, headers: [...request.headers, ...answers] }
}
