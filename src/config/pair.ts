/**
 * Which two hosts are the pair?
 *
 * From our host section to the peer's and back: each must name the other, and they must have
 * different names inside the pair. Whether their addresses go together is `conflict.ts`.
 */
import type { NodeName } from '../core/policy.ts'
import type { Findings } from './finding.ts'
import { type HostSection, readHost } from './host.ts'
import { nearMiss } from './near-miss.ts'
import { type NodeIdentity, nodeOfHost } from './node-name.ts'
import { type MapTree, placeUnder } from './tree.ts'

export interface Pair {
  node: NodeName
  ours: HostSection
  theirs: HostSection
  /** Every other host in network.yml, read without complaint. */
  others: readonly HostSection[]
}

/**
 * Reads both host sections and checks that they belong together.
 *
 * @returns null when there is no peer to speak of; then a mistake was told
 */
export function readPair(
  identity: NodeIdentity,
  hosts: MapTree,
  readers: { findings: Findings; silent: Findings },
): Pair | null {
  const { findings, silent } = readers
  const ourTree = hostTree(identity.hostName, hosts, findings)
  if (ourTree === null) return null
  const ours = readHost(identity.hostName, ourTree, findings)
  const peerName = findPeer(ours, hosts, findings)
  if (peerName === null) return null
  const peerTree = hostTree(peerName, hosts, findings)
  if (peerTree === null) return null
  const theirs = readHost(peerName, peerTree, findings)
  checkWayBack(ours, theirs, findings)
  if (nodeOfHost(peerName, hosts) === identity.node) {
    const why = `is ${identity.node} inside the pair, and so is its peer ${ours.name}`
    findings.error(theirs.tree.place, why, 'give one host each the names sp1 and sp2')
  } else if (nodeOfHost(peerName, hosts) === null) {
    const mend = 'add "nodename: sp1" or "nodename: sp2" to the host section'
    findings.error(theirs.tree.place, 'does not tell which node of the pair the peer is', mend)
  }
  // Told above; everything that follows from it would only hide that.
  if (ours.interfaces.length === 0 || theirs.interfaces.length === 0) return null
  const others: HostSection[] = []
  for (const [name, tree] of hosts.entries) {
    if (name === ours.name || name === theirs.name || tree.kind !== 'map') continue
    others.push(readHost(name, tree, silent))
  }
  return { node: identity.node, ours, theirs, others }
}

function hostTree(name: string, hosts: MapTree, findings: Findings): MapTree | null {
  const tree = hosts.entries.get(name)
  if (tree?.kind === 'map') return tree
  const at = tree ?? placeUnder(hosts, name)
  findings.error(at, 'holds nothing about the host', 'describe its interfaces and its peer')
  return null
}

function findPeer(ours: HostSection, hosts: MapTree, findings: Findings): string | null {
  const { peer } = ours
  if (peer === null) {
    const mend = 'name the other host of the pair, as "peer: sp2"'
    findings.error(placeUnder(ours.tree, 'peer'), 'is missing', mend)
    return null
  }
  if (peer.text === ours.name) {
    findings.error(peer, 'names the host itself', 'name the other host of the pair')
    return null
  }
  if (hosts.entries.has(peer.text)) return peer.text
  const others = [...hosts.entries.keys()].filter((name) => name !== ours.name)
  const meant = nearMiss(peer.text, others)
  const mend = meant === null ? 'add the section of that host' : `did you mean ${meant}?`
  findings.error(peer, `is not a key under ${hosts.place.key}`, mend)
  return null
}

function checkWayBack(ours: HostSection, theirs: HostSection, findings: Findings): void {
  const { peer } = theirs
  if (peer?.text === ours.name) return
  const mend = `write "peer: ${ours.name}"`
  if (peer === null) {
    findings.error(placeUnder(theirs.tree, 'peer'), 'is missing', mend)
  } else {
    const why = `does not point back to ${ours.name}, whose peer is ${theirs.name}`
    findings.error(peer, why, mend)
  }
}
