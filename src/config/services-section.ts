/**
 * Which services are looked after, and how?
 *
 * `tandem.services` has one section per service, named by whoever writes it. Where nothing is said a
 * service is a unit of systemd of the same name that runs where the floating IPs are. The result is in
 * the order of starting; a circle of services that wait for each other is a mistake.
 */
import type { ServiceMode } from '../core/supervision.ts'
import { CALL_EXAMPLE } from './call-text.ts'
import { type CheckConfig, parseCheck } from './check-text.ts'
import type { PairConfig, ServiceConfig } from './config.ts'
import type { Findings } from './finding.ts'
import { type HookConfig, parseHook } from './hook-text.ts'
import { knownKeys } from './known-keys.ts'
import { nearMiss } from './near-miss.ts'
import { readChoice, readInteger, readText, readTexts, readYesNo } from './scalar.ts'
import { BACKEND_KEYS, readBackend } from './service-backend-section.ts'
import { child, isEmpty, type MapTree, type ScalarTree, type Tree } from './tree.ts'

const KEYS = [
  ...BACKEND_KEYS,
  'mode',
  'early',
  'after',
  'reads',
  'essential',
  'checks',
  'check_every_ms',
  'check_limit_ms',
  'check_misses',
  'start_limit_ms',
  'stop_limit_ms',
  'restarts',
  'on_active',
  'on_standby',
] as const

const MODES = ['active', 'always', 'manual'] as const satisfies readonly ServiceMode[]
const MINUTE_MS = 60_000
const EVERY_MS = { min: 100, max: 10 * MINUTE_MS, unit: 'milliseconds' }
const LIMIT_MS = { min: 50, max: MINUTE_MS, unit: 'milliseconds' }
const CHANGE_MS = { min: 500, max: 10 * MINUTE_MS, unit: 'milliseconds' }
const MISSES = { min: 1, max: 60 }
const RESTARTS = { count: 3, withinMs: MINUTE_MS }
const RESTARTS_WITHIN_MAX_S = 86_400
const DEFAULTS = {
  checkEveryMs: 1_000,
  checkLimitMs: 1_000,
  misses: 2,
  startLimitMs: 30_000,
  stopLimitMs: 10_000,
}

/** Reads every service; what cannot be used is told and left out. */
export function readServices(
  tree: Tree | undefined,
  stores: readonly string[],
  findings: Findings,
): ServiceConfig[] {
  if (tree === undefined || isEmpty(tree)) return []
  if (tree.kind !== 'map') {
    findings.error(
      tree,
      'is not a section',
      'write one section per service, as "lb: {unit: kamailio-lb}"',
    )
    return []
  }
  const services: ServiceConfig[] = []
  const names = [...tree.entries.keys()]
  for (const [name, section] of tree.entries) {
    if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
      const mend = 'name it with small letters, digits and "-", as lb or rtpengine-2'
      findings.error(section, 'has a name that cannot be used in file names', mend)
      continue
    }
    const service = readService(name, section, { services: names, stores }, findings)
    if (service !== null) services.push(service)
  }
  return inOrder(services, tree, findings)
}

function readService(
  name: string,
  section: Tree,
  known: { services: readonly string[]; stores: readonly string[] },
  findings: Findings,
): ServiceConfig | null {
  if (section.kind !== 'map' && !isEmpty(section)) {
    findings.error(section, 'is not a section', `write the settings of ${name} below it`)
    return null
  }
  const given = knownKeys(section, KEYS, findings)
  const backend = readBackend(name, given, findings)
  if (backend === null) return null
  const number = (key: string, range: Parameters<typeof readInteger>[1], fallback: number) =>
    readInteger(child(given, key), range, findings) ?? fallback
  const written = child(given, 'checks')
  const checks = withoutCalls(readChecks(written, findings), written, findings)
  return {
    name,
    backend,
    mode: readChoice(child(given, 'mode'), MODES, findings) ?? 'active',
    early: readYesNo(child(given, 'early'), findings) ?? true,
    after: readNames(
      child(given, 'after'),
      { kind: 'service', names: known.services, itself: name },
      findings,
    ),
    reads: readNames(child(given, 'reads'), { kind: 'store', names: known.stores }, findings),
    essential: readYesNo(child(given, 'essential'), findings) ?? true,
    checks,
    probed: checks.length > 0,
    checkEveryMs: number('check_every_ms', EVERY_MS, DEFAULTS.checkEveryMs),
    checkLimitMs: number('check_limit_ms', LIMIT_MS, DEFAULTS.checkLimitMs),
    misses: number('check_misses', MISSES, DEFAULTS.misses),
    startLimitMs: number('start_limit_ms', CHANGE_MS, DEFAULTS.startLimitMs),
    stopLimitMs: number('stop_limit_ms', CHANGE_MS, DEFAULTS.stopLimitMs),
    restarts: readRestarts(child(given, 'restarts'), findings) ?? RESTARTS,
    onActive: readHooks(child(given, 'on_active'), findings),
    onStandby: readHooks(child(given, 'on_standby'), findings),
  }
}

