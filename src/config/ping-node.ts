/**
 * Which third parties tell us whether our network works?
 *
 * Those the configuration names, and the gateways and name servers of network.yml where it asks for
 * them or names none: without any ping node neither node could judge, and the platform once had both
 * nodes active for that reason. The list must come out the same on both nodes, so gateways and name
 * servers of both hosts are taken.
 *
 * @source PROTOCOL, A3 (same ping nodes on both) and "Not protected" (an odd number); the platform's
 *         own rule: named ones first, merged, without duplicates, sorted
 */
import { type Address, compareAddresses, kindOf, publicResolver } from './address.ts'
import type { PingNodeConfig } from './config.ts'
import type { Findings } from './finding.ts'
import { type HostSection, readAddress, type WrittenAddress } from './host.ts'
import type { Pair } from './pair.ts'
import { readTexts, readYesNo } from './scalar.ts'
import { child, isEmpty, type MapTree, type Place, placeUnder } from './tree.ts'

/** More would not judge better and every round costs one request each. */
const PING_NODES_MAX = 32

interface Candidate {
  written: WrittenAddress
  source: PingNodeConfig['source']
}

/**
 * The ping nodes of the pair, sorted.
 *
 * @param root  config.yml, merged
 * @param pair  null when network.yml could not be used; then only what is named counts
 */
export function readPingNodes(
  root: MapTree,
  pair: Pair | null,
  findings: Findings,
): PingNodeConfig[] {
  const named = readNamed(root, findings)
  const candidates = [...named, ...readDerived(root, { pair, named: named.length > 0 }, findings)]
  const taken = takenAddresses(pair)
  const nodes = new Map<string, { address: Address; config: PingNodeConfig }>()
  for (const { written, source } of candidates) {
    const { address } = written
    if (nodes.has(address.text)) continue
    if (!isUsable({ written, source }, taken, findings)) continue
    const config = { address: address.text, family: address.family, source }
    nodes.set(address.text, { address, config })
  }
  const sorted = [...nodes.values()].sort((a, b) => compareAddresses(a.address, b.address))
  tellNumber(sorted.length, { place: listPlace(root), pair }, findings)
  return sorted.map((node) => node.config)
}

/** Where a ping node that is missing would be added. */
function listPlace(root: MapTree): Place {
  const ha = child(root, 'ha')
  const list = child(ha, 'pingnodes')
  if (list !== undefined) return list.place
  return ha?.kind === 'map' ? placeUnder(ha, 'pingnodes') : placeUnder(root, 'ha.pingnodes')
}

function readNamed(root: MapTree, findings: Findings): Candidate[] {
  const newer = child(child(root, 'ha'), 'pingnodes')
  const older = child(child(root, 'heartbeat'), 'pingnodes')
  const list = isEmpty(newer) ? older : newer
  if (list !== older && older !== undefined && !isEmpty(older)) {
    const same = textsOf(newer, findings) === textsOf(older, findings)
    if (!same) {
      findings.warning(older.place, 'is not used: ha.pingnodes goes before it', 'remove it')
    }
  }
  return readTexts(list, findings).flatMap((item) => {
    const written = readAddress(item, null, findings)
    return written === null ? [] : [{ written, source: 'config' as const }]
  })
}

function textsOf(list: Parameters<typeof readTexts>[0], findings: Findings): string {
  const texts = readTexts(list, findings).map((item) => item.text)
  return [...new Set(texts)].sort().join(' ')
}

