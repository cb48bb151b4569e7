/**
 * Which ways do heartbeats travel directly between the nodes?
 *
 * The crosslink is every interface of type `ha_int`; the service LAN is every other interface with a
 * floating IP or a gateway; further ones are named. A way needs an address on both hosts. IPv4 is
 * taken where both have it, because it is what operators look for in a capture.
 */
import { kindOf } from './address.ts'
import type { AddressFamily, PathConfig } from './config.ts'
import type { Findings } from './finding.ts'
import type { HostSection, InterfaceSection } from './host.ts'
import { nearMiss } from './near-miss.ts'
import type { Pair } from './pair.ts'
import { child, placeUnder, type ScalarTree } from './tree.ts'

interface Link {
  kind: PathConfig['kind']
  ours: InterfaceSection
  theirs: InterfaceSection
}

/** The paths of the pair, the crosslink first. */
export function readPaths(
  pair: Pair,
  extra: readonly ScalarTree[],
  findings: Findings,
): PathConfig[] {
  const crosslinks = findCrosslinks(pair, findings)
  const lan = findLan(pair)
  const known = [...crosslinks, ...lan]
  const links = [...known, ...findExtra(pair, { extra, known }, findings)]
  const paths = links.flatMap((link) => toPath(link, links, findings) ?? [])
  const list = child(pair.ours.tree, 'interfaces')
  const at = list?.place ?? placeUnder(pair.ours.tree, 'interfaces')
  if (paths.length === 0) {
    const why = 'give no way for heartbeats: no interface has an address on both hosts'
    findings.error(at, why, 'give both hosts an interface of type ha_int with an address')
  } else if (paths.length === 1) {
    findings.warning(
      at,
      `give heartbeats a single way, ${paths[0]?.name} on ${paths[0]?.interface}`,
      'add a second one: an interface of type ha_int, or a name under tandem.paths',
    )
  }
  return paths
}

/** Whether the interface is the crosslink by its type. */
export function isCrosslink(section: InterfaceSection): boolean {
  return section.name !== 'lo' && section.types.includes('ha_int')
}

function findCrosslinks(pair: Pair, findings: Findings): Link[] {
  const ours = pair.ours.interfaces.filter(isCrosslink)
  const theirs = pair.theirs.interfaces.filter(isCrosslink)
  const links: Link[] = []
  for (const section of ours) {
    const other = theirs.find((one) => one.name === section.name)
    if (other !== undefined) links.push({ kind: 'crosslink', ours: section, theirs: other })
  }
  const [onlyOurs, more] = ours
  const [onlyTheirs, moreTheirs] = theirs
  // One cable, and the two machines name its ends differently.
  const single = more === undefined && moreTheirs === undefined
  if (links.length === 0 && single && onlyOurs !== undefined && onlyTheirs !== undefined) {
    return [{ kind: 'crosslink', ours: onlyOurs, theirs: onlyTheirs }]
  }
  for (const section of ours) {
    if (!links.some((link) => link.ours === section)) {
      tellOneSided(section, pair.theirs, findings)
    }
  }
  for (const section of theirs) {
    if (!links.some((link) => link.theirs === section)) {
      tellOneSided(section, pair.ours, findings)
    }
  }
  return links
}

function tellOneSided(section: InterfaceSection, other: HostSection, findings: Findings): void {
  const at = section.tree.entries.get('type')?.place ?? section.tree.place
  const why = `says ha_int, but ${section.name} of ${other.name} is not of that type`
  findings.warning(at, why, 'give both ends of the crosslink the type ha_int')
}

function findLan(pair: Pair): Link[] {
  return pair.ours.interfaces.flatMap((ours): Link[] => {
    if (ours.name === 'lo' || isCrosslink(ours)) return []
    const serves = [ours.families[4], ours.families[6]].some(
      (part) => part.floating.length > 0 || part.gateway !== null,
    )
    const theirs = pair.theirs.interfaces.find((one) => one.name === ours.name)
    return serves && theirs !== undefined ? [{ kind: 'lan', ours, theirs }] : []
  })
}

function findExtra(
  pair: Pair,
  told: { extra: readonly ScalarTree[]; known: readonly Link[] },
  findings: Findings,
): Link[] {
  const names = pair.ours.interfaces.map((section) => section.name)
  return told.extra.flatMap((tree): Link[] => {
    const ours = pair.ours.interfaces.find((section) => section.name === tree.text)
    const theirs = pair.theirs.interfaces.find((section) => section.name === tree.text)
    if (ours === undefined || theirs === undefined) {
      const host = ours === undefined ? pair.ours.name : pair.theirs.name
      const meant = nearMiss(tree.text, names)
      const mend = meant === null || meant === tree.text ? null : `did you mean ${meant}?`
      const why = `is not an interface of ${host} in network.yml`
      findings.error(tree, why, mend ?? 'name an interface that both hosts have')
      return []
    }
    if (told.known.some((link) => link.ours === ours)) {
      findings.warning(tree, 'carries heartbeats anyway', 'remove it from the list')
      return []
    }
    return [{ kind: 'extra', ours, theirs }]
  })
}

function toPath(link: Link, links: readonly Link[], findings: Findings): PathConfig | null {
  const { kind, ours, theirs } = link
  const several = links.filter((other) => other.kind === kind).length > 1
  for (const family of [4, 6] as const) {
    const ourAddress = usable(ours, family)
    const peerAddress = usable(theirs, family)
    if (ourAddress === null || peerAddress === null) continue
    const name = several ? `${kind}:${ours.name}` : kind
    return { name, kind, interface: ours.name, family, ourAddress, peerAddress }
  }
  // An interface that only carries shared addresses is no mistake, it is just no path.
  const meant = kind !== 'lan' || [4, 6].some((family) => hasOwn(ours, family as AddressFamily))
  if (meant) {
    const why = 'cannot carry heartbeats: the two hosts have no address of the same family on it'
    const mend = 'give both hosts an address on it, IPv4 or a routed IPv6'
    findings.warning(ours.tree.place, why, mend)
  }
  return null
}

function hasOwn(section: InterfaceSection, family: AddressFamily): boolean {
  return section.families[family].own !== null
}

function usable(section: InterfaceSection, family: AddressFamily): string | null {
  const own = section.families[family].own
  // Link-local addresses mean nothing without the interface they belong to.
  return own !== null && kindOf(own.address) === 'unicast' ? own.address.text : null
}
