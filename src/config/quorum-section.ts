/**
 * Who guards the right to be active: the ping nodes, a witness, or a fence?
 *
 * `tandem.mode` chooses, a section of that name says where:
 *
 *     mode: witness
 *     witness: {etcd: ['https://192.0.2.61:2379'], record: pair1, ca_file: /etc/tandem/etcd-ca.crt,
 *               certificate_file: /etc/tandem/etcd.crt, key_file: /etc/tandem/etcd.key}
 *
 *     mode: fence
 *     fence: {agent: fence_ipmilan, sp1: {ip: 192.0.2.71, username: tandem, password_file: /etc/tandem/bmc1.password},
 *             sp2: {ip: 192.0.2.72, username: tandem, password_file: /etc/tandem/bmc2.password}}
 *
 * Endpoints are addresses: a name would be looked up, and a resolver hangs for longer than a lease lasts.
 */
import type { Mode } from '../core/policy.ts'
import { kindOf, parseAddress } from './address.ts'
import { FENCE_EXAMPLE, readFence } from './fence-section.ts'
import type { Findings } from './finding.ts'
import { knownKeys } from './known-keys.ts'
import type { FenceConfig, WitnessConfig } from './quorum.ts'
import { readChoice, readPath, readText, readTexts } from './scalar.ts'
import { child, isEmpty, type MapTree, placeUnder, type Tree } from './tree.ts'

const WITNESS_KEYS = ['etcd', 'record', 'ca_file', 'certificate_file', 'key_file'] as const
const ENDPOINT_EXAMPLE = 'https://192.0.2.61:2379'

export interface Quorum {
  mode: Mode
  /** Null in other modes. */
  witness: WitnessConfig | null
  /** Null in other modes. */
  fence: FenceConfig | null
}

/** @param tandem  our section; its keys were checked by the caller */
export function readQuorum(tandem: MapTree | undefined, findings: Findings): Quorum {
  const at = child(tandem, 'mode')
  const mode = readChoice(at, ['ping', 'witness', 'fence'] as const, findings) ?? 'ping'
  const told = (kind: 'witness' | 'fence', example: string): Tree | null => {
    const tree = child(tandem, kind)
    const none = tree === undefined || isEmpty(tree)
    if (mode === kind && none && at !== undefined) {
      findings.error(at, `needs a ${kind}, and none is configured`, `add ${kind}: ${example}`)
    }
    if (mode !== kind && !none) {
      const mend = `write "mode: ${kind}", or remove the section`
      findings.warning(tree, `is not used: the mode is ${mode}`, mend)
    }
    return mode === kind && !none ? tree : null
  }
  const witness = told('witness', `{etcd: ['${ENDPOINT_EXAMPLE}'], record: NAME, ca_file: …}`)
  const fence = told('fence', FENCE_EXAMPLE)
  return {
    mode,
    witness: witness === null ? null : readWitness(witness, findings),
    fence: fence === null ? null : readFence(fence, findings),
  }
}

function readWitness(tree: Tree, findings: Findings): WitnessConfig | null {
  if (tree.kind !== 'map') {
    findings.error(tree, 'is not a section', `write etcd: ['${ENDPOINT_EXAMPLE}'] below it`)
    return null
  }
  const given = knownKeys(tree, WITNESS_KEYS, findings)
  const endpoints = readEndpoints(given, findings)
  const record = readRecord(given, findings)
  const file = (key: string, mend: string): string | null => {
    const value = child(given, key)
    if (isEmpty(value)) findings.error(placeUnder(given, key), 'is missing', mend)
    return readPath(value, findings)
  }
  const caFile = file('ca_file', "name the file with the certificate of etcd's authority (PEM)")
  const certificateFile = file('certificate_file', 'name the file with the certificate (PEM)')
  const keyFile = file('key_file', 'name the file with its private key (PEM, mode 0600)')
  if (record === null || caFile === null || certificateFile === null || keyFile === null) {
    return null
  }
  return { endpoints, record, caFile, certificateFile, keyFile }
}

function readEndpoints(given: MapTree, findings: Findings): string[] {
  const tree = child(given, 'etcd')
  if (isEmpty(tree)) {
    const mend = `name its endpoints, as ['${ENDPOINT_EXAMPLE}']`
    findings.error(placeUnder(given, 'etcd'), 'is missing', mend)
  }
  const endpoints: string[] = []
  for (const told of readTexts(tree, findings)) {
    const [, bracketed, plain = '', digits = ''] =
      /^https:\/\/(?:\[([^\]]*)\]|([^:/]*)):(\d{1,5})$/.exec(told.text) ?? []
    const address = parseAddress(bracketed ?? plain)
    const port = Number(digits)
    const shaped = address !== null && (bracketed !== undefined) === (address.family === 6)
    if (!shaped || port < 1 || port > 65_535) {
      const mend = `write https://ADDRESS:PORT, IPv6 in brackets, no name, as ${ENDPOINT_EXAMPLE}`
      findings.error(told, 'is not an endpoint of etcd', mend)
      continue
    }
    if (!['unicast', 'loopback'].includes(kindOf(address))) {
      findings.error(told, `is an address that is ${kindOf(address)}`, 'write that of a machine')
      continue
    }
    const host = address.family === 6 ? `[${address.text}]` : address.text
    const endpoint = `https://${host}:${port}`
    if (endpoints.includes(endpoint)) findings.error(told, 'is given twice', 'keep one of them')
    else endpoints.push(endpoint)
  }
  return endpoints
}

function readRecord(given: MapTree, findings: Findings): string | null {
  const tree = child(given, 'record')
  if (isEmpty(tree)) {
    const mend = 'give this pair a name of its own in that etcd, the same on both nodes'
    findings.error(placeUnder(given, 'record'), 'is missing', mend)
  }
  const told = readText(tree, findings)
  if (told === null || /^[\w.-]{1,64}$/.test(told.text)) return told?.text ?? null
  findings.error(told, 'is not a name', 'write 1 to 64 letters, digits, dots or dashes')
  return null
}
