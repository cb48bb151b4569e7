/**
 * Who is asking, and what may he do? By a token, or by the certificate of the connection.
 *
 * A token comes as `Authorization: Bearer TOKEN`, or as the password of `Basic` beside its name, for
 * browsers and load-balancers that know nothing else. Nothing here answers anybody.
 */
import type { ApiConfig } from '../config/config.ts'
import { type ApiRole, type ApiToken, ownerOf } from '../wire/api-tokens.ts'

export interface Asker {
  /** Of the token, or the common name of the certificate. */
  name: string
  role: ApiRole
}

/** What can be answered to everybody where the configuration says so. */
const OPEN_PATHS: Readonly<Record<string, 'role' | 'health' | 'metrics'>> = {
  '/active': 'role',
  '/standby': 'role',
  '/readiness': 'role',
  '/health': 'health',
  '/liveness': 'health',
  '/metrics': 'metrics',
}

/** Whether a request needs no credentials. */
export function isOpen(
  { method, url }: { method: string; url: string },
  open: ApiConfig['open'],
): boolean {
  const word = Object.hasOwn(OPEN_PATHS, url) ? OPEN_PATHS[url] : undefined
  return (method === 'GET' || method === 'HEAD') && word !== undefined && open.includes(word)
}

/** @returns null: a stranger */
export function askerByToken(
  authorization: string | undefined,
  tokens: readonly ApiToken[],
): Asker | null {
  const [, scheme = '', value = ''] =
    /^(bearer|basic) +([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? []
  if (scheme === '') return null
  if (scheme.toLowerCase() === 'bearer') return ownerOf(value, tokens)
  const [, name = '', token = ''] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString('latin1')) ?? []
  const owner = ownerOf(token, tokens)
  return owner !== null && owner.name === name ? owner : null
}

/** @param commonName  of a certificate that was verified already; null: there is none */
export function askerByCertificate(
  commonName: string | null,
  clients: readonly { subject: string; role: ApiRole }[],
): Asker | null {
  const client = clients.find(({ subject }) => subject === commonName)
  return client === undefined ? null : { name: client.subject, role: client.role }
}
