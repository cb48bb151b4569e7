/**
 * Where else can the agent be asked, and by whom? `tandem.api`, off unless something is written.
 *
 * The platform gives both nodes the same config.yml, so a place is best named by its interface; which
 * address that is on this node is found out where network.yml is known (`api-listen.ts`).
 */
import { API_ROLES, type ApiRole } from '../wire/api-tokens.ts'
import { type Address, kindOf, parseAddress } from './address.ts'
import type { ApiConfig } from './config.ts'
import type { Findings } from './finding.ts'
import { knownKeys } from './known-keys.ts'
import { readChoice, readText, readTexts } from './scalar.ts'
import { child, isEmpty, type MapTree, type ScalarTree, type Tree } from './tree.ts'

const KEYS = [
  'listen',
  'plain_listen',
  'certificate_file',
  'key_file',
  'token_file',
  'client_ca_file',
  'clients',
  'open',
] as const

export const OPEN_WORDS = ['role', 'health', 'metrics', 'page'] as const

const DEFAULT_TOKEN_FILE = '/etc/tandem/api.tokens'

/** A place as written: an address, or the name of an interface. */
export interface ToldListen {
  tree: ScalarTree
  /** Null: `name` is an interface. */
  address: Address | null
  name: string
  port: number
  tls: boolean
}

export type ToldApi = Omit<ApiConfig, 'listen'> & { listen: readonly ToldListen[] }

/** @returns null where there is none */
export function readApi(tree: Tree | undefined, findings: Findings): ToldApi | null {
  if (tree === undefined || isEmpty(tree)) return null
  if (tree.kind !== 'map') {
    findings.error(tree, 'is not a section', 'write the settings below it, as "listen: eth0:8443"')
    return null
  }
  const given = knownKeys(tree, KEYS, findings)
  const path = (key: string): string | null => readPath(child(given, key), findings)
  const listen = [
    ...readListen(child(given, 'listen'), true, findings),
    ...readListen(child(given, 'plain_listen'), false, findings),
  ]
  const api = {
    listen,
    certificateFile: path('certificate_file'),
    keyFile: path('key_file'),
    tokenFile: path('token_file') ?? DEFAULT_TOKEN_FILE,
    clientCaFile: path('client_ca_file'),
    clients: readClients(child(given, 'clients'), findings),
    open: readOpen(child(given, 'open'), findings),
  }
  checkTogether(given, api, findings)
  return api
}

function checkTogether(given: MapTree, api: ToldApi, findings: Findings): void {
  if (child(given, 'listen') === undefined && child(given, 'plain_listen') === undefined) {
    findings.error(given.place, 'says nowhere to listen', 'add listen, as "listen: eth0:8443"')
  }
  const tls = api.listen.find((place) => place.tls)
  if (tls !== undefined && (api.certificateFile === null || api.keyFile === null)) {
    const missing = api.certificateFile === null ? 'certificate_file' : 'key_file'
    findings.error(tls.tree, 'needs a certificate with its key', `add ${missing}`)
  }
  if (api.clients.length > 0 && api.clientCaFile === null) {
    const at = child(given, 'clients') ?? given.place
    findings.error(at, 'mean nothing without who signs their certificates', 'add client_ca_file')
  }
  if (api.clientCaFile !== null && api.clients.length === 0) {
    const at = child(given, 'client_ca_file') ?? given.place
    findings.error(at, 'lets nobody in: no subject has a role', 'add clients, as "NAME: read"')
  }
}

function readPath(tree: Tree | undefined, findings: Findings): string | null {
  const told = readText(tree, findings)
  if (told === null || told.text.startsWith('/')) return told?.text ?? null
  findings.error(told, 'is not an absolute path', 'write it from /, as /etc/tandem/api.crt')
  return null
}

function readListen(tree: Tree | undefined, tls: boolean, findings: Findings): ToldListen[] {
  return readTexts(tree, findings).flatMap((told) => {
    const [, bracketed, plain = '', digits = ''] =
      /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(told.text) ?? []
    const port = Number(digits)
    const name = bracketed ?? plain
    const address = parseAddress(name)
    const shaped = name !== '' && (bracketed === undefined) === (address?.family !== 6)
    if (!shaped || port < 1 || port > 65_535 || (bracketed !== undefined && address === null)) {
      const mend = 'write INTERFACE:PORT, as eth0:8443, or ADDRESS:PORT, IPv6 in brackets'
      findings.error(told, 'is not a place to listen at', mend)
      return []
    }
    const kind = address === null ? 'unicast' : kindOf(address)
    if (!tls && kind !== 'loopback') {
      const mend = 'write 127.0.0.1:PORT or [::1]:PORT, or use listen with a certificate'
      findings.error(told, 'would send tokens over the network unencrypted', mend)
      return []
    }
    if (!['unicast', 'loopback', 'unspecified'].includes(kind)) {
      findings.error(told, `is an address that is ${kind}`, 'write the address of an interface')
      return []
    }
    return [{ tree: told, address, name, port, tls }]
  })
}

function readClients(
  tree: Tree | undefined,
  findings: Findings,
): { subject: string; role: ApiRole }[] {
  if (tree === undefined || isEmpty(tree)) return []
  if (tree.kind !== 'map') {
    findings.error(tree, 'is not a section', 'write one line per subject, as "prometheus: read"')
    return []
  }
  return [...tree.entries].flatMap(([subject, value]) => {
    const role = readChoice(value, API_ROLES, findings)
    return role === null ? [] : [{ subject, role }]
  })
}

function readOpen(tree: Tree | undefined, findings: Findings): ApiConfig['open'] {
  return readTexts(tree, findings).flatMap((told) => {
    const word = readChoice(told, OPEN_WORDS, findings)
    return word === null ? [] : [word]
  })
}