function readDerived(
  root: MapTree,
  told: { pair: Pair | null; named: boolean },
  findings: Findings,
): Candidate[] {
  const ha = child(root, 'ha')
  const gatewaysAsked = readYesNo(child(ha, 'pingnodes_add_gw'), findings)
  const serversAsked = readYesNo(child(ha, 'pingnodes_add_dns'), findings)
  if (told.pair === null) return []
  const none = !told.named && gatewaysAsked !== true && serversAsked !== true
  const wanted = {
    gateways: gatewaysAsked === true || none,
    servers: serversAsked === true || none,
  }
  const ours = derivedFrom(told.pair.ours, wanted)
  const theirs = derivedFrom(told.pair.theirs, wanted)
  const known = new Set(ours.map((candidate) => candidate.written.address.text))
  const extra = theirs.filter((candidate) => !known.has(candidate.written.address.text))
  const theirKnown = new Set(theirs.map((candidate) => candidate.written.address.text))
  const missing = ours.filter((candidate) => !theirKnown.has(candidate.written.address.text))
  for (const { written } of [...missing, ...extra]) {
    findings.warning(
      written.tree,
      'is a ping node of both hosts although only one of them names it',
      'name ping nodes that both hosts reach in ha.pingnodes',
    )
  }
  return [...ours, ...extra]
}

/** Gateways, and the name servers of interfaces that have a gateway. */
function derivedFrom(
  host: HostSection,
  wanted: { gateways: boolean; servers: boolean },
): Candidate[] {
  return host.interfaces.flatMap((section) => {
    const gateways = [section.families[4].gateway, section.families[6].gateway].flatMap(
      (gateway) => gateway ?? [],
    )
    if (gateways.length === 0) return []
    return [
      ...(wanted.gateways ? gateways : []).map((written) => ({
        written,
        source: 'gateway' as const,
      })),
      ...(wanted.servers ? section.nameServers : []).map((written) => ({
        written,
        source: 'dns' as const,
      })),
    ]
  })
}

/** Addresses of the pair itself, each with words for whose it is. */
function takenAddresses(pair: Pair | null): ReadonlyMap<string, string> {
  const taken = new Map<string, string>()
  for (const host of pair === null ? [] : [pair.ours, pair.theirs]) {
    for (const section of host.interfaces) {
      for (const part of [section.families[4], section.families[6]]) {
        if (part.own !== null && section.name !== 'lo') {
          taken.set(part.own.address.text, `the address of ${host.name} on ${section.name}`)
        }
        for (const { address } of part.floating)
          taken.set(address.text, 'a floating IP of the pair')
      }
    }
  }
  return taken
}

function isUsable(
  candidate: Candidate,
  taken: ReadonlyMap<string, string>,
  findings: Findings,
): boolean {
  const { written, source } = candidate
  const { address, tree } = written
  const kind = kindOf(address)
  const whose = taken.get(address.text)
  if (kind !== 'unicast' || whose !== undefined) {
    const is = whose ?? `not the address of one host elsewhere (${kind})`
    // What network.yml says is right for its own purpose: a resolver on the node itself is common.
    if (source === 'config') {
      findings.error(tree, `cannot be a ping node: it is ${is}`, 'name a machine outside the pair')
    } else {
      const mend = 'nothing to do if enough other ping nodes remain'
      findings.warning(tree, `is left out as a ping node: it is ${is}`, mend)
    }
    return false
  }
  const operator = publicResolver(address)
  if (operator !== null) {
    findings.warning(
      tree,
      `is a public resolver (${operator}), which may limit or drop echo requests at any time`,
      'name a machine of your own network, as a router or a switch',
    )
  }
  return true
}

function tellNumber(
  count: number,
  told: { place: Place; pair: Pair | null },
  findings: Findings,
): void {
  // Without network.yml the number is not known yet, and the reason is told elsewhere.
  if (told.pair === null) return
  const some = count === 1 ? 'one ping node' : `${count} ping nodes`
  if (count === 0) {
    findings.error(
      told.place,
      'leaves no ping node: none is named and network.yml has no gateway or name server',
      'name three machines outside the pair, as routers or switches',
    )
  } else if (count > PING_NODES_MAX) {
    const mend = 'keep three or five that fail independently'
    findings.error(told.place, `makes ${some}; ${PING_NODES_MAX} is the most`, mend)
  } else if (count < 3) {
    findings.warning(
      told.place,
      `makes only ${some}: a single one that fails decides for both nodes`,
      'name three machines outside the pair that fail independently',
    )
  } else if (count % 2 === 0) {
    const mend = 'add one more or remove one'
    const why = `makes ${some}, an even number: where they are split in half nobody can take over`
    findings.warning(told.place, why, mend)
  }
}
