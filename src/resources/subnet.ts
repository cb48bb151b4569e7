/**
 * Do two addresses of one interface share a subnet, so that one route serves both?
 */
import { addressBytes } from '../wire/ip-address.ts'

interface Placed {
  interfaceIndex: number
  family: 4 | 6
  address: string
  prefixLength: number
}

/** Whether `other` stands on the same interface and its subnet contains the address. */
export function sharesSubnet(other: Placed, address: Placed): boolean {
  if (other.interfaceIndex !== address.interfaceIndex || other.family !== address.family)
    return false
  return (
    prefixOf(other.address, other.prefixLength) === prefixOf(address.address, other.prefixLength)
  )
}

/** The leading bits of an address as text of zeros and ones. */
function prefixOf(address: string, length: number): string {
  const bits = [...(addressBytes(address) ?? [])].map((byte) => byte.toString(2).padStart(8, '0'))
  return bits.join('').slice(0, length)
}
