/**
 * What does network.yml say about one host?
 *
 * Reads a host section of the platform into addresses and interfaces. Tells what is wrong with a
 * single value; how values go together is judged elsewhere (`pair.ts`, `conflict.ts`). Keys of the
 * platform that mean nothing to us are left alone.
 */
import { type Address, parseAddress, parsePrefixLength } from './address.ts'
import type { AddressFamily } from './config.ts'
import type { Findings } from './finding.ts'
import { nearMiss } from './near-miss.ts'
import { readText, readTexts, readYesNo } from './scalar.ts'
import { child, type MapTree, placeUnder, type ScalarTree, type Tree } from './tree.ts'

/** An address and where it was written. */
export interface WrittenAddress {
  address: Address
  tree: ScalarTree
}

/** What an interface has of one address family. */
export interface InterfaceFamily {
  own: WrittenAddress | null
  /** Of the interface's network; null when not given. */
  prefixLength: number | null
  floating: readonly WrittenAddress[]
  gateway: WrittenAddress | null
  /** The interface has no address of its own on purpose. */
  sharedOnly: boolean
}

export interface InterfaceSection {
  name: string
  tree: MapTree
  types: readonly string[]
  families: Readonly<Record<AddressFamily, InterfaceFamily>>
  nameServers: readonly WrittenAddress[]
  hardwareAddress: ScalarTree | null
}

export interface HostSection {
  name: string
  tree: MapTree
  peer: ScalarTree | null
  databaseNode: ScalarTree | null
  interfaces: readonly InterfaceSection[]
}

/** Keys we read, by family. */
const FAMILY_KEYS = {
  4: {
    own: 'ip',
    mask: 'netmask',
    floating: 'shared_ip',
    gateway: 'gateway',
    sharedOnly: 'shared_ip_only',
  },
  6: {
    own: 'v6ip',
    mask: 'v6netmask',
    floating: 'shared_v6ip',
    gateway: 'v6gateway',
    sharedOnly: 'shared_v6ip_only',
  },
} as const

const READ_KEYS: readonly string[] = [
  ...Object.values(FAMILY_KEYS[4]),
  ...Object.values(FAMILY_KEYS[6]),
  'type',
  'dns_nameservers',
  'hwaddr',
]

/** Other keys of the platform, so that they are not taken for slips. */
const FOREIGN_KEYS: readonly string[] = [
  'advertised_ip',
  'cluster_sets',
  'dhcp',
  'v6dhcp',
  'manual',
  'v6manual',
  'mtu',
  'broadcast',
  'dns_search',
]

/** Reads a host section; anything it cannot use is told and left out. */
export function readHost(name: string, tree: MapTree, findings: Findings): HostSection {
  const listed = readTexts(child(tree, 'interfaces'), findings)
  if (listed.length === 0) {
    findings.error(
      child(tree, 'interfaces') ?? placeUnder(tree, 'interfaces'),
      'lists no interface',
      'list the interfaces of the host, as "- eth0"',
    )
  }
  const interfaces: InterfaceSection[] = []
  const seen = new Set<string>()
  for (const item of listed) {
    if (seen.has(item.text)) continue
    seen.add(item.text)
    const section = child(tree, item.text)
    if (section?.kind === 'map') {
      interfaces.push(readInterface(item.text, section, findings))
    } else {
      const why = `is listed, but ${tree.place.key} has no section ${item.text}`
      findings.error(item, why, `add the section ${item.text} or take it off the list`)
    }
  }
  if (listed.length > 0) checkUnlisted(tree, seen, findings)
  return {
    name,
    tree,
    peer: readText(child(tree, 'peer'), findings),
    databaseNode: readText(child(tree, 'dbnode'), findings),
    interfaces,
  }
}

/** A section with addresses that nobody listed would be silently without effect. */
function checkUnlisted(host: MapTree, listed: ReadonlySet<string>, findings: Findings): void {
  for (const [key, value] of host.entries) {
    if (value.kind !== 'map') {
      const meant = nearMiss(key, ['interfaces', 'peer'])
      if (meant !== null && meant !== key) {
        findings.warning(value, 'is not a key we know', `did you mean ${meant}?`)
      }
    } else if (!listed.has(key) && READ_KEYS.some((name) => value.entries.has(name))) {
      findings.error(
        value.place,
        `is not listed in ${host.place.key}.interfaces and so has no effect`,
        `add ${key} to that list or remove the section`,
      )
    }
  }
}

function readInterface(name: string, tree: MapTree, findings: Findings): InterfaceSection {
  for (const [key, value] of tree.entries) {
    if (READ_KEYS.includes(key) || FOREIGN_KEYS.includes(key)) continue
    const meant = nearMiss(key, READ_KEYS)
    if (meant !== null) {
      findings.warning(value, 'is not a key we know', `did you mean ${meant}?`)
    }
  }
  const servers = readTexts(child(tree, 'dns_nameservers'), findings)
  return {
    name,
    tree,
    types: readTexts(child(tree, 'type'), findings).map((type) => type.text),
    families: { 4: readFamily(tree, 4, findings), 6: readFamily(tree, 6, findings) },
    nameServers: servers.flatMap((server) => readAddress(server, null, findings) ?? []),
    hardwareAddress: readText(child(tree, 'hwaddr'), findings),
  }
}

function readFamily(tree: MapTree, family: AddressFamily, findings: Findings): InterfaceFamily {
  const keys = FAMILY_KEYS[family]
  const one = (key: string): WrittenAddress | null => {
    const text = readText(child(tree, key), findings)
    // The platform's tools write these words where an address comes from elsewhere.
    if (text === null || text.text === 'none' || text.text === 'auto') return null
    return readAddress(text, family, findings)
  }
  return {
    own: one(keys.own),
    prefixLength: readMask(child(tree, keys.mask), family, findings),
    floating: readTexts(child(tree, keys.floating), findings).flatMap(
      (item) => readAddress(item, family, findings) ?? [],
    ),
    gateway: one(keys.gateway),
    sharedOnly: readYesNo(child(tree, keys.sharedOnly), findings) === true,
  }
}

/** Reads an address of the family asked for, or of any when that is null. */
export function readAddress(
  tree: ScalarTree,
  family: AddressFamily | null,
  findings: Findings,
): WrittenAddress | null {
  const address = parseAddress(tree.text)
  if (address !== null && (family === null || address.family === family)) return { address, tree }
  const wanted = family === null ? 'an IP address' : `an IPv${family} address`
  const prefixed = /^(.*)\/\d+$/.exec(tree.text)?.[1]
  const mend =
    prefixed !== undefined && parseAddress(prefixed) !== null
      ? `write ${prefixed}; the prefix length belongs into the netmask`
      : `write ${wanted}`
  findings.error(tree, `is not ${wanted}`, mend)
  return null
}

function readMask(
  tree: Tree | undefined,
  family: AddressFamily,
  findings: Findings,
): number | null {
  const scalar = readText(tree, findings)
  if (scalar === null || scalar.text === 'none' || scalar.text === 'auto') return null
  const prefixLength = parsePrefixLength(scalar.text, family)
  if (prefixLength !== null) return prefixLength
  const example = family === 4 ? '255.255.255.0 or 24' : '64'
  findings.error(scalar, `is not a netmask for IPv${family}`, `write it as ${example}`)
  return null
}
