/**
 * Does whoever listens there answer SIP?
 *
 * One OPTIONS without a user part, on a socket of its own that is always closed. A closed port is told at
 * once; whoever is frozen costs the limit.
 *
 * Any final answer shows that a worker read our request and wrote one, so 4xx is alive: an OPTIONS that
 * goes round until Max-Forwards is over gets 483. A 5xx says that the service fails at its work, with one
 * exception: 503 is how a service refuses new work on purpose (RFC 3261 section 21.5.4), draining before
 * it is stopped or overloaded; a supervisor that restarts it would cut the calls it is still carrying.
 */
import { SipEndpoint } from './endpoint.ts'
import type { Trust } from './flow.ts'
import { EMPTY, type SipRequest } from './message.ts'
import { newRequest } from './request.ts'
import { silentFor, type Trouble } from './trouble.ts'
import { hostText, type Place, placeText, type Transport } from './uri.ts'

export interface OptionsTarget {
  transport: Transport
  /** Numeric. */
  address: string
  port: number
  /** Certificates in PEM that the server's must come from; without it none is checked. */
  ca?: string
}

export interface OptionsResult {
  ok: boolean
  /** Of the final answer; null when there was none. */
  status: number | null
  /** The words behind the status; empty without an answer. */
  reason: string
  durationMs: number
  /** One sentence with the target; null when all is well. */
  why: string | null
}

/**
 * Hops that the request may take. Enough for a proxy that hands it to another; SEMS with the transparent
 * profile sends it to itself until they are used up, and 70 of these rounds would be load for nothing.
 */
const MAX_FORWARDS = 10

/**
 * Asks once.
 *
 * @param limitMs  for everything, connection and TLS included
 * @returns never rejects
 */
export async function sipOptions(target: OptionsTarget, limitMs: number): Promise<OptionsResult> {
  const startedMs = performance.now()
  const { transport, address, port } = target
  const peer: Place = { address, port }
  const where = `${transport} ${placeText(peer)}`
  const spent = (): number => performance.now() - startedMs
  const failed = ({ sentence }: Trouble): OptionsResult => {
    return {
      ok: false,
      status: null,
      reason: '',
      durationMs: spent(),
      why: `${where}: ${sentence}`,
    }
  }
  const endpoint = new SipEndpoint({
    localAddress: null,
    localPort: null,
    trust: trustOf(target),
    onRequest: ({ answer }) => answer({ status: 481, reason: 'No Such Call', tag: 'none' }),
  })
  try {
    // No name is compared: a probe goes to an address, and certificates are made for domains.
    const opened = await endpoint.open({ transport, peer, names: [] }, limitMs)
    if (!opened.ok) return failed(opened.trouble)
    const transaction = endpoint.begin(optionsRequest(peer, opened.flow.local), opened.flow)
    const end = await transaction.wait(limitMs - spent())
    switch (end.type) {
      case 'failed':
        return failed(end.trouble)
      case 'silent':
        return failed(silentFor(limitMs, 'answer to OPTIONS'))
      case 'answered': {
        const { status, reason } = end.response
        const ok = isAlive(status)
        const why = ok ? null : `${where}: OPTIONS was answered ${status} ${reason}`.trimEnd()
        return { ok, status, reason, durationMs: spent(), why }
      }
    }
  } finally {
    endpoint.close()
  }
}

/** See the head of this file. */
export function isAlive(status: number): boolean {
  return status < 500 || status >= 600 || status === 503
}

function optionsRequest(peer: Place, local: Place): SipRequest {
  return newRequest({
    method: 'OPTIONS',
    uri: `sip:${placeText(peer)}`,
    from: `<sip:check@${hostText(local.address.replace(/%.*$/, ''))}>`,
    to: `<sip:${placeText(peer)}>`,
    maxForwards: MAX_FORWARDS,
    headers: [{ name: 'accept', value: 'application/sdp' }],
    body: EMPTY,
  })
}

function trustOf({ ca }: OptionsTarget): Trust {
  return ca === undefined ? { check: false } : { check: true, ca }
}
