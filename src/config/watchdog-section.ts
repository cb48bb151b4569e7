/**
 * Does a hardware watchdog reset this machine when its agent is silent? `tandem.watchdog`, off by default:
 *
 *     watchdog: yes
 *     watchdog: {device: /dev/watchdog1, timeout_seconds: 30}
 *
 * Where it says nothing, the platform's own switch of its watchdog counts (`hb_watchdog.enable` below `ha` or
 * `heartbeat`). That one stands in files which nobody wrote with this device in mind: it asks for a watchdog where
 * there is one to be had, and no more.
 */
import type { WatchdogConfig } from './config.ts'
import { Findings } from './finding.ts'
import { knownKeys } from './known-keys.ts'
import { readInteger, readText, readYesNo } from './scalar.ts'
import { child, isEmpty, type MapTree, type Tree } from './tree.ts'

const DEVICE = '/dev/watchdog'
/**
 * An agent that hangs is ended by systemd after 10 s, given 2 s to end, cleared away after within 2 s, and up again a
 * moment later. That is to come first: it costs less than a reset.
 */
const TIMEOUT_SECONDS = { min: 5, max: 300, unit: 'seconds' }
const DEFAULT_TIMEOUT_SECONDS = 20
const EXAMPLE = `{device: ${DEVICE}, timeout_seconds: ${DEFAULT_TIMEOUT_SECONDS}}`

/** @returns null: none is to be used */
export function readWatchdog(
  root: MapTree,
  told: Tree | undefined,
  findings: Findings,
): WatchdogConfig | null {
  const usual = { device: DEVICE, timeoutSeconds: DEFAULT_TIMEOUT_SECONDS }
  if (told === undefined || isEmpty(told)) {
    return asksForOne(root, findings) ? { ...usual, whereThereIsOne: true } : null
  }
  if (told.kind === 'map') return readSection(told, findings)
  // Its own sentence would leave out the third way to write it.
  const on = readYesNo(told, new Findings())
  if (on === null) findings.error(told, 'is neither yes nor no', `write yes, no or ${EXAMPLE}`)
  return on === false ? null : { ...usual, whereThereIsOne: false }
}

function readSection(told: MapTree, findings: Findings): WatchdogConfig {
  const given = knownKeys(told, ['device', 'timeout_seconds'], findings)
  const seconds = readInteger(child(given, 'timeout_seconds'), TIMEOUT_SECONDS, findings)
  return {
    device: readDevice(child(given, 'device'), findings),
    timeoutSeconds: seconds ?? DEFAULT_TIMEOUT_SECONDS,
    whereThereIsOne: false,
  }
}

function readDevice(tree: Tree | undefined, findings: Findings): string {
  const device = readText(tree, findings)
  if (device === null) return DEVICE
  if (!device.text.startsWith('/')) {
    findings.error(device, 'is not an absolute path', `write it from the root, as ${DEVICE}`)
  }
  return device.text
}

/** The platform's newer section goes before its older one, as with ping nodes. */
function asksForOne(root: MapTree, findings: Findings): boolean {
  const [newer, older] = ['ha', 'heartbeat'].map((section) =>
    child(child(child(root, section), 'hb_watchdog'), 'enable'),
  )
  return readYesNo(isEmpty(newer) ? older : newer, findings) ?? false
}
