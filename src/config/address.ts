/**
 * What is an address, and which network is it in?
 *
 * Addresses are compared as numbers, for the same IPv6 address has many spellings. Strict on the way
 * in: no host names, no leading zeros, no zone, no prefix. Knows nothing of the pair.
 *
 * @source RFC 5952 (the one spelling we print), RFC 4291, RFC 1122 3.2.1.3 (special addresses)
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { AddressFamily } from './config.ts'

export interface Address {
  family: AddressFamily
  /** The number the address is. */
  value: bigint
  /** The one spelling used everywhere after this. */
  text: string
}

/** Reads an address; null when it is none or one that cannot be used without more (a zone). */
export function parseAddress(text: string): Address | null {
  if (isIPv4(text)) {
    const value = text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
    return { family: 4, value, text }
  }
  if (!isIPv6(text) || text.includes('%')) return null
  const value = ipv6Value(text)
  // An IPv4 address in IPv6 clothes is one that nobody can be sure about.
  if (value >> 32n === 0xffffn) return null
  return { family: 6, value, text: new URL(`http://[${text}]/`).hostname.slice(1, -1) }
}

function ipv6Value(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const first = groups(head)
  const last = tail === undefined ? [] : groups(tail)
  const zeros: number[] = Array(8 - first.length - last.length).fill(0)
  return [...first, ...zeros, ...last].reduce((sum, group) => sum * 65536n + BigInt(group), 0n)
}

function groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

/** Orders addresses: IPv4 first, then by number. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0
}

/**
 * Reads a netmask in any spelling the platform knows: `255.255.255.0`, `24`, `/24`, `ffff:ffff::`.
 *
 * @returns the prefix length, null when the text is no mask or one with holes
 */
export function parsePrefixLength(text: string, family: AddressFamily): number | null {
  const bits = family === 4 ? 32 : 128
  const number = /^\/?(\d{1,3})$/.exec(text)?.[1]
  if (number !== undefined) return Number(number) <= bits ? Number(number) : null
  const mask = parseAddress(text)
  if (mask === null || mask.family !== family) return null
  const holes = (1n << BigInt(bits)) - 1n - mask.value
  if ((holes & (holes + 1n)) !== 0n) return null
  return bits - (holes === 0n ? 0 : holes.toString(2).length)
}

/** First number of the network the address is in; equal for two addresses in the same network. */
export function networkOf(address: Address, prefixLength: number): bigint {
  const hostBits = BigInt((address.family === 4 ? 32 : 128) - prefixLength)
  return (address.value >> hostBits) << hostBits
}

/** Whether the second address lies in the network of the first. */
export function inNetwork(network: Address, prefixLength: number, address: Address): boolean {
  if (network.family !== address.family) return false
  return networkOf(network, prefixLength) === networkOf(address, prefixLength)
}

export type AddressKind =
  | 'unicast'
  | 'unspecified'
  | 'loopback'
  | 'link-local'
  | 'multicast'
  | 'broadcast'

/** What the address is good for; only `unicast` can be served, pinged and routed. */
export function kindOf(address: Address): AddressKind {
  const { value } = address
  if (value === 0n) return 'unspecified'
  if (address.family === 6) {
    if (value === 1n) return 'loopback'
    if (value >> 118n === 0x3fan) return 'link-local'
    return value >> 120n === 0xffn ? 'multicast' : 'unicast'
  }
  const first = Number(value >> 24n)
  if (first === 0) return 'unspecified'
  if (first === 127) return 'loopback'
  if (value >> 16n === 0xa9fen) return 'link-local'
  if (value === 0xffffffffn) return 'broadcast'
  if (first >= 224) return first < 240 ? 'multicast' : 'broadcast'
  return 'unicast'
}

/** Whether the address names the network itself or all its hosts, and not one host. */
export function isNetworkEdge(address: Address, prefixLength: number): boolean {
  if (address.family === 6 || prefixLength > 30) return false
  const network = networkOf(address, prefixLength)
  const last = network + (1n << BigInt(32 - prefixLength)) - 1n
  return address.value === network || address.value === last
}

/** Resolvers on the public internet, which limit or ignore echo requests. */
const PUBLIC_RESOLVERS: ReadonlyMap<string, string> = new Map([
  ['1.1.1.1', 'Cloudflare'],
  ['1.0.0.1', 'Cloudflare'],
  ['2606:4700:4700::1111', 'Cloudflare'],
  ['2606:4700:4700::1001', 'Cloudflare'],
  ['8.8.8.8', 'Google'],
  ['8.8.4.4', 'Google'],
  ['2001:4860:4860::8888', 'Google'],
  ['2001:4860:4860::8844', 'Google'],
  ['9.9.9.9', 'Quad9'],
  ['149.112.112.112', 'Quad9'],
  ['2620:fe::fe', 'Quad9'],
  ['2620:fe::9', 'Quad9'],
  ['208.67.222.222', 'OpenDNS'],
  ['208.67.220.220', 'OpenDNS'],
  ['2620:119:35::35', 'OpenDNS'],
  ['2620:119:53::53', 'OpenDNS'],
])

/** Who runs the public resolver at this address; null when it is not a known one. */
export function publicResolver(address: Address): string | null {
  return PUBLIC_RESOLVERS.get(address.text) ?? null
}
