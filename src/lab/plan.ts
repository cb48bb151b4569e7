/**
 * What does the lab's pair look like? Names, MAC and IP addresses, all fixed, nothing built yet.
 *
 * Fixed MAC addresses let faults name a machine, and let a client ask one node directly whatever
 * ARP says. The crosslink carries a floating IP too when asked for, as platforms of this kind have it.
 * Every veth ends in the switch namespace, also the crosslink's: pulling a cable is then something
 * that happens between the nodes and not a setting of either of them.
 */

export type LabNodeName = 'sp1' | 'sp2'
export const NODE_NAMES = ['sp1', 'sp2'] as const satisfies readonly LabNodeName[]
export const PING_NAMES = ['ping1', 'ping2', 'ping3'] as const
/** Clients: one like any other, and one per node that knows only this node's MAC address. */
export const CLIENT_NAMES = ['client', 'viasp1', 'viasp2'] as const
export type PingName = (typeof PING_NAMES)[number]
export type ClientName = (typeof CLIENT_NAMES)[number]
export type MachineName = LabNodeName | PingName | ClientName

/** UDP port on which responders tell their name. */
export const RESPONDER_PORT = 7100

/** One machine on the LAN. */
export interface Machine {
  name: MachineName
  mac: string
  ipv4: string
  ipv6: string
}

export interface Floating {
  address: string
  family: 4 | 6
  interface: 'eth0' | 'eth1'
}

export interface LabPlan {
  prefix: string
  /** Directory on tmpfs with everything of this lab. */
  workDir: string
  machines: Readonly<Record<MachineName, Machine>>
  crosslink: Readonly<Record<LabNodeName, { mac: string; ipv4: string; ipv6: string }>>
  floatingIps: readonly Floating[]
}

export const PREFIX_LENGTH = { 4: 24, 6: 64 } as const
const HOST_NUMBERS: Readonly<Record<MachineName, number>> = {
  sp1: 1,
  sp2: 2,
  ping1: 101,
  ping2: 102,
  ping3: 103,
  client: 200,
  viasp1: 201,
  viasp2: 202,
}

/** The other node. */
export function otherNode(node: LabNodeName): LabNodeName {
  return node === 'sp1' ? 'sp2' : 'sp1'
}

/** The namespace of a machine, or of the switch. */
export function namespaceOf(plan: LabPlan, name: MachineName | 'lan'): string {
  return `${plan.prefix}-${name}`
}

/**
 * Lays out a lab.
 *
 * @param prefix  begins every namespace's name and the work directory's; letters and digits
 * @throws Error when the prefix could not be part of a name
 */
export function planLab(prefix: string, options: { crosslinkFloating?: boolean } = {}): LabPlan {
  if (!/^[a-z][a-z0-9]{0,15}$/.test(prefix)) {
    throw new Error(`lab prefix ${JSON.stringify(prefix)}: use 1 to 16 small letters and digits`)
  }
  const machine = (name: MachineName): Machine => {
    const host = HOST_NUMBERS[name]
    return { name, mac: mac(0, host), ipv4: `10.71.0.${host}`, ipv6: `fd71::${host.toString(16)}` }
  }
  const cross = (host: number) => ({
    mac: mac(1, host),
    ipv4: `192.168.255.${250 + host}`,
    ipv6: `fd72::${host}`,
  })
  return {
    prefix,
    workDir: `/run/tandem-lab-${prefix}`,
    machines: {
      sp1: machine('sp1'),
      sp2: machine('sp2'),
      ping1: machine('ping1'),
      ping2: machine('ping2'),
      ping3: machine('ping3'),
      client: machine('client'),
      viasp1: machine('viasp1'),
      viasp2: machine('viasp2'),
    },
    crosslink: { sp1: cross(1), sp2: cross(2) },
    floatingIps: [
      { address: '10.71.0.50', family: 4, interface: 'eth0' },
      { address: 'fd71::50', family: 6, interface: 'eth0' },
      ...(options.crosslinkFloating === true
        ? [{ address: '192.168.255.250', family: 4, interface: 'eth1' } as const]
        : []),
    ],
  }
}

function mac(network: number, host: number): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0')
  return `02:71:00:00:${hex(network)}:${hex(host)}`
}

/**
 * The floating IP that clients call.
 *
 * @throws Error when the plan has no IPv4 one in the service LAN
 */
export function floatingIpOf({ floatingIps }: LabPlan): string {
  const found = floatingIps.find((ip) => ip.family === 4 && ip.interface === 'eth0')
  if (found === undefined) throw new Error('lab: no IPv4 floating IP')
  return found.address
}

/** The switch's port towards a machine. */
export function lanPort(name: MachineName): string {
  return `p-${name}`
}

/** The crosslink's end towards a node, in the switch namespace. */
export function crossPort(node: LabNodeName): string {
  return `x-${node}`
}
