/**
 * What does our own section say?
 *
 * Reads `tandem:` of config.yml and the two keys of the platform that it falls back to. The section
 * is ours alone, so a key we do not know is a mistake; in the sections of the platform it is not.
 * Timing has a file of its own.
 */
import { type DataPolicy, deriveTiming } from '../core/policy.ts'
import { readAlarms } from './alarms-section.ts'
import { readApi, type ToldApi } from './api-section.ts'
import type { CheckConfig } from './check-text.ts'
import type {
  AlarmsConfig,
  DriftConfig,
  LoadBalancerConfig,
  PairConfig,
  ServiceConfig,
  WatchdogConfig,
} from './config.ts'
import { readDrift } from './drift-section.ts'
import type { Findings } from './finding.ts'
import { readLoadBalancers } from './load-balancers-section.ts'
import { nearMiss, snakeCase } from './near-miss.ts'
import { type Quorum, readQuorum } from './quorum-section.ts'
import { readChoice, readInteger, readText, readTexts } from './scalar.ts'
import { readCallCheck, readChecks, readServices } from './services-section.ts'
import { readStores, type ToldStore } from './stores-section.ts'
import { readTiming, type TimingTold } from './timing-section.ts'
import { child, type MapTree, type ScalarTree, type Tree } from './tree.ts'
import { readWatchdog } from './watchdog-section.ts'

export interface Settings {
  quorum: Quorum
  timing: TimingTold
  port: number
  keyFile: { path: string; tree: ScalarTree | null }
  gate: PairConfig['gate']
  mainStallMs: number
  controlGroup: string | null
  /** Interfaces that shall carry heartbeats besides those that do so anyway. */
  extraPaths: readonly ScalarTree[]
  data: DataPolicy
  stores: readonly ToldStore[]
  services: readonly ServiceConfig[]
  outsideChecks: readonly CheckConfig[]
  loadBalancers: readonly LoadBalancerConfig[]
  callCheck: PairConfig['callCheck']
  api: ToldApi | null
  alarms: AlarmsConfig
  drift: DriftConfig
  watchdog: WatchdogConfig | null
}

const KNOWN_KEYS = [
  'timing',
  'mode',
  'witness',
  'fence',
  'port',
  'key_file',
  'gate',
  'main_stall_ms',
  'control_group',
  'paths',
  'data',
  'stores',
  'services',
  'outside_checks',
  'load_balancers',
  'call_check',
  'api',
  'alarms',
  'drift',
  'watchdog',
]

const KNOWN_DATA_KEYS = ['takeover', 'recent_ms', 'stale', 'stale_wait_ms']

/** The port of the heartbeat protocol in the platform's older releases. */
const DEFAULT_PORT = 694
const DEFAULT_KEY_FILE = '/etc/tandem/key'

/**
 * Reads every setting; what cannot be used is told and replaced by its default.
 *
 * @param root  config.yml, merged with the files that go before it
 */
export function readSettings(root: MapTree, findings: Findings): Settings {
  checkTopLevel(root, findings)
  const section = child(root, 'tandem')
  const tandem = readOurs(section, KNOWN_KEYS, findings)
  const timing = readTiming(root, tandem, findings)
  const stores = readStores(child(tandem, 'stores'), findings)
  return {
    quorum: readQuorum(tandem, findings),
    timing,
    port: readPort(root, tandem, findings),
    keyFile: readKeyFile(child(tandem, 'key_file'), findings),
    gate:
      readChoice(
        child(tandem, 'gate'),
        ['auto', 'ebpf', 'nftables', 'lifetime'] as const,
        findings,
      ) ?? 'auto',
    mainStallMs:
      readInteger(
        child(tandem, 'main_stall_ms'),
        { min: 500, max: 60_000, unit: 'milliseconds' },
        findings,
      ) ?? 3000,
    controlGroup: readGroup(child(tandem, 'control_group'), findings),
    extraPaths: readTexts(child(tandem, 'paths'), findings),
    data: readData(child(tandem, 'data'), { timing, stores }, findings),
    stores,
    services: readServices(
      child(tandem, 'services'),
      stores.map(({ name }) => name),
      findings,
    ),
    outsideChecks: readChecks(child(tandem, 'outside_checks'), findings),
    loadBalancers: readLoadBalancers(child(tandem, 'load_balancers'), findings),
    callCheck: readCallCheck(child(tandem, 'call_check'), findings),
    api: readApi(child(tandem, 'api'), findings),
    drift: readDrift(child(tandem, 'drift'), findings),
    watchdog: readWatchdog(child(tandem, 'watchdog'), findings),
    alarms: readAlarms(
      child(tandem, 'alarms'),
      child(child(root, 'general'), 'adminmail'),
      findings,
    ),
  }
}

