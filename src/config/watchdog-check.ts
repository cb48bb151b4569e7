/**
 * Can this machine's watchdog be had? Found without opening it, for opening starts it.
 *
 * Only one program can hold a watchdog. Those that are looked at are the ones that do: systemd itself, Debian's
 * watchdog, and sbd of Pacemaker.
 */
import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { listDirectory, pathExists, readWholeFile } from '../system/file.ts'
import type { PairConfig } from './config.ts'
import type { Findings } from './finding.ts'

/** A name in /proc is shorter. */
const NAME_MAX_BYTES = 256

/** As in /proc/PID/comm, and how each gives the device back. */
const HOLDERS: ReadonlyMap<string, string> = new Map([
  [
    'systemd',
    'set RuntimeWatchdogSec=off in /etc/systemd/system.conf, then systemctl daemon-reexec',
  ],
  ['watchdog', 'systemctl disable --now watchdog wd_keepalive'],
  ['wd_keepalive', 'systemctl disable --now watchdog wd_keepalive'],
  ['sbd', 'systemctl disable --now sbd'],
])

/** Two names of one device. */
const FIRST = ['/dev/watchdog', '/dev/watchdog0']

/** @param root  where the system's directories are; the whole system's by default */
export async function checkWatchdog(
  { watchdog }: PairConfig,
  findings: Findings,
  root = '/',
): Promise<void> {
  if (watchdog === null) return
  const { device } = watchdog
  const place = { file: device, line: null, key: '' }
  if (!(await pathExists(join(root, device)))) {
    const mend =
      'load the module of its driver (modprobe softdog where there is no hardware), or remove tandem.watchdog'
    findings.warning(place, 'is not there: a machine that hangs will not be reset', mend)
    return
  }
  const names = FIRST.includes(device) ? FIRST : [device]
  for (const { name, pid } of await candidates(root)) {
    if (!(await holds(join(root, 'proc', pid), names))) continue
    const why = `is held by ${name} (process ${pid}): the agent cannot have it`
    findings.warning(place, why, HOLDERS.get(name) ?? '')
  }
}

async function candidates(root: string): Promise<{ name: string; pid: string }[]> {
  const listed = await listDirectory(join(root, 'proc'))
  const found = []
  for (const pid of listed.ok ? listed.names.filter((name) => /^\d+$/.test(name)) : []) {
    const file = join(root, 'proc', pid, 'comm')
    const content = await readWholeFile(file, { maxBytes: NAME_MAX_BYTES })
    const name = content.ok ? content.bytes.toString('latin1').trim() : ''
    // Also a user's own systemd; that one holds nothing of the kind.
    if (HOLDERS.has(name)) found.push({ name, pid })
  }
  return found
}

/** What we may not look at is held by nobody, as far as we can tell. */
async function holds(directory: string, names: readonly string[]): Promise<boolean> {
  const listed = await listDirectory(join(directory, 'fd'))
  for (const fd of listed.ok ? listed.names : []) {
    const target = await readlink(join(directory, 'fd', fd)).catch(() => '')
    if (names.includes(target)) return true
  }
  return false
}
