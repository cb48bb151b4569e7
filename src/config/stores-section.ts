/**
 * Which stores follow the role, and how are they reached?
 *
 * `tandem.stores` has one section per store, named by whoever writes it. Everything but the kind has a
 * default that fits the platform: our server on this host, the peer's over the first heartbeat path.
 * Passwords stand in files of their own, which are read when the agent starts, never here.
 */
import { isIP } from 'node:net'
import type { StoreConfig } from './config.ts'
import type { Findings } from './finding.ts'
import { knownKeys } from './known-keys.ts'
import { readChoice, readInteger, readPath, readText, readYesNo } from './scalar.ts'
import { child, isEmpty, type MapTree, type Tree } from './tree.ts'
import { readVerify, VERIFY_KEYS } from './verify-section.ts'

/** A store as told; where the peer's server is comes from the paths when it is not said. */
export type ToldStore = Omit<StoreConfig, 'peerAddress'> & { peerAddress: string | null }

const KEYS = [
  'kind',
  'socket',
  'address',
  'port',
  'peer_address',
  'peer_port',
  'user',
  'password_file',
  'replication_user',
  'replication_password_file',
  'undo_user',
  'undo_password_file',
  'semi_sync',
  'data_directory',
  'pid_file',
  'probe_misses',
  'min_free_mb',
  'archives_kept',
  'lag_max',
  ...VERIFY_KEYS,
] as const

const ONLY_MARIADB: readonly string[] = [
  ...['undo_user', 'undo_password_file', 'semi_sync', 'verify_schemas'],
]

const DEFAULT_PORT = { redis: 6379, mariadb: 3306 } as const
const DEFAULT_USER = 'tandem'
const DEFAULT_REPLICATION_USER = 'tandem_repl'
const PORTS = { min: 1, max: 65_535 }
const ARCHIVES_KEPT = { min: 1, max: 1_000 }
const DEFAULT_ARCHIVES_KEPT = 10
/** One miss is a hiccup; at sixty a hung store is found after minutes. */
const PROBE_MISSES = { min: 2, max: 60 }
const DEFAULT_PROBE_MISSES = 3
const LAG_MAX = { min: 0, max: 1_000_000_000_000 }
/** Bytes, and transactions: beyond what a busy pair writes between two looks. */
const DEFAULT_LAG_MAX = { redis: 64 * 1024 * 1024, mariadb: 10_000 } as const
const MIN_FREE_MB = { min: 0, max: 1_000_000 }

/** Reads every store; what cannot be used is told and left out. */
export function readStores(tree: Tree | undefined, findings: Findings): ToldStore[] {
  if (tree === undefined || isEmpty(tree)) return []
  if (tree.kind !== 'map') {
    findings.error(
      tree,
      'is not a section',
      'write one section per store, as "redis: {kind: redis}"',
    )
    return []
  }
  const stores: ToldStore[] = []
  for (const [name, section] of tree.entries) {
    if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
      const mend = 'name it with small letters, digits and "-", as redis-calls'
      findings.error(section, 'has a name that cannot be used in file names', mend)
      continue
    }
    const store = readStore(name, section, findings)
    if (store !== null) stores.push(store)
  }
  return stores
}

function readStore(name: string, section: Tree, findings: Findings): ToldStore | null {
  if (section.kind !== 'map') {
    findings.error(section, 'is not a section', `write the settings of ${name} below it`)
    return null
  }
  const given = knownKeys(section, KEYS, findings)
  const kind = readKind(name, section, given, findings)
  if (kind === null) return null
  if (kind === 'redis') {
    for (const key of ONLY_MARIADB) {
      const value = child(given, key)
      if (value !== undefined) {
        findings.error(value, 'means nothing for a Redis store', 'remove it')
      }
    }
  }
  const port = readInteger(child(given, 'port'), PORTS, findings) ?? DEFAULT_PORT[kind]
  return {
    name,
    kind,
    socketPath: readPath(child(given, 'socket'), findings),
    address: readAddress(child(given, 'address'), findings) ?? '127.0.0.1',
    port,
    peerAddress: readAddress(child(given, 'peer_address'), findings),
    peerPort: readInteger(child(given, 'peer_port'), PORTS, findings) ?? port,
    user: readName(child(given, 'user'), findings) ?? DEFAULT_USER,
    passwordFile: readPath(child(given, 'password_file'), findings),
    replicationUser:
      readName(child(given, 'replication_user'), findings) ?? DEFAULT_REPLICATION_USER,
    replicationPasswordFile: readPath(child(given, 'replication_password_file'), findings),
    undoUser: readName(child(given, 'undo_user'), findings),
    undoPasswordFile: readPath(child(given, 'undo_password_file'), findings),
    semiSync: readYesNo(child(given, 'semi_sync'), findings) ?? false,
    dataDirectory: readPath(child(given, 'data_directory'), findings),
    pidFile: readPath(child(given, 'pid_file'), findings),
    probeMisses:
      readInteger(child(given, 'probe_misses'), PROBE_MISSES, findings) ?? DEFAULT_PROBE_MISSES,
    minFreeMb: readInteger(child(given, 'min_free_mb'), MIN_FREE_MB, findings),
    archivesKept:
      readInteger(child(given, 'archives_kept'), ARCHIVES_KEPT, findings) ?? DEFAULT_ARCHIVES_KEPT,
    lagMax: readInteger(child(given, 'lag_max'), LAG_MAX, findings) ?? DEFAULT_LAG_MAX[kind],
    verify: readVerify(
      given,
      { name: (tree) => readName(tree, findings), path: (tree) => readPath(tree, findings) },
      findings,
    ),
  }
}

function readKind(
  name: string,
  section: MapTree,
  given: MapTree,
  findings: Findings,
): StoreConfig['kind'] | null {
  const told = child(given, 'kind')
  if (told !== undefined) return readChoice(told, ['redis', 'mariadb'] as const, findings)
  if (name === 'redis' || name === 'mariadb') return name
  findings.error(
    section,
    'does not say of which kind it is',
    'add "kind: redis" or "kind: mariadb"',
  )
  return null
}

function readAddress(tree: Tree | undefined, findings: Findings): string | null {
  const text = readText(tree, findings)
  if (text === null) return null
  if (isIP(text.text) !== 0) return text.text
  findings.error(
    text,
    'is not an address',
    'write an IPv4 or IPv6 address; names are not looked up',
  )
  return null
}

function readName(tree: Tree | undefined, findings: Findings): string | null {
  const text = readText(tree, findings)
  if (text === null) return null
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(text.text)) return text.text
  findings.error(text, 'is not the name of an account', 'use letters, digits, "_", "." and "-"')
  return null
}
