/**
 * Which addresses follow the active?
 *
 * The union of `shared_ip` and `shared_v6ip` over the interfaces of our host. Both hosts must name
 * the same set with the same prefix lengths: each node opens its gate over what its own section
 * says, and an address that only one of them knows would be served by nobody or by both.
 */
import { inNetwork, isNetworkEdge, kindOf } from './address.ts'
import type { AddressFamily, FloatingIp } from './config.ts'
import type { Findings } from './finding.ts'
import type { HostSection, InterfaceFamily, InterfaceSection, WrittenAddress } from './host.ts'
import type { Pair } from './pair.ts'
import { child, isEmpty, placeUnder } from './tree.ts'

/** The kernel's IFNAMSIZ without the closing zero; a label lives in the same field. */
const LABEL_MAX_CHARS = 15

/** A floating IP together with where it was written. */
interface Claimed {
  floatingIp: FloatingIp
  written: WrittenAddress
  /** The netmask could be read. */
  masked: boolean
}

/** The floating IPs of our host, checked against the peer's. */
export function readFloatingIps(pair: Pair, findings: Findings): FloatingIp[] {
  const ours = claimsOf(pair.ours, findings)
  const theirs = claimsOf(pair.theirs, findings)
  tellMissing(ours, { theirs, peer: pair.theirs }, findings)
  tellMissing(theirs, { theirs: ours, peer: pair.ours }, findings)
  for (const { floatingIp, written, masked } of ours) {
    const other = theirs.find((claim) => sameAddress(claim, floatingIp))
    if (other === undefined || !masked || !other.masked) continue
    const theirLength = other.floatingIp.prefixLength
    if (theirLength === floatingIp.prefixLength) continue
    const why = `has /${floatingIp.prefixLength} here and /${theirLength} on ${pair.theirs.name}`
    findings.error(written.tree, why, 'give both interfaces the same netmask')
  }
  return ours.map((claim) => claim.floatingIp)
}

function claimsOf(host: HostSection, findings: Findings): Claimed[] {
  const claims: Claimed[] = []
  for (const section of host.interfaces) {
    let labelled = 0
    for (const family of [4, 6] as const) {
      const part = section.families[family]
      checkSharedOnly(section, family, findings)
      for (const written of part.floating) {
        if (!isUsable(written, section, part, findings)) continue
        const { text } = written.address
        const before = claims.find((claim) => claim.floatingIp.address === text)
        if (before !== undefined) {
          tellTwice(before, { written, section }, findings)
          continue
        }
        const label = family === 4 ? labelFor(section.name, labelled, written, findings) : null
        if (family === 4) labelled += 1
        const prefixLength = part.prefixLength ?? (family === 4 ? 32 : 128)
        const floatingIp = { address: text, family, prefixLength, interface: section.name, label }
        claims.push({ floatingIp, written, masked: part.prefixLength !== null })
      }
    }
  }
  return claims
}

function isUsable(
  written: WrittenAddress,
  section: InterfaceSection,
  part: InterfaceFamily,
  findings: Findings,
): boolean {
  const { address, tree } = written
  const kind = kindOf(address)
  if (kind !== 'unicast') {
    const why = `is not the address of one host (${kind})`
    findings.error(tree, why, 'write an address that clients can reach')
    return false
  }
  if (section.name === 'lo') {
    const mend = 'move it to the interface that clients reach'
    findings.error(tree, 'is on lo, where nobody can be told of it', mend)
    return false
  }
  const names = address.family === 4 ? ['ip', 'netmask'] : ['v6ip', 'v6netmask']
  const [own = '', mask = ''] = names
  // An own address that cannot be read was told already.
  if (part.own === null && !part.sharedOnly && isEmpty(child(section.tree, own))) {
    const only = address.family === 4 ? 'shared_ip_only' : 'shared_v6ip_only'
    const why = `is on ${section.name}, which has no address of its own`
    findings.error(tree, why, `add ${own}, or ${only}: yes if that is meant`)
  }
  if (part.prefixLength === null) {
    // A mask that cannot be read was told already.
    if (child(section.tree, mask) === undefined) {
      const at = placeUnder(section.tree, mask)
      findings.error(at, `is missing, but ${address.text} needs it`, `add ${mask}`)
    }
    return true
  }
  if (isNetworkEdge(address, part.prefixLength)) {
    const why = `names the network /${part.prefixLength} or all its hosts, not one host`
    findings.error(tree, why, 'choose an address inside the network')
  } else if (part.own !== null && !inNetwork(part.own.address, part.prefixLength, address)) {
    const why = `is not in the network of ${section.name} (${part.own.address.text}/${part.prefixLength})`
    findings.warning(tree, why, 'check the address and the netmask')
  }
  return true
}

/** @source the platform's validator: these interfaces may never be without an own address */
function checkSharedOnly(
  section: InterfaceSection,
  family: AddressFamily,
  findings: Findings,
): void {
  if (!section.families[family].sharedOnly) return
  const needy = section.types.find((type) => /^(ha_int$|ssh_|mon_)/.test(type))
  if (needy === undefined) return
  const key = family === 4 ? 'shared_ip_only' : 'shared_v6ip_only'
  const at = child(section.tree, key) ?? placeUnder(section.tree, key)
  const why = `cannot be on an interface of type ${needy}`
  findings.error(at, why, `give ${section.name} an own address and set ${key}: no`)
}

function tellTwice(
  before: Claimed,
  again: { written: WrittenAddress; section: InterfaceSection },
  findings: Findings,
): void {
  const first = before.written.tree.place.key
  const why = `is also given by ${first}`
  if (before.floatingIp.interface === again.section.name) {
    findings.warning(again.written.tree, why, 'remove one of the two')
  } else {
    findings.error(again.written.tree, why, 'keep it on one interface')
  }
}

function labelFor(
  interfaceName: string,
  index: number,
  written: WrittenAddress,
  findings: Findings,
): string | null {
  const label = `${interfaceName}:${index}`
  if (label.length <= LABEL_MAX_CHARS) return label
  const why = `gets no label: ${label} is longer than ${LABEL_MAX_CHARS} characters`
  findings.warning(written.tree, why, 'nothing to do unless a tool looks for the label')
  return null
}

function tellMissing(
  claims: readonly Claimed[],
  others: { theirs: readonly Claimed[]; peer: HostSection },
  findings: Findings,
): void {
  for (const claim of claims) {
    if (others.theirs.some((other) => sameAddress(other, claim.floatingIp))) continue
    const section = others.peer.interfaces.find((one) => one.name === claim.floatingIp.interface)
    const where = section?.tree.place.key ?? others.peer.tree.place.key
    const key = claim.floatingIp.family === 4 ? 'shared_ip' : 'shared_v6ip'
    findings.error(
      claim.written.tree,
      `is not a shared address of the other host, ${others.peer.name}`,
      `add it to ${where}.${key}, or remove it here`,
    )
  }
}

function sameAddress(claim: Claimed, other: FloatingIp): boolean {
  return claim.floatingIp.address === other.address
}
