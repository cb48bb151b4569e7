/**
 * What is the pair in the lab told? Its config.yml, network.yml and shared key.
 *
 * Written in the platform's shape, as an operator would have it, so that the lab also proves that
 * such files load. Rivals have their own files (`rivals.ts`).
 */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { formatKeys, makeKey, SECRET_BYTES } from '../wire/key.ts'
import type { ChosenLetters } from './demand.ts'
import { type LabNodeName, type LabPlan, NODE_NAMES, otherNode, PING_NAMES } from './plan.ts'

export type TimingProfileName = 'default' | 'fast'

/** Directories of one node. Only `state` survives a power cut: it stands for the disk. */
export interface NodeDirectories {
  config: string
  state: string
  run: string
}

/** Where a node's directories are. */
export function directoriesOf(plan: LabPlan, node: LabNodeName): NodeDirectories {
  const base = `${plan.workDir}/${node}`
  return { config: `${base}/config`, state: `${base}/state`, run: `${base}/run` }
}

/** What a pair is told besides its profile. */
export interface Told {
  /** Single times in place of the profile's, ms. */
  letters?: ChosenLetters | undefined
  /** Lines below `tandem.stores`, without their indentation. */
  stores?: readonly string[]
  /** Lines below `tandem`, as those of `data`. */
  more?: readonly string[]
}

/** Writes the files of both nodes. */
export async function writePlatformFiles(
  plan: LabPlan,
  profile: TimingProfileName,
  told: Told = {},
): Promise<void> {
  const keyFile = `${plan.workDir}/key`
  const key = makeKey(1, randomBytes(SECRET_BYTES))
  await writeFile(keyFile, formatKeys([key]), { mode: 0o600 })
  for (const node of NODE_NAMES) {
    const directories = directoriesOf(plan, node)
    for (const directory of Object.values(directories)) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
    }
    const texts = platformTexts(plan, profile, { keyFile, ...told })
    for (const [file, text] of Object.entries(texts)) {
      await writeFile(`${directories.config}/${file}`, text)
    }
  }
}

/** The files of both nodes by name, with the key in its usual place unless told otherwise. */
export function platformTexts(
  plan: LabPlan,
  profile: TimingProfileName,
  told: Told & { keyFile?: string } = {},
): Readonly<Record<'config.yml' | 'network.yml', string>> {
  return {
    'config.yml': configText(plan, timingText(profile, told.letters), told),
    'network.yml': networkText(plan),
  }
}

function timingText(profile: TimingProfileName, letters?: ChosenLetters): string {
  if (letters === undefined) return profile
  const { H, S, L, M, C } = letters
  const numbers = [
    `heartbeat_ms: ${H}`,
    `suspicion_ms: ${S}`,
    `lease_ms: ${L}`,
    `margin_ms: ${M}`,
    `damping_ms: ${C}`,
  ]
  return `{profile: ${profile}, ${numbers.join(', ')}}`
}

function configText(
  plan: LabPlan,
  timing: string,
  { stores = [], more = [], keyFile }: Told & { keyFile?: string },
): string {
  const pingNodes = PING_NAMES.map((name) => `    - ${plan.machines[name].ipv4}`)
  return text([
    'ha:',
    '  gcs: corosync',
    '  pingnodes:',
    ...pingNodes,
    '  pingnodes_add_gw: no',
    '  pingnodes_add_dns: no',
    'tandem:',
    `  timing: ${timing}`,
    ...(keyFile === undefined ? [] : [`  key_file: ${keyFile}`]),
    ...more.map((line) => `  ${line}`),
    ...(stores.length === 0 ? [] : ['  stores:', ...stores.map((line) => `    ${line}`)]),
  ])
}

function networkText(plan: LabPlan): string {
  return text(['hosts:', ...NODE_NAMES.flatMap((node) => hostLines(plan, node))])
}

function hostLines(plan: LabPlan, node: LabNodeName): string[] {
  const lan = plan.machines[node]
  const cross = plan.crosslink[node]
  const floating = (name: 'eth0' | 'eth1', family: 4 | 6): string => {
    const addresses = plan.floatingIps
      .filter((entry) => entry.interface === name && entry.family === family)
      .map((entry) => `'${entry.address}'`)
    return addresses.length === 0 ? '~' : `[${addresses.join(', ')}]`
  }
  const own = (name: 'eth0' | 'eth1', machine: { mac: string; ipv4: string; ipv6: string }) => [
    `    ${name}:`,
    `      hwaddr: ${machine.mac}`,
    `      ip: ${machine.ipv4}`,
    '      netmask: 255.255.255.0',
    `      v6ip: '${machine.ipv6}'`,
    '      v6netmask: 64',
    `      shared_ip: ${floating(name, 4)}`,
    `      shared_v6ip: ${floating(name, 6)}`,
  ]
  return [
    `  ${node}:`,
    `    peer: ${otherNode(node)}`,
    '    role: [proxy, lb, mgmt, rtp, db]',
    '    status: online',
    '    interfaces: [lo, eth0, eth1]',
    '    lo:',
    '      ip: 127.0.0.1',
    '      netmask: 255.0.0.0',
    "      v6ip: '::1'",
    '      type: [sip_int, web_int]',
    ...own('eth0', lan),
    '      type: [sip_ext, rtp_ext, web_ext, ssh_ext]',
    ...own('eth1', cross),
    '      type: [ha_int]',
  ]
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
