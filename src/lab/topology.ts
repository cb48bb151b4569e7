/**
 * Where does the pair live? In network namespaces: two nodes, a switch, three ping nodes, clients.
 *
 *      ping1 ping2 ping3  client viasp1 viasp2
 *        |     |     |      |      |      |
 *     ===+=====+=====+======+======+======+===  br-lan   \
 *        | p-sp1                       | p-sp2            > namespace `lan`
 *        |        x-sp1 ==br-x== x-sp2 |                 /
 *       eth0       eth1         eth1  eth0
 *        `--- sp1 ---'           `--- sp2 ---'
 *
 * The crosslink passes through the switch namespace too (a bridge of exactly two ports), so that both
 * ends can lose carrier without either node having done it. Address resolution keeps the kernel's
 * defaults on purpose (`arp_ignore` 0: Linux answers for any of its addresses on any interface), as
 * that is what a pair has to live with. Duplicate address detection is off on fixed addresses only
 * to start quickly. `ip_nonlocal_bind` is on, as usual where services listen on a floating IP
 * before they own it; the responders need it. Everything is found again by its prefix: a lab that was
 * left behind is removed first.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { LinkControl } from './link-control.ts'
import {
  CLIENT_NAMES,
  crossPort,
  type LabNodeName,
  type LabPlan,
  lanPort,
  type MachineName,
  NODE_NAMES,
  namespaceOf,
  otherNode,
  PING_NAMES,
  PREFIX_LENGTH,
} from './plan.ts'
import { attempt, inside, killUntilGone, must, processesIn } from './process.ts'

const MACHINES: readonly MachineName[] = [...NODE_NAMES, ...PING_NAMES, ...CLIENT_NAMES]

/** A built lab: no pair runs in it yet. */
export interface Lab {
  readonly plan: LabPlan
  readonly links: LinkControl
  /** Gives a machine its interfaces' settings and addresses, as its boot scripts would. */
  configure(name: MachineName): Promise<void>
  /** Ends and removes everything of this lab; safe to call again. */
  destroy(): Promise<void>
}

/**
 * Builds the lab and returns when every link is up.
 *
 * SIGINT and SIGTERM destroy every lab of the process before it ends with 130 or 143.
 *
 * @throws Error naming the command that failed; what was built until then is removed
 */
export async function buildLab(plan: LabPlan): Promise<Lab> {
  await removeLeftovers(plan)
  mkdirSync(plan.workDir, { recursive: true, mode: 0o700 })
  try {
    await createNamespaces(plan)
    await Promise.all(MACHINES.map((name) => configureMachine(plan, name)))
  } catch (error) {
    await removeLeftovers(plan)
    throw error
  }
  const links = new LinkControl(namespaceOf(plan, 'lan'))
  let destroyed: Promise<void> | null = null
  const destroy = (): Promise<void> => {
    destroyed ??= (async () => {
      links.close()
      try {
        await removeLeftovers(plan)
      } finally {
        noteGone(destroy)
      }
    })()
    return destroyed
  }
  noteStanding(destroy)
  return { plan, links, destroy, configure: (name) => configureMachine(plan, name) }
}

/** How each lab of this process is removed. */
const standing = new Set<Lab['destroy']>()
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

function noteStanding(destroy: Lab['destroy']): void {
  if (standing.size === 0) for (const signal of SIGNALS) process.once(signal, onSignal)
  standing.add(destroy)
}

function noteGone(destroy: Lab['destroy']): void {
  standing.delete(destroy)
  if (standing.size === 0) for (const signal of SIGNALS) process.off(signal, onSignal)
}

/** The process waits for all of its labs: whatever ends it sooner leaves the others half removed. */
async function onSignal(signal: NodeJS.Signals): Promise<void> {
  const ends = await Promise.allSettled([...standing].map((destroy) => destroy()))
  for (const end of ends) {
    if (end.status === 'fulfilled') continue
    process.stderr.write(`lab: not all could be removed: ${String(end.reason)}\n`)
  }
  process.exit(signal === 'SIGINT' ? 130 : 143)
}

