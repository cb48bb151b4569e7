/**
 * Does a hardware watchdog reset this machine when its agent is silent? `tandem.watchdog`, off by default:
 *
 *     watchdog: yes
 *     watchdog: {device: /dev/watchdog1, timeout_seconds: 30}
 *
 * The platform's `hb_watchdog.enable` is another thing, a daemon that looks after heartbeat, and stands in files
 * which nobody wrote with this device in mind: nobody's machine is reset for it.
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
export function readWatchdog(told: Tree | undefined, findings: Findings): WatchdogConfig | null {
  const usual = { device: DEVICE, timeoutSeconds: DEFAULT_TIMEOUT_SECONDS }
  if (told === undefined || isEmpty(told)) return null
  if (told.kind === 'map') return readSection(told, findings)
  // Its own sentence would leave out the third way to write it.
  const on = readYesNo(told, new Findings())
  if (on === null) findings.error(told, 'is neither yes nor no', `write yes, no or ${EXAMPLE}`)
  return on === false ? null : usual
}

function readSection(told: MapTree, findings: Findings): WatchdogConfig {
  const given = knownKeys(told, ['device', 'timeout_seconds'], findings)
  const seconds = readInteger(child(given, 'timeout_seconds'), TIMEOUT_SECONDS, findings)
  return {
    device: readDevice(child(given, 'device'), findings),
    timeoutSeconds: seconds ?? DEFAULT_TIMEOUT_SECONDS,
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
