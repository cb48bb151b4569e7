/**
 * How does a datagram socket resolve an address that is a literal already? At once.
 *
 * Node sends every destination through a lookup; the standard one costs a turn of the loop.
 */
import { isIPv6 } from 'node:net'

type Done = (error: NodeJS.ErrnoException | null, address: string, family: number) => void

/** A `lookup` for `createSocket` that only knows literal addresses. */
export function literalLookup(address: string, ...rest: unknown[]): void {
  const done = rest.at(-1) as Done
  done(null, address, isIPv6(address) ? 6 : 4)
}
