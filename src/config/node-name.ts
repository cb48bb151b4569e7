/**
 * Which node of which pair are we?
 *
 * A name comes from the option or variable, else from the platform's file, else from the machine's
 * host name. It is either a key under `hosts:` or `sp1`/`sp2`, which on a carrier means the host of
 * our pair whose name ends in `a`/`b`. A file that is there but empty is a broken installation and
 * never the same as no file.
 *
 * @source the platform's `ngcp-nodename`: sp1 and sp2 by themselves, a and b at the end of a host
 *         name, and the key `nodename` of a host section before either
 */
import type { NodeName } from '../core/policy.ts'
import type { Findings } from './finding.ts'
import { nearMiss } from './near-miss.ts'
import { child, type MapTree, type Place, type Tree } from './tree.ts'

/** One name we were told, and by what. */
export interface NameSource {
  text: string
  /** `--node`, `TANDEM_NODE`, a path or `host name`. */
  from: string
}

export interface NameSources {
  /** Told by the operator; goes before everything else. */
  told: NameSource | null
  /** Content of the platform's node name file; null when there is no such file. */
  nodeFile: NameSource | null
  /** Names of this machine, the best first. */
  machine: readonly NameSource[]
}

export interface NodeIdentity {
  node: NodeName
  /** Key under `hosts:`. */
  hostName: string
}

/**
 * Finds our host section and our name inside the pair.
 *
 * @param hosts  the section `hosts:` of network.yml
 * @returns null when a mistake was told
 */
export function identifyNode(
  sources: NameSources,
  hosts: MapTree,
  findings: Findings,
): NodeIdentity | null {
  const hostName = findHost(sources, hosts, findings)
  if (hostName === null) return null
  const node = nodeOfHost(hostName, hosts)
  if (node !== null) return { node, hostName }
  findings.error(
    hosts.entries.get(hostName)?.place ?? hosts.place,
    'does not tell whether this host is the first or the second of its pair',
    'add "nodename: sp1" or "nodename: sp2" to the host section',
  )
  return null
}

/** The name inside the pair that a host section stands for; null when it cannot be told. */
export function nodeOfHost(hostName: string, hosts: MapTree): NodeName | null {
  const told = child(hosts.entries.get(hostName), 'nodename')
  const name = told?.kind === 'scalar' && told.text !== '' ? told.text : hostName
  if (name === 'sp1' || name === 'sp2') return name
  if (told?.kind === 'scalar' && told.text !== '') return null
  if (hostName.endsWith('a')) return 'sp1'
  return hostName.endsWith('b') ? 'sp2' : null
}

function findHost(sources: NameSources, hosts: MapTree, findings: Findings): string | null {
  const local = findMachine(sources.machine, hosts)
  const wanted = sources.told ?? sources.nodeFile
  if (wanted === null) {
    if (local !== null) return local
    const names = sources.machine.map((source) => source.text).join(', ')
    findings.error(hosts.place, `has no section for this machine (${names})`, SAY_NODE)
    return null
  }
  const place: Place = { file: wanted.from, line: null, key: '' }
  const name = wanted.text.trim()
  if (name === '') {
    findings.error(place, 'is empty', 'write the node name into it: sp1 or sp2')
    return null
  }
  if (hosts.entries.has(name)) return name
  if (name === 'sp1' || name === 'sp2') {
    return findByNode({ wanted: name, told: sources.told !== null, local, place }, hosts, findings)
  }
  const tree = textAt(place, name)
  if (name === 'spce' || name === 'self') {
    findings.error(tree, 'names a single machine without a peer', 'use a pair: sp1 and sp2')
    return null
  }
  const meant = nearMiss(name, [...hosts.entries.keys()])
  const keys = [...hosts.entries.keys()].join(', ')
  findings.error(
    tree,
    `is not a key under hosts: in ${hosts.place.file} (${keys === '' ? 'none' : keys})`,
    meant === null ? 'name one of the hosts there' : `did you mean ${meant}?`,
  )
  return null
}

/** `sp1` or `sp2` where hosts have names of their own: ours, its peer, or the only one there is. */
function findByNode(
  request: { wanted: NodeName; told: boolean; local: string | null; place: Place },
  hosts: MapTree,
  findings: Findings,
): string | null {
  const { wanted, told, local, place } = request
  if (local !== null) {
    if (nodeOfHost(local, hosts) === wanted) return local
    const peer = child(hosts.entries.get(local), 'peer')
    const peerName = peer?.kind === 'scalar' ? peer.text : ''
    if (told && hosts.entries.has(peerName) && nodeOfHost(peerName, hosts) === wanted) {
      return peerName
    }
    findings.error(
      textAt(place, wanted),
      `contradicts the host name ${local}, which is not ${wanted}`,
      'correct the one that is wrong',
    )
    return null
  }
  const fitting = [...hosts.entries.keys()].filter((host) => nodeOfHost(host, hosts) === wanted)
  const [only, second] = fitting
  if (only !== undefined && second === undefined) return only
  findings.error(
    textAt(place, wanted),
    only === undefined
      ? `fits no host in ${hosts.place.file}`
      : `fits several hosts in ${hosts.place.file} (${fitting.join(', ')})`,
    SAY_NODE,
  )
  return null
}

const SAY_NODE = 'name the host with --node, as it is called under hosts: in network.yml'

function findMachine(machine: readonly NameSource[], hosts: MapTree): string | null {
  for (const { text } of machine) {
    const name = text.trim()
    if (hosts.entries.has(name)) return name
    const short = name.split('.')[0] ?? ''
    if (hosts.entries.has(short)) return short
  }
  return null
}

function textAt(place: Place, text: string): Tree {
  return { kind: 'scalar', text, isNull: false, place }
}