/** A list of lines, or one: a line keeps its blanks. */
function readLines(tree: Tree | undefined, findings: Findings): ScalarTree[] {
  if (tree === undefined || isEmpty(tree)) return []
  if (tree.kind === 'list') return tree.items.flatMap((item) => readLines(item, findings))
  const line = readText(tree, findings)
  return line === null ? [] : [line]
}

/** Each a line of its own. */
export function readChecks(tree: Tree | undefined, findings: Findings): CheckConfig[] {
  return readLines(tree, findings).flatMap((line) => readCheck(line, findings))
}

/** One line, a test call. */
export function readCallCheck(tree: Tree | undefined, findings: Findings): PairConfig['callCheck'] {
  const [first, ...more] = readLines(tree, findings)
  if (first === undefined) return null
  const [check] = readCheck(first, findings)
  if (check === undefined) return null
  if (check.kind === 'call' && more.length === 0) return check
  const why = check.kind === 'call' ? 'is more than one call' : 'is no test call'
  findings.error(first, why, `write one, as "${CALL_EXAMPLE}"`)
  return null
}

/** A call that fails says nothing of which service is at fault, and a restart would end calls that stand. */
function withoutCalls(
  checks: readonly CheckConfig[],
  tree: Tree | undefined,
  findings: Findings,
): CheckConfig[] {
  const own = checks.filter(({ kind }) => kind !== 'call')
  if (own.length < checks.length && tree !== undefined) {
    const why = 'holds a test call, which is no probe of a single service'
    findings.error(tree, why, 'write it below tandem.outside_checks, or as tandem.call_check')
  }
  return own
}

function readCheck(line: ScalarTree, findings: Findings): CheckConfig[] {
  const read = parseCheck(line.text)
  if (read.ok) return [read.check]
  findings.error(read.secret === true ? line.place : line, read.mistake, read.mend)
  return []
}

function readHooks(tree: Tree | undefined, findings: Findings): HookConfig[] {
  return readLines(tree, findings).flatMap((line) => {
    const read = parseHook(line.text)
    if (read.ok) return [read.hook]
    findings.error(read.secret === true ? line.place : line, read.why, read.mend)
    return []
  })
}

/** Names of what the configuration has elsewhere; nothing waits for itself. */
function readNames(
  tree: Tree | undefined,
  { kind, names, itself }: { kind: 'service' | 'store'; names: readonly string[]; itself?: string },
  findings: Findings,
): string[] {
  return readTexts(tree, findings).flatMap((told) => {
    if (told.text === itself) {
      findings.error(told, 'is the service itself', 'remove it')
      return []
    }
    if (names.includes(told.text)) return [told.text]
    const meant = nearMiss(told.text, names)
    const all = names.length === 0 ? 'remove it' : `${kind}s are ${names.join(', ')}`
    const mend = meant === null ? all : `did you mean ${meant}?`
    findings.error(told, `is not a ${kind} of tandem.${kind}s`, mend)
    return []
  })
}

/** `3 in 60s`. */
function readRestarts(
  tree: Tree | undefined,
  findings: Findings,
): ServiceConfig['restarts'] | null {
  const told = readText(tree, findings)
  if (told === null) return null
  const [, count = '', seconds = ''] = /^(\d{1,3}) in ([1-9]\d{0,5})s$/.exec(told.text) ?? []
  if (count !== '' && Number(seconds) <= RESTARTS_WITHIN_MAX_S) {
    return { count: Number(count), withinMs: Number(seconds) * 1_000 }
  }
  findings.error(told, 'is not a number of restarts in a time', 'write it as "3 in 60s"')
  return null
}

/** Each behind those it waits for; otherwise as written. */
function inOrder(services: ServiceConfig[], tree: MapTree, findings: Findings): ServiceConfig[] {
  const ordered: ServiceConfig[] = []
  const left = [...services]
  while (left.length > 0) {
    const waits = ({ after }: ServiceConfig): boolean =>
      after.some((name) => left.some((other) => other.name === name))
    const next = left.findIndex((service) => !waits(service))
    if (next < 0) {
      const circle = left.map(({ name }) => name).join(', ')
      findings.error(tree.place, `wait for each other: ${circle}`, 'take one "after" away')
      return []
    }
    ordered.push(...left.splice(next, 1))
  }
  return ordered
}
