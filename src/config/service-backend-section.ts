/**
 * What starts and stops a service? One of `unit`, `command`, `monit` and `ocf`.
 *
 * Part of a section below `tandem.services`. Without any of them it is the unit of its own name.
 */
import { isIP } from 'node:net'
import type { ServiceBackend } from './config.ts'
import type { Findings } from './finding.ts'
import { readInteger, readText } from './scalar.ts'
import { child, isEmpty, type MapTree, type ScalarTree, type Tree } from './tree.ts'

export const BACKEND_KEYS = [
  'unit',
  'command',
  'directory',
  'environment',
  'user',
  'log_file',
  'grace_ms',
  'monit',
  'monit_socket',
  'monit_address',
  'monit_port',
  'monit_user',
  'monit_password_file',
  'ocf',
  'parameters',
] as const

const KINDS = ['unit', 'command', 'monit', 'ocf'] as const
/** Keys that belong to one kind alone. */
const BELONGS: Readonly<Record<string, (typeof KINDS)[number]>> = {
  directory: 'command',
  environment: 'command',
  user: 'command',
  log_file: 'command',
  grace_ms: 'command',
  monit_socket: 'monit',
  monit_address: 'monit',
  monit_port: 'monit',
  monit_user: 'monit',
  monit_password_file: 'monit',
  parameters: 'ocf',
}
const GRACE_MS = { min: 0, max: 600_000, unit: 'milliseconds' }
const DEFAULT_GRACE_MS = 5_000
const PORTS = { min: 1, max: 65_535 }
const MONIT_PORT = 2812

/** @returns null when it cannot be used, which is told */
export function readBackend(
  name: string,
  given: MapTree,
  findings: Findings,
): ServiceBackend | null {
  const told = KINDS.filter((kind) => !isEmpty(child(given, kind)))
  const kind = told[0] ?? 'unit'
  const second = told[1]
  if (second !== undefined) {
    const tree = child(given, second)
    if (tree !== undefined)
      findings.error(tree, `is one too many beside ${kind}`, 'write one of them')
    return null
  }
  for (const [key, belongs] of Object.entries(BELONGS)) {
    const value = child(given, key)
    if (value === undefined || belongs === kind) continue
    findings.error(value, `means nothing without ${belongs}`, 'remove it')
  }
  switch (kind) {
    case 'unit':
      return readUnit(name, child(given, 'unit'), findings)
    case 'command':
      return readCommand(name, given, findings)
    case 'monit':
      return readMonit(given, findings)
    case 'ocf':
      return readOcf(given, findings)
  }
}

function readUnit(name: string, tree: Tree | undefined, findings: Findings): ServiceBackend | null {
  const told = readText(tree, findings)
  const text = told?.text ?? name
  const unit = /\.(service|target|socket)$/.test(text) ? text : `${text}.service`
  if (/^[\w@:.\\-]{1,200}$/.test(unit) && !unit.startsWith('-')) return { kind: 'systemd', unit }
  if (told !== null)
    findings.error(told, 'is not the name of a unit', 'write it as systemctl knows it')
  return null
}

function readCommand(name: string, given: MapTree, findings: Findings): ServiceBackend | null {
  const tree = child(given, 'command')
  const argv = wordsOf(tree, findings)
  const [program] = argv
  if (program === undefined || !program.startsWith('/')) {
    if (tree !== undefined) {
      const mend =
        'write the program from the root, as a list or apart by blanks; there is no shell'
      findings.error(tree, 'does not begin with a program', mend)
    }
    return null
  }
  return {
    kind: 'command',
    argv,
    directory: readPath(child(given, 'directory'), findings) ?? '/',
    environment: readTextMap(child(given, 'environment'), findings),
    user: readText(child(given, 'user'), findings)?.text ?? null,
    logFile: readPath(child(given, 'log_file'), findings) ?? `/var/log/tandem/${name}.log`,
    graceMs: readInteger(child(given, 'grace_ms'), GRACE_MS, findings) ?? DEFAULT_GRACE_MS,
  }
}

/** A list keeps the blanks inside its words. */
function wordsOf(tree: Tree | undefined, findings: Findings): string[] {
  if (tree?.kind === 'list') {
    return tree.items.flatMap((item) => readText(item, findings)?.text ?? [])
  }
  return readText(tree, findings)?.text.split(/\s+/) ?? []
}

function readMonit(given: MapTree, findings: Findings): ServiceBackend | null {
  const monitName = readText(child(given, 'monit'), findings)?.text
  if (monitName === undefined) return null
  const address = readText(child(given, 'monit_address'), findings)
  if (address !== null && isIP(address.text) === 0) {
    findings.error(address, 'is not an address', 'write an IPv4 or IPv6 address')
  }
  const port = readInteger(child(given, 'monit_port'), PORTS, findings) ?? MONIT_PORT
  const socketPath = readPath(child(given, 'monit_socket'), findings)
  return {
    kind: 'monit',
    monitName,
    user: readText(child(given, 'monit_user'), findings)?.text ?? 'admin',
    passwordFile:
      readPath(child(given, 'monit_password_file'), findings) ?? '/etc/tandem/monit.password',
    ...(socketPath === null ? { address: address?.text ?? '127.0.0.1', port } : { socketPath }),
  }
}

/** `heartbeat:Dummy`, or as Pacemaker writes it `ocf:heartbeat:Dummy`. */
function readOcf(given: MapTree, findings: Findings): ServiceBackend | null {
  const told = readText(child(given, 'ocf'), findings)
  if (told === null) return null
  const [, provider, agent] = /^(?:ocf:)?([\w-]+):([\w-]+)$/.exec(told.text) ?? []
  if (provider !== undefined && agent !== undefined) {
    const parameters = readTextMap(child(given, 'parameters'), findings)
    return { kind: 'ocf', provider, agent, parameters }
  }
  findings.error(told, 'is not an OCF agent', 'write provider and name, as ocf:heartbeat:Dummy')
  return null
}

function readTextMap(tree: Tree | undefined, findings: Findings): Record<string, string> {
  if (tree === undefined || isEmpty(tree)) return {}
  if (tree.kind !== 'map') {
    findings.error(tree, 'is not a section', 'write names and values below it')
    return {}
  }
  const texts: Record<string, string> = {}
  for (const [key, value] of tree.entries) {
    const text = value.kind === 'scalar' ? value.text : readText(value, findings)?.text
    if (!/^[A-Za-z_]\w{0,63}$/.test(key)) {
      findings.error(value, 'has a name that no program reads', 'use letters, digits and "_"')
    } else if (text !== undefined) texts[key] = text
  }
  return texts
}

function readPath(tree: Tree | undefined, findings: Findings): string | null {
  const text: ScalarTree | null = readText(tree, findings)
  if (text === null) return null
  if (text.text.startsWith('/')) return text.text
  findings.error(text, 'is not an absolute path', 'write it from the root')
  return null
}
