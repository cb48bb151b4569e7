/**
 * How are the tokens of the API written down? One line each, `ROLE NAME HASH`, never the token itself.
 *
 * A token has 256 bits of chance, so one round of SHA-256 is enough: nobody finds it by trying, and a
 * slow hash would let strangers burn our processor.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** `read` asks, `operate` also gives orders. */
export const API_ROLES = ['read', 'operate'] as const
export type ApiRole = (typeof API_ROLES)[number]

export interface ApiToken {
  role: ApiRole
  /** For the log: who asked. */
  name: string
  /** SHA-256 of the token, hexadecimal. */
  hash: string
}

const TOKEN_BYTES = 32
/** So that a token that lies about is known for what it is. */
const PREFIX = 'tandem_'
/** More lines than a pair can have users; the comparison looks at all of them. */
const TOKENS_MAX = 100

/** A new token; it is shown once and not kept. */
export function newToken(): string {
  return PREFIX + randomBytes(TOKEN_BYTES).toString('base64url')
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** A name may stand in a log line and in a header. */
export function isTokenName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)
}

export type ParsedTokens =
  | { ok: true; tokens: ApiToken[] }
  | {
      ok: false
      /** From 1; 0 for the file as a whole. */
      line: number
      why: string
      mend: string
    }

/** Reads the file; empty lines and those beginning with `#` say nothing. */
export function parseTokens(text: string): ParsedTokens {
  const tokens: ApiToken[] = []
  for (const [index, written] of text.split('\n').entries()) {
    const line = written.trim()
    if (line === '' || line.startsWith('#')) continue
    const wrong = (why: string, mend: string): ParsedTokens => ({
      ok: false,
      ...{ line: index + 1, why, mend },
    })
    const [role = '', name = '', hash = '', ...rest] = line.split(/\s+/)
    const known = API_ROLES.find((candidate) => candidate === role)
    if (known === undefined) return wrong('does not begin with a role', 'write read or operate')
    if (!isTokenName(name))
      return wrong('has no usable name', 'write letters, digits, ".", "_", "-"')
    if (!/^[0-9a-f]{64}$/.test(hash) || rest.length > 0) {
      return wrong('has no hash of a token at its end', 'make the line with "tandem token new"')
    }
    if (tokens.some((token) => token.name === name)) {
      return wrong(`names ${name} a second time`, 'remove one of the two lines')
    }
    tokens.push({ role: known, name, hash })
  }
  if (tokens.length <= TOKENS_MAX) return { ok: true, tokens }
  const why = `holds ${tokens.length} tokens, more than ${TOKENS_MAX}`
  return { ok: false, line: 0, why, mend: 'remove those that nobody uses' }
}

export function formatToken({ role, name, hash }: ApiToken): string {
  return `${role} ${name} ${hash}\n`
}

/** Whose token it is. Takes the same time whichever it is, and whether it is one at all. */
export function ownerOf(presented: string, tokens: readonly ApiToken[]): ApiToken | null {
  const hash = Buffer.from(hashToken(presented), 'hex')
  let owner: ApiToken | null = null
  for (const token of tokens) {
    if (timingSafeEqual(hash, Buffer.from(token.hash, 'hex'))) owner = token
  }
  return owner
}
