/**
 * Which address has a host? Numeric ones as they are, names by the host's resolver (A and AAAA).
 *
 * No SRV and NAPTR of RFC 3263: a test call goes to the host that was named.
 */
import { lookup } from 'node:dns/promises'
import { addressBytes } from '../wire/ip-address.ts'
import { silentFor, type Trouble, troubleOf } from './trouble.ts'

export type Resolved = { ok: true; address: string } | { ok: false; trouble: Trouble }

export async function resolveHost(host: string, limitMs: number): Promise<Resolved> {
  if (addressBytes(host) !== null) return { ok: true, address: host }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Resolved>((resolve) => {
    const trouble = silentFor(limitMs, 'answer of the resolver')
    timer = setTimeout(() => resolve({ ok: false, trouble }), limitMs)
  })
  const asked = lookup(host).then(
    ({ address }): Resolved => ({ ok: true, address }),
    (error: unknown): Resolved => ({ ok: false, trouble: troubleOf(error) }),
  )
  const first = await Promise.race([asked, late])
  clearTimeout(timer)
  return first
}
