/**
 * Which load-balancers send calls to this pair, and as which destination do they know it?
 *
 * `tandem.load_balancers` has one section per load-balancer, named by whoever writes it:
 *
 *     edge1: {kamailio: '192.0.2.10:5064', set: 1, destination: 'sip:192.0.2.50:5060'}
 *     edge2: {opensips: 'http://192.0.2.11:8888/mi', set: 1, destination: 'sip:192.0.2.50:5060'}
 *
 * Kamailio is asked by its JSON-RPC over UDP (`modparam("jsonrpcs", "dgram_socket", "udp:…")`), OpenSIPS by
 * its `mi_http`. Both find a destination by the very text of its URI.
 */
import { place } from './check-place.ts'
import type { LoadBalancerConfig, LoadBalancerPlace } from './config.ts'
import type { Findings } from './finding.ts'
import { knownKeys } from './known-keys.ts'
import { readInteger, readText } from './scalar.ts'
import { child, isEmpty, type MapTree, type Tree } from './tree.ts'

const KEYS = ['kamailio', 'opensips', 'set', 'destination'] as const
const SETS = { min: 0, max: 2_147_483_647 }
const DEFAULT_SET = 1

/** Reads every load-balancer; what cannot be used is told and left out. */
export function readLoadBalancers(
  tree: Tree | undefined,
  findings: Findings,
): LoadBalancerConfig[] {
  if (tree === undefined || isEmpty(tree)) return []
  if (tree.kind !== 'map') {
    const mend =
      'write one section per load-balancer, as "edge1: {kamailio: 192.0.2.10:5064, destination: …}"'
    findings.error(tree, 'is not a section', mend)
    return []
  }
  return [...tree.entries].flatMap(([name, section]) => readOne(name, section, findings))
}

function readOne(name: string, section: Tree, findings: Findings): LoadBalancerConfig[] {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    findings.error(
      section,
      'has a name that cannot be used',
      'name it with small letters, digits and "-", as edge1',
    )
    return []
  }
  if (section.kind !== 'map') {
    findings.error(section, 'is not a section', `write the settings of ${name} below it`)
    return []
  }
  const given = knownKeys(section, KEYS, findings)
  const at = readPlace(given, findings)
  const set = readInteger(child(given, 'set'), SETS, findings) ?? DEFAULT_SET
  const destination = readDestination(given, findings)
  return at === null || destination === null ? [] : [{ name, ...at, set, destination }]
}

function readPlace(given: MapTree, findings: Findings): LoadBalancerPlace | null {
  const kamailio = child(given, 'kamailio')
  const opensips = child(given, 'opensips')
  if (kamailio !== undefined && opensips !== undefined) {
    findings.error(opensips, 'is one too many beside kamailio', 'write one of them')
    return null
  }
  if (kamailio === undefined && opensips === undefined) {
    const mend = 'add kamailio: ADDRESS:PORT or opensips: http://ADDRESS:PORT/mi'
    findings.error(given.place, 'does not say where it is', mend)
    return null
  }
  const told = readText(kamailio ?? opensips, findings)
  if (told === null) return null
  const url = kamailio === undefined
  const [, where = '', path = ''] = url
    ? (/^http:\/\/([^/]+)(\/[\w./-]*)$/.exec(told.text) ?? [])
    : [told.text, told.text]
  const example = url ? 'http://192.0.2.11:8888/mi' : '192.0.2.10:5064'
  const at = where === '' ? null : place(where)
  if (at?.ok === true) {
    const { address, port } = at
    return url ? { kind: 'opensips', address, port, path } : { kind: 'kamailio', address, port }
  }
  if (at === null) {
    findings.error(told, 'is not the place of its management interface', `write it as ${example}`)
  } else findings.error(told, at.mistake, `${at.mend}, as ${example}`)
  return null
}

function readDestination(given: MapTree, findings: Findings): string | null {
  const tree = child(given, 'destination')
  const mend =
    'write it letter by letter as in the list of the load-balancer, as sip:192.0.2.50:5060'
  if (tree === undefined) {
    findings.error(given.place, 'does not say which destination this pair is', `add it: ${mend}`)
    return null
  }
  const told = readText(tree, findings)
  if (told === null) return null
  if (/^sips?:[^\s"]{1,200}$/.test(told.text)) return told.text
  findings.error(told, 'is not the URI of a destination', mend)
  return null
}
