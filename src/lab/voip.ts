/**
 * A pair of the lab that carries calls: Redis as its store; lb, proxy and rtpengine looked after by the
 * agents, and stand-ins for SEMS and Asterisk.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { floatingIpOf, type LabNodeName, NODE_NAMES, otherNode } from './plan.ts'
import type { TimingProfileName } from './platform-files.ts'
import { builtFile } from './program.ts'
import { StorePair } from './store-pair.ts'
import type { Lab } from './topology.ts'
import {
  lbConfig,
  managerSecretFile,
  proxyConfig,
  rtpengineConfig,
  VOIP_PORTS,
  type VoipPlaces,
  voipServiceLines,
} from './voip-config.ts'

const PROGRAMS = ['/usr/sbin/kamailio', '/usr/bin/rtpengine', '/usr/bin/sipp'] as const
const LOOK_AGAIN_MS = 50

/** Why it cannot run here; null when it can. */
export function voipMissing(): string | null {
  const missing = PROGRAMS.filter((path) => !existsSync(path))
  return missing.length === 0 ? null : `${missing.join(', ')} not installed`
}

/** Every service runs and answers, or is down as it should be, on both nodes. */
export async function untilServed(pair: StorePair, limitMs = 30_000): Promise<LabNodeName> {
  const active = await pair.whole(limitMs)
  const endMs = performance.now() + limitMs
  let last = ''
  while (performance.now() < endMs) {
    const statuses = await Promise.all(NODE_NAMES.map((name) => pair.statusOf(name)))
    const services = statuses.flatMap((status) => status?.services ?? [])
    last = services.map(({ name, process, probe }) => `${name} ${process} ${probe}`).join(', ')
    const settled = services.every(({ wanted, process, probe }) =>
      wanted === 'running' ? process === 'running' && probe === 'well' : process === 'stopped',
    )
    if (statuses.every((status) => status !== null) && services.length > 0 && settled) return active
    await sleep(LOOK_AGAIN_MS)
  }
  throw new Error(`lab: the services did not come about: ${last}`)
}

/** Builds the pair; returns when calls can be made. */
export async function buildVoipPair(
  prefix: string,
  { profile, mode }: { profile: TimingProfileName; mode: 'always' | 'active' },
): Promise<StorePair> {
  const pair = await StorePair.build(prefix, {
    profile,
    kinds: ['redis'],
    prepared: (lab) => writeVoipFiles(lab, mode),
  })
  try {
    await untilServed(pair)
    return pair
  } catch (error) {
    await pair.destroy()
    throw error
  }
}

function standIn(name: 'sems' | 'asterisk'): string[] {
  return [process.execPath, '--v8-pool-size=0', builtFile(`lab/${name}-stand-in.js`)]
}

async function writeVoipFiles(lab: Lab, mode: 'always' | 'active'): Promise<void> {
  const { plan } = lab
  for (const name of NODE_NAMES) {
    const directory = `${plan.workDir}/${name}/voip`
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const places: VoipPlaces = {
      floatingIp: floatingIpOf(plan),
      ourCrosslink: plan.crosslink[name].ipv4,
      peerCrosslink: plan.crosslink[otherNode(name)].ipv4,
      directory,
    }
    await writeFile(`${directory}/lb.cfg`, lbConfig(places))
    await writeFile(`${directory}/proxy.cfg`, proxyConfig(places))
    await writeFile(`${directory}/rtpengine.conf`, rtpengineConfig(places))
    await writeFile(managerSecretFile(places), `${randomBytes(12).toString('hex')}\n`, {
      mode: 0o600,
    })
    const services = voipServiceLines(places, mode, standIn)
    const lines = services.map((line) => `    ${line}\n`)
    const outside = `  outside_checks: ['sip udp:${places.floatingIp}:${VOIP_PORTS.lb}']\n`
    const text = `${outside}  services:\n${lines.join('')}`
    await appendFile(`${plan.workDir}/${name}/config/config.yml`, text)
  }
}
