/** A small pair in the platform's shape, to be broken one place at a time. */
import { Findings } from '../../src/config/finding.ts'
import { type Judged, judge, judgeIdentity } from '../../src/config/judge.ts'
import { readYaml } from '../../src/config/yaml.ts'
import type { Mistake } from '../../src/errors.ts'

export const CONFIG = `ha:
  pingnodes: [192.0.2.1, 192.0.2.2, 192.0.2.3]
tandem:
  timing: fast
`

export const NETWORK = `hosts:
  sp1:
    peer: sp2
    dbnode: '1'
    interfaces: [lo, eth0, eth1]
    lo: {ip: 127.0.0.1, netmask: 255.0.0.0, type: [api_int]}
    eth0:
      hwaddr: 52:54:00:00:00:01
      ip: 192.0.2.11
      netmask: 255.255.255.0
      shared_ip: [192.0.2.10]
      shared_v6ip: ~
      gateway: 192.0.2.1
      dns_nameservers: [198.51.100.30]
      type: [sip_ext]
    eth1: {ip: 192.168.255.251, netmask: 29, type: [ha_int]}
  sp2:
    peer: sp1
    dbnode: '2'
    interfaces: [lo, eth0, eth1]
    lo: {ip: 127.0.0.1, netmask: 255.0.0.0, type: [api_int]}
    eth0:
      hwaddr: 52:54:00:00:00:02
      ip: 192.0.2.12
      netmask: 255.255.255.0
      shared_ip: [192.0.2.10]
      shared_v6ip: []
      gateway: 192.0.2.1
      dns_nameservers: [198.51.100.30]
      type: [sip_ext]
    eth1: {ip: 192.168.255.252, netmask: 29, type: [ha_int]}
`

/** Replaces text that must be there, everywhere it is. */
export function edit(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`nothing to replace: ${from}`)
  return text.replaceAll(from, to)
}

/** As `edit`, but only the first or second time it occurs: in the section of sp1 or of sp2. */
export function editOn(node: 'sp1' | 'sp2', text: string, from: string, to: string): string {
  const first = text.indexOf(from)
  const at = node === 'sp1' ? first : text.indexOf(from, first + 1)
  if (at < 0) throw new Error(`nothing to replace on ${node}: ${from}`)
  return text.slice(0, at) + to + text.slice(at + from.length)
}

/** Judges two texts as the files of the node, without touching the disk. */
export function judgeTexts(texts: { config?: string; network?: string; node?: string }): Judged {
  const findings = new Findings()
  const network = readYaml('network.yml', Buffer.from(texts.network ?? NETWORK), findings)
  const told = { text: texts.node ?? 'sp1', from: '--node' }
  const known = network && judgeIdentity(network, { told, nodeFile: null, machine: [] }, findings)
  const root = readYaml('config.yml', Buffer.from(texts.config ?? CONFIG), findings)
  return judge(root, known, findings)
}

/** One line per mistake, everything in it. */
export function linesOf(mistakes: readonly Mistake[]): string[] {
  return mistakes.map(({ severity, file, line, key, value, why, mend }) => {
    const where = line === undefined ? file : `${file}:${line}`
    return `${severity} ${where} ${key}${value === null ? '' : `=${value}`} ${why} -> ${mend}`
  })
}
