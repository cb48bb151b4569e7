/**
 * How do we prove that we know a password without saying it?
 *
 * Digest of RFC 3261 section 22, RFC 7616 and RFC 8760: MD5 and SHA-256, qop auth or none. Not done: the
 * `-sess` algorithms and auth-int, which no SIP server asks for by default. The password stays in a private
 * field and in the hash: it is in no text, no error and no printed object.
 */
import { createHash } from 'node:crypto'
import { paramsOf, quote } from './header-value.ts'

export interface Challenge {
  realm: string
  nonce: string
  opaque: string | null
  algorithm: 'MD5' | 'SHA-256'
  /** As it was spelled; null when it was not named and must not be answered. */
  algorithmText: string | null
  /** False: the old form without qop, cnonce and count. */
  qopAuth: boolean
  /** Our password may be right: only the nonce is too old. */
  stale: boolean
}

/** A user and the password, which nothing can read out again. */
export class Credentials {
  readonly username: string
  readonly #password: string

  constructor(username: string, password: string) {
    this.username = username
    this.#password = password
  }

  /** H(A1) of RFC 7616. */
  secretFor({ realm, algorithm }: Challenge): string {
    return hash(algorithm, `${this.username}:${realm}:${this.#password}`)
  }
}

/** @returns null for what we cannot answer: another scheme, another algorithm, auth-int alone */
export function readChallenge(value: string): Challenge | null {
  const [, scheme = '', rest = ''] = /^(\S+)\s+(.*)$/s.exec(value.trim()) ?? []
  if (scheme.toLowerCase() !== 'digest') return null
  const params = paramsOf(commaParts(rest))
  const realm = params.get('realm')
  const nonce = params.get('nonce')
  const named = params.get('algorithm') ?? null
  const algorithm = named === null ? 'MD5' : algorithmOf(named)
  if (realm === undefined || nonce === undefined || algorithm === null) return null
  const qop = params.get('qop')
  const offers = (qop ?? '').split(',').map((word) => word.trim().toLowerCase())
  const qopAuth = offers.includes('auth')
  if (qop !== undefined && qop.trim() !== '' && !qopAuth) return null
  return {
    realm,
    nonce,
    opaque: params.get('opaque') ?? null,
    algorithm,
    algorithmText: named,
    qopAuth,
    stale: params.get('stale')?.toLowerCase() === 'true',
  }
}

export interface DigestQuestion {
  challenge: Challenge
  credentials: Credentials
  method: string
  /** The Request-URI, as it stands in the request. */
  uri: string
  cnonce: string
  /** How often this nonce was answered, this time included. */
  count: number
}

/** What goes into Authorization or Proxy-Authorization. */
export function digestAnswer(question: DigestQuestion): string {
  const { challenge, credentials, method, uri, cnonce, count } = question
  const { realm, nonce, opaque, algorithm, algorithmText, qopAuth } = challenge
  const countText = count.toString(16).padStart(8, '0')
  const middle = qopAuth ? [nonce, countText, cnonce, 'auth'] : [nonce]
  const proof = hash(
    algorithm,
    [credentials.secretFor(challenge), ...middle, hash(algorithm, `${method}:${uri}`)].join(':'),
  )
  const parts = [
    `username=${quote(credentials.username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response="${proof}"`,
    ...(algorithmText === null ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === null ? [] : [`opaque=${quote(opaque)}`]),
    ...(qopAuth ? ['qop=auth', `nc=${countText}`, `cnonce="${cnonce}"`] : []),
  ]
  return `Digest ${parts.join(', ')}`
}

function hash(algorithm: Challenge['algorithm'], text: string): string {
  return createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
    .update(text, 'utf8')
    .digest('hex')
}

function algorithmOf(name: string): Challenge['algorithm'] | null {
  const upper = name.toUpperCase()
  return upper === 'MD5' || upper === 'SHA-256' ? upper : null
}

/** Parameters at commas outside of quotes: `qop="auth,auth-int"` is one. */
function commaParts(text: string): string[] {
  return [...text.matchAll(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/gs)].map(([part]) => part.trim())
}