async function createNamespaces(plan: LabPlan): Promise<void> {
  const lan = namespaceOf(plan, 'lan')
  const names = [lan, ...MACHINES.map((name) => namespaceOf(plan, name))]
  await ipBatch(
    'create namespaces',
    null,
    names.map((name) => `netns add ${name}`),
  )
  await ipBatch('create bridges and cables', null, [
    // Two seconds of learning would look like an outage; snooping would eat IPv6 neighbour messages.
    `link add br-lan netns ${lan} type bridge forward_delay 0 mcast_snooping 0`,
    `link add br-x netns ${lan} type bridge forward_delay 0 mcast_snooping 0`,
    ...MACHINES.map((name) =>
      cable(lan, lanPort(name), namespaceOf(plan, name), 'eth0', plan.machines[name].mac),
    ),
    ...NODE_NAMES.map((node) =>
      cable(lan, crossPort(node), namespaceOf(plan, node), 'eth1', plan.crosslink[node].mac),
    ),
  ])
  await ipBatch('plug the cables in', lan, [
    ...MACHINES.map((name) => `link set ${lanPort(name)} master br-lan up`),
    ...NODE_NAMES.map((node) => `link set ${crossPort(node)} master br-x up`),
    'link set lo up',
    'link set br-lan up',
    'link set br-x up',
  ])
}

function cable(lan: string, port: string, machine: string, name: string, mac: string): string {
  return `link add ${port} netns ${lan} type veth peer name ${name} address ${mac} netns ${machine}`
}

async function configureMachine(plan: LabPlan, name: MachineName): Promise<void> {
  const namespace = namespaceOf(plan, name)
  const settings = [
    // New namespaces take it over from the machine; a node that forwards lets its peer answer for it.
    'net/ipv4/ip_forward 0',
    'net/ipv6/conf/all/forwarding 0',
    'net/ipv6/conf/all/disable_ipv6 0',
    'net/ipv6/conf/default/accept_dad 0',
    'net/ipv6/conf/eth0/accept_dad 0',
    'net/ipv6/conf/default/dad_transmits 0',
    'net/ipv6/conf/eth0/dad_transmits 0',
    'net/ipv6/conf/eth0/accept_ra 0',
    'net/ipv4/ip_nonlocal_bind 1',
    'net/ipv6/ip_nonlocal_bind 1',
  ]
  const script = settings.map((line) => {
    const [key, value] = line.split(' ')
    // A setting may be missing where IPv6 is not built in; what depends on it fails by name later.
    return `echo ${value} > /proc/sys/${key} 2>/dev/null`
  })
  await must(`settings of ${name}`, inside(namespace, ['sh', '-s']), {
    input: `${script.join('\n')}\ntrue\n`,
  })
  const { ipv4, ipv6 } = plan.machines[name]
  const lines = ['link set lo up', 'link set eth0 up', ...addresses('eth0', ipv4, ipv6)]
  if (name === 'sp1' || name === 'sp2') {
    const cross = plan.crosslink[name]
    lines.push('link set eth1 up', ...addresses('eth1', cross.ipv4, cross.ipv6))
  }
  if (name === 'viasp1' || name === 'viasp2') {
    const { mac } = plan.machines[name === 'viasp1' ? 'sp1' : 'sp2']
    for (const { address } of plan.floatingIps.filter((entry) => entry.interface === 'eth0')) {
      lines.push(`neigh replace ${address} lladdr ${mac} dev eth0 nud permanent`)
    }
  }
  await ipBatch(`addresses of ${name}`, namespace, lines)
}

function addresses(device: string, ipv4: string, ipv6: string): string[] {
  return [
    `addr replace ${ipv4}/${PREFIX_LENGTH[4]} broadcast + dev ${device}`,
    `addr replace ${ipv6}/${PREFIX_LENGTH[6]} dev ${device} nodad`,
  ]
}

async function ipBatch(label: string, namespace: string | null, lines: string[]): Promise<void> {
  const command = ['ip', '-batch', '-']
  const argv = namespace === null ? command : inside(namespace, command)
  await must(label, argv, { input: `${lines.join('\n')}\n`, timeoutMs: 30_000 })
}

/** Removes everything a lab of this prefix left: processes, namespaces, mounts, files. */
async function removeLeftovers(plan: LabPlan): Promise<void> {
  const names = existsSync('/run/netns')
    ? readdirSync('/run/netns').filter((name) => name.startsWith(`${plan.prefix}-`))
    : []
  await killUntilGone(() => names.flatMap((name) => processesIn(name)))
  for (const name of names) await attempt(`remove ${name}`, ['ip', 'netns', 'del', name])
  await unmountBelow(plan.workDir)
  await rm(plan.workDir, { recursive: true, force: true })
}

/** Unmounts what an agent mounted below a directory (its view of bpffs), the innermost first. */
export async function unmountBelow(directory: string): Promise<void> {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((point) => point.startsWith(`${directory}/`))
  for (const point of points.reverse()) await must(`unmount ${point}`, ['umount', '-l', point])
}

/** The ports that a node's cables end in, and the crosslink's far end, which loses carrier too. */
export function portsOf(node: LabNodeName): string[] {
  return [lanPort(node), crossPort(node), crossPort(otherNode(node))]
}
