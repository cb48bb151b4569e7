/**
 * Does this machine have what the configuration names?
 *
 * The part of checking that looks at the machine and so only makes sense on the node itself:
 * interfaces, the key, and who else is after our addresses. Judging a configuration elsewhere must not need it.
 */
import { join } from 'node:path'
import type { Mistake } from '../errors.ts'
import { pathExists, readPrivateFile } from '../system/file.ts'
import { parseKeys } from '../wire/key.ts'
import type { PairConfig } from './config.ts'
import { Findings } from './finding.ts'
import { findRivals } from './rival-managers.ts'
import type { Place } from './tree.ts'
import { checkWatchdog } from './watchdog-check.ts'

/** Bytes; a key is far shorter. */
const KEY_MAX_BYTES = 4096

/** How the machine is looked at; the agent asks the kernel itself. */
export interface MachineDoors {
  interfaceExists(name: string): boolean | Promise<boolean>
}

/** Looks interfaces up in /sys, as every user may. */
export const systemDoors: MachineDoors = {
  interfaceExists: (name) => pathExists(join('/sys/class/net', name)),
}

/** Every mistake that only shows on the machine; none when all is there. */
export async function checkMachine(
  config: PairConfig,
  doors: MachineDoors = systemDoors,
): Promise<readonly Mistake[]> {
  const findings = new Findings()
  const names = [...config.paths, ...config.floatingIps].map((user) => user.interface)
  for (const name of new Set(names)) {
    if (await doors.interfaceExists(name)) continue
    const place: Place = {
      file: 'this machine',
      line: null,
      key: `hosts.${config.hostName}.${name}`,
    }
    const mend = 'correct the name in network.yml or bring the interface up'
    findings.error(place, 'is not an interface of this machine', mend)
  }
  await checkKey(config.keyFile, findings)
  await checkFence(config, findings)
  await findRivals(config, findings)
  await checkWatchdog(config, findings)
  return findings.all
}

/** What would only show when the peer is to be switched off. */
async function checkFence({ fence }: PairConfig, findings: Findings): Promise<void> {
  if (fence === null) return
  if (!(await pathExists(fence.agent))) {
    const mend = 'install it (apt-get install fence-agents), or correct tandem.fence.agent'
    findings.error({ file: fence.agent, line: null, key: '' }, 'is not there', mend)
  }
  for (const { passwordFile } of Object.values(fence.plugs)) {
    if (passwordFile === null) continue
    const content = await readPrivateFile(passwordFile, { maxBytes: KEY_MAX_BYTES })
    if (content.ok) continue
    const mend = `put it in place: chown root ${passwordFile} && chmod 600 ${passwordFile}`
    findings.error({ file: passwordFile, line: null, key: '' }, content.message, mend)
  }
}

async function checkKey(path: string, findings: Findings): Promise<void> {
  const content = await readPrivateFile(path, { maxBytes: KEY_MAX_BYTES })
  const place: Place = { file: path, line: null, key: '' }
  if (content.ok) {
    const read = parseKeys(content.bytes.toString('latin1'))
    if (read.ok) return
    findings.error({ ...place, line: read.line === 0 ? null : read.line }, read.why, read.mend)
    return
  }
  switch (content.code) {
    case 'HA_FILE_MISSING': {
      const mend = 'make one with "tandem key new" and copy it to the other node'
      findings.error(place, 'is not there; without the key of the pair no node starts', mend)
      return
    }
    case 'HA_FILE_NOT_PRIVATE':
      findings.error(place, content.message, `chown root ${path} && chmod 600 ${path}`)
      return
    default:
      findings.error(place, content.message, 'make it a file that root can read')
  }
}