/** A section written beside its name would be silently without effect. */
function checkTopLevel(root: MapTree, findings: Findings): void {
  for (const [key, value] of root.entries) {
    if (key === 'tandem' || key === 'heartbeat') continue
    const meant = nearMiss(key, ['tandem', 'heartbeat'])
    if (meant !== null) findings.warning(value, 'is not read', `did you mean ${meant}?`)
  }
  const platform = [
    { section: 'ha', keys: ['pingnodes', 'pingnodes_add_gw', 'pingnodes_add_dns', 'timing'] },
    { section: 'heartbeat', keys: ['pingnodes', 'port'] },
  ]
  for (const { section, keys } of platform) {
    const tree = child(root, section)
    if (tree?.kind !== 'map') continue
    for (const [key, value] of tree.entries) {
      const meant = keys.includes(key) ? null : nearMiss(key, keys)
      if (meant !== null) {
        findings.warning(value, 'is not a key we know', `did you mean ${meant}?`)
      }
    }
  }
}

/** A section of ours with its keys in one spelling; a key we do not know is a mistake. */
function readOurs(
  section: Tree | undefined,
  known: readonly string[],
  findings: Findings,
): MapTree | undefined {
  if (section === undefined || (section.kind === 'scalar' && section.isNull)) return undefined
  if (section.kind !== 'map') {
    const mend = `write the settings below it, as "${known[0]}: …"`
    findings.error(section, 'is not a section', mend)
    return undefined
  }
  const entries = new Map<string, Tree>()
  for (const [written, value] of section.entries) {
    const key = snakeCase(written)
    if (!known.includes(key)) {
      const meant = nearMiss(key, known)
      const mend = meant === null ? `known are ${known.join(', ')}` : `did you mean ${meant}?`
      findings.error(value, 'is not a known key', mend)
    } else if (entries.has(key)) {
      findings.error(value, `is given twice, in two spellings of ${key}`, 'keep one of the two')
    } else {
      entries.set(key, value)
    }
  }
  return { ...section, entries }
}

function readPort(root: MapTree, tandem: MapTree | undefined, findings: Findings): number {
  const range = { min: 1, max: 65_535 }
  const ours = readInteger(child(tandem, 'port'), range, findings)
  const platform = child(child(root, 'heartbeat'), 'port')
  const theirs = readInteger(platform, range, findings)
  if (ours !== null && theirs !== null && ours !== theirs && platform !== undefined) {
    findings.warning(platform, `is not used: tandem.port says ${ours}`, 'keep one of the two')
  }
  return ours ?? theirs ?? DEFAULT_PORT
}

function readKeyFile(tree: Tree | undefined, findings: Findings): Settings['keyFile'] {
  const text = readText(tree, findings)
  if (text === null) return { path: DEFAULT_KEY_FILE, tree: null }
  if (!text.text.startsWith('/')) {
    findings.error(text, 'is not an absolute path', `write it as ${DEFAULT_KEY_FILE}`)
    return { path: DEFAULT_KEY_FILE, tree: null }
  }
  return { path: text.text, tree: text }
}

function readGroup(tree: Tree | undefined, findings: Findings): string | null {
  const text = readText(tree, findings)
  if (text === null) return null
  if (/^[a-z_][a-z0-9_-]{0,30}\$?$/i.test(text.text)) return text.text
  findings.error(text, 'is not the name of a group', 'write a group name, as "adm"')
  return null
}

function readData(
  tree: Tree | undefined,
  { timing, stores }: { timing: TimingTold; stores: readonly ToldStore[] },
  findings: Findings,
): DataPolicy {
  const data = readOurs(tree, KNOWN_DATA_KEYS, findings)
  const milliseconds = (key: string, max: number): number | null =>
    readInteger(child(data, key), { min: 0, max, unit: 'milliseconds' }, findings)
  const told = readChoice(child(data, 'takeover'), ['none', 'recent', 'strict'], findings)
  // Only a store that confirms a write together with the peer can ever prove what the peer has.
  const proven = stores.some((store) => store.semiSync)
  const takeover = told ?? (proven ? 'recent' : 'none')
  if (told !== null && told !== 'none' && !proven && tree !== undefined) {
    const why = `asks for proof of the data (${told}), and no store can give any`
    findings.error(
      tree,
      why,
      'set semi_sync for a MariaDB store under tandem.stores, or takeover: none',
    )
  }
  const { suspicionMs, takeoverSilenceMs } = deriveTiming(timing.choice)
  return {
    takeover,
    recentMs: milliseconds('recent_ms', 600_000) ?? 10_000,
    stale: readChoice(child(data, 'stale'), ['serve', 'refuse'], findings) ?? 'serve',
    staleWaitMs: milliseconds('stale_wait_ms', 86_400_000) ?? 120_000,
    // PROTOCOL, "Data": W = S lets service go on soon, W = 2D loses no confirmed write.
    confirmAloneAfterMs: takeover === 'strict' ? 2 * takeoverSilenceMs : suspicionMs,
  }
}
