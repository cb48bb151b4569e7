/**
 * Do two things claim the same address?
 *
 * Compares the addresses of our pair with each other and with those of every other host in the
 * file. Conflicts between two other hosts are theirs and are not told here. Ping nodes are compared
 * in `ping-node.ts`, where it is known who named them.
 *
 * @source the platform's validator: duplicate addresses, MAC addresses, database nodes and more than
 *         one interface of type api_int are mistakes
 */
import { kindOf, networkOf } from './address.ts'
import type { Findings } from './finding.ts'
import type { HostSection, InterfaceSection, WrittenAddress } from './host.ts'
import type { Pair } from './pair.ts'
import type { ScalarTree } from './tree.ts'

/** An address that one interface of one host has or shares. */
interface Claim {
  host: HostSection
  section: InterfaceSection
  written: WrittenAddress
  prefixLength: number | null
  shared: boolean
}

/** Tells every address and name that our pair cannot have for itself. */
export function findConflicts(pair: Pair, findings: Findings): void {
  const pairHosts = [pair.ours, pair.theirs]
  const ours = pairHosts.flatMap(claimsOf)
  const others = pair.others.flatMap(claimsOf)
  for (const [index, claim] of ours.entries()) {
    const rival =
      ours.slice(0, index).find((other) => isConflict(claim, other, true)) ??
      others.find((other) => isConflict(claim, other, false))
    if (rival !== undefined) tellConflict(claim, rival, findings)
  }
  for (const host of pairHosts)
    checkNetworks(
      ours.filter((claim) => claim.host === host),
      findings,
    )
  checkNames(pair, findings)
}

function claimsOf(host: HostSection): Claim[] {
  return host.interfaces.flatMap((section) =>
    [section.families[4], section.families[6]].flatMap((part): Claim[] => {
      const { prefixLength } = part
      const own = part.own === null ? [] : [{ written: part.own, shared: false }]
      const shared = part.floating.map((written) => ({ written, shared: true }))
      return [...own, ...shared]
        .filter(({ written }) => kindOf(written.address) === 'unicast')
        .map((claim) => ({ host, section, prefixLength, ...claim }))
    }),
  )
}

/** The platform gives dummy interfaces the same address everywhere, on purpose. */
function isDummy(claim: Claim): boolean {
  return claim.section.name.startsWith('dummy')
}

function isConflict(claim: Claim, other: Claim, samePair: boolean): boolean {
  if (claim.written.address.text !== other.written.address.text) return false
  if (isDummy(claim) && isDummy(other)) return false
  // That both hosts share it is what makes an address float; twice on one host is told elsewhere.
  return !(claim.shared && other.shared && samePair)
}

function tellConflict(claim: Claim, rival: Claim, findings: Findings): void {
  const { key } = rival.written.tree.place
  const what = rival.shared ? 'shared address' : 'address'
  const why = `is also the ${what} ${key}`
  findings.error(claim.written.tree, why, 'give every interface an address of its own')
}

/** Two interfaces in one network: the kernel may answer and send on either. */
function checkNetworks(claims: readonly Claim[], findings: Findings): void {
  const own = claims.filter((claim) => !claim.shared && claim.section.name !== 'lo')
  for (const [index, claim] of own.entries()) {
    for (const other of own.slice(0, index)) {
      if (claim.prefixLength === null || other.prefixLength === null) continue
      if (claim.written.address.family !== other.written.address.family) continue
      if (claim.section === other.section) continue
      const prefixLength = Math.min(claim.prefixLength, other.prefixLength)
      const network = networkOf(claim.written.address, prefixLength)
      if (network !== networkOf(other.written.address, prefixLength)) continue
      findings.warning(
        claim.written.tree,
        `is in the same network as ${other.written.tree.place.key}, so both may use one cable`,
        'give each interface a network of its own',
      )
    }
  }
}

function checkNames(pair: Pair, findings: Findings): void {
  const all = [pair.ours, pair.theirs, ...pair.others]
  for (const host of [pair.ours, pair.theirs]) {
    const before = all.slice(0, all.indexOf(host))
    const rivals = [...before, ...pair.others]
    const twin = rivals.find((other) => sameText(other.databaseNode, host.databaseNode))
    if (twin !== undefined && host.databaseNode !== null) {
      const why = `is also the dbnode of ${twin.name}`
      findings.error(host.databaseNode, why, 'give every host a number of its own')
    }
    for (const section of host.interfaces) {
      const rival = rivals
        .flatMap((other) => other.interfaces)
        .find((other) => sameHardware(other.hardwareAddress, section.hardwareAddress))
      if (rival === undefined || section.hardwareAddress === null) continue
      const why = `is also the MAC address of ${rival.tree.place.key}`
      findings.error(section.hardwareAddress, why, 'write the MAC address of this interface')
    }
    const api = host.interfaces.filter((section) => section.types.includes('api_int'))
    const second = api[1]
    if (second !== undefined) {
      const why = `has the type api_int, which ${api[0]?.name} of the host has already`
      findings.error(second.tree.place, why, 'keep api_int on one interface of each host')
    }
  }
}

function sameText(a: ScalarTree | null, b: ScalarTree | null): boolean {
  return a !== null && b !== null && a.text === b.text
}

function sameHardware(a: ScalarTree | null, b: ScalarTree | null): boolean {
  if (a === null || b === null || /^[0:]*$/.test(a.text)) return false
  return a.text.toLowerCase() === b.text.toLowerCase()
}
