/**
 * Why did a transport fail, in a word and in a sentence?
 *
 * Codes are those of errno(3) and of the TLS library; people and exit codes need fewer kinds.
 */

export type TroubleKind =
  /** Somebody is there, and nobody listens on the port. */
  | 'port-closed'
  /** No way there, or no such name. */
  | 'unreachable'
  /** The certificate, or TLS itself. */
  | 'tls'
  /** Nothing came in time, not even a connection. */
  | 'silent'
  /** The other end closed the connection. */
  | 'ended'
  /** Our own side: address not ours, port in use, not permitted. */
  | 'local'

export interface Trouble {
  kind: TroubleKind
  /** Continues "udp 10.0.0.50:5060: …". Never holds a secret. */
  sentence: string
}

const KNOWN: Readonly<Record<string, Trouble>> = {
  ECONNREFUSED: { kind: 'port-closed', sentence: 'the port is closed (ECONNREFUSED)' },
  EHOSTUNREACH: { kind: 'unreachable', sentence: 'the host cannot be reached (EHOSTUNREACH)' },
  ENETUNREACH: { kind: 'unreachable', sentence: 'there is no route (ENETUNREACH)' },
  EHOSTDOWN: { kind: 'unreachable', sentence: 'the host is down (EHOSTDOWN)' },
  ENETDOWN: { kind: 'unreachable', sentence: 'the network is down (ENETDOWN)' },
  EINVAL: { kind: 'unreachable', sentence: 'there is no way from our address to it (EINVAL)' },
  ENOTFOUND: { kind: 'unreachable', sentence: 'the name is not known (ENOTFOUND)' },
  EAI_AGAIN: { kind: 'unreachable', sentence: 'the name could not be looked up (EAI_AGAIN)' },
  ETIMEDOUT: { kind: 'silent', sentence: 'nothing came back in time (ETIMEDOUT)' },
  ECONNRESET: { kind: 'ended', sentence: 'the connection was reset (ECONNRESET)' },
  EPIPE: { kind: 'ended', sentence: 'the connection was closed (EPIPE)' },
  EADDRNOTAVAIL: { kind: 'local', sentence: 'our address is not on this host (EADDRNOTAVAIL)' },
  EADDRINUSE: { kind: 'local', sentence: 'our port is in use (EADDRINUSE)' },
  EACCES: { kind: 'local', sentence: 'sending is not permitted (EACCES)' },
  EPERM: { kind: 'local', sentence: 'a local firewall forbids it (EPERM)' },
}

/**
 * @param error     as a socket told it
 * @param overTls   what is not known otherwise is then the certificate's or the handshake's
 */
export function troubleOf(error: unknown, overTls = false): Trouble {
  const code = codeOf(error)
  const known = KNOWN[code]
  if (known !== undefined) return known
  const detail = error instanceof Error ? oneLine(reasonOf(error) ?? error.message) : code
  if (overTls) return { kind: 'tls', sentence: `TLS was not agreed on: ${detail}` }
  return { kind: 'unreachable', sentence: `the transport failed: ${detail}` }
}

export function silentFor(limitMs: number, what: string): Trouble {
  return { kind: 'silent', sentence: `no ${what} within ${Math.round(limitMs)} ms` }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'UNKNOWN'
}

/** OpenSSL's own words, without the place in its source that the message begins and ends with. */
function reasonOf(error: Error): string | null {
  const reason = 'reason' in error ? error.reason : undefined
  return typeof reason === 'string' && error.message.includes(':error:') ? reason : null
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 200)
}
