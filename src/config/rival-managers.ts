/**
 * Does another program of this host mean to put our floating IPs on an interface?
 *
 * keepalived, heartbeat, Pacemaker and ucarp are what such pairs had before. With two managers of one address both
 * nodes may have it at once, and no gate of ours can keep the other from it. Told, and not more: a node that serves
 * must not fail to start again because somebody installed a package.
 *
 * @source keepalived.conf(5), the haresources file of heartbeat 3, the CIB of Pacemaker 2, ucarp(8) and its
 *         ifupdown script in Debian
 */
import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { listDirectory, readWholeFile } from '../system/file.ts'
import { addressKey } from '../wire/ip-address.ts'
import type { PairConfig } from './config.ts'
import type { Findings } from './finding.ts'

const FILE_MAX_BYTES = 1024 * 1024
/** A name in /proc is shorter; a command line may be anything. */
const PROCESS_MAX_BYTES = 64 * 1024

/** A program, where it is told its addresses, and how it is got rid of. */
interface Rival {
  name: string
  /** As in /proc/PID/comm. */
  process: string
  /** Files, or directories whose files are read. */
  files: readonly string[]
  addressesIn(text: string): string[]
  mend: string
}

const stop = (units: string): string => `systemctl disable --now ${units}`

const RIVALS: readonly Rival[] = [
  {
    ...{ name: 'keepalived', process: 'keepalived', addressesIn: addressesOfKeepalived },
    files: ['etc/keepalived/keepalived.conf', 'etc/keepalived/conf.d'],
    mend: stop('keepalived'),
  },
  {
    ...{ name: 'heartbeat', process: 'heartbeat', addressesIn: addressesOfHaresources },
    files: ['etc/ha.d/haresources'],
    mend: stop('heartbeat'),
  },
  {
    ...{ name: 'Pacemaker', process: 'pacemakerd', addressesIn: addressesOfCib },
    files: ['var/lib/pacemaker/cib/cib.xml'],
    mend: stop('pacemaker corosync'),
  },
  {
    ...{ name: 'ucarp', process: 'ucarp', addressesIn: addressesOfUcarp },
    files: ['etc/network/interfaces', 'etc/network/interfaces.d'],
    mend: 'take its lines (ucarp-…) out of /etc/network/interfaces, and bring the interface up anew',
  },
]

/** @param root  where the system's directories are; the whole system's by default */
export async function findRivals(
  { floatingIps }: PairConfig,
  findings: Findings,
  root = '/',
): Promise<void> {
  const ours = new Map(floatingIps.map(({ address }) => [addressKey(address), address]))
  const running = await processes(root)
  for (const { name, process: comm, files, addressesIn, mend } of RIVALS) {
    const process = running.find((one) => one.comm === comm)
    const claimed = (await Promise.all(files.map((file) => textsUnder(join(root, file))))).flat()
    for (const { file, text } of claimed) {
      const addresses = addressesIn(text).flatMap((address) => ours.get(addressKey(address)) ?? [])
      if (addresses.length === 0) continue
      const which = `${addresses.join(', ')}, which ${addresses.length > 1 ? 'are' : 'is'} ours to move`
      const now =
        process === undefined ? 'would put on an interface' : 'runs, and puts on an interface'
      const place = { file, line: null, key: '' }
      findings.warning(place, `${name} ${now} ${which}: both nodes could have it at once`, mend)
    }
    // Given on the command line, where ucarp is started by hand.
    const typed = comm === 'ucarp' && process !== undefined ? addressesOfCommand(process.words) : []
    const taken = typed.flatMap((address) => ours.get(addressKey(address)) ?? [])
    if (taken.length > 0) {
      const place = { file: `process ${process?.pid}`, line: null, key: '' }
      findings.warning(place, `${name} runs, and puts on an interface ${taken.join(', ')}`, mend)
    }
  }
}

/** Those of our network namespace: what runs in a container has addresses of its own. */
async function processes(root: string): Promise<{ pid: string; comm: string; words: string[] }[]> {
  const proc = join(root, 'proc')
  const listed = await listDirectory(proc)
  const wanted = new Set(RIVALS.map((rival) => rival.process))
  const own = await networkOf(join(proc, 'self'))
  const found = []
  for (const pid of listed.ok ? listed.names.filter((name) => /^\d+$/.test(name)) : []) {
    const directory = join(proc, pid)
    const comm = (await textOf(join(directory, 'comm'), PROCESS_MAX_BYTES))?.trim() ?? ''
    if (!wanted.has(comm) || (await networkOf(directory)) !== own) continue
    const words = ((await textOf(join(directory, 'cmdline'), PROCESS_MAX_BYTES)) ?? '').split('\0')
    found.push({ pid, comm, words })
  }
  return found
}

async function networkOf(directory: string): Promise<string> {
  try {
    return await readlink(join(directory, 'ns/net'))
  } catch {
    return ''
  }
}

async function textsUnder(path: string): Promise<{ file: string; text: string }[]> {
  const text = await textOf(path, FILE_MAX_BYTES)
  if (text !== null) return [{ file: path, text }]
  const listed = await listDirectory(path)
  const files = listed.ok ? listed.names.map((name) => join(path, name)) : []
  const texts = await Promise.all(files.map((file) => textOf(file, FILE_MAX_BYTES)))
  return texts.flatMap((found, index) =>
    found === null ? [] : [{ file: files[index] ?? path, text: found }],
  )
}

async function textOf(file: string, maxBytes: number): Promise<string | null> {
  const content = await readWholeFile(file, { maxBytes })
  return content.ok ? content.bytes.toString('latin1') : null
}

/** First words of the lines in virtual_ipaddress and virtual_ipaddress_excluded. */
export function addressesOfKeepalived(text: string): string[] {
  const plain = text.replaceAll(/[#!].*$/gm, '')
  const blocks = [...plain.matchAll(/\bvirtual_ipaddress(?:_excluded)?\s*\{([^}]*)\}/g)]
  return blocks.flatMap(([, inside = '']) =>
    inside.split('\n').flatMap((line) => bare(line.trim().split(/\s+/)[0])),
  )
}

/** `NODE 10.0.0.50 IPaddr2::10.0.0.51/24/eth0 service…` */
export function addressesOfHaresources(text: string): string[] {
  const plain = text.replaceAll(/#.*$/gm, '').replaceAll('\\\n', ' ')
  return plain.split(/\s+/).flatMap((word) => bare(word.replace(/^IP(v6)?addr2?::/i, '')))
}

/** Values of attributes `ip`, and `ipv6addr` of the agent of that name. */
export function addressesOfCib(text: string): string[] {
  return [...text.matchAll(/<nvpair\b[^>]*>/g)].flatMap(([tag]) => {
    if (!/\bname="(ip|ipv6addr)"/.test(tag)) return []
    return bare(/\bvalue="([^"]*)"/.exec(tag)?.[1])
  })
}

/** `ucarp-vip ADDRESS` below an interface. */
export function addressesOfUcarp(text: string): string[] {
  return [...text.matchAll(/^\s*ucarp-vip\s+(\S+)/gm)].flatMap(([, word]) => bare(word))
}

/** `--addr=ADDRESS`, `-a ADDRESS`. */
function addressesOfCommand(words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    if (word === '-a' || word === '--addr') return bare(words[index + 1])
    return bare(/^(?:--addr=|-a)(.+)/.exec(word)?.[1])
  })
}

/** Without the length of its prefix, or an interface, behind a slash. */
function bare(word: string | undefined): string[] {
  const address = word?.split('/')[0] ?? ''
  return address === '' ? [] : [address]
}
