/**
 * How is the pair's world broken? Cut cables, silent cuts, one-way cuts, loss, partitions, CPU load.
 *
 * All of it happens in the switch namespace, never in a node's own: a node must not be able to see its
 * fault other than on the wire. Frames are dropped by one nftables bridge table, which is written
 * anew as a whole for each set of faults (netem is missing from many kernels). What a rule does not
 * name passes. The rules name ports and not addresses, so that broadcasts and ARP fall under them as
 * well, unless a fault lets ARP pass on purpose.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  crossPort,
  type LabNodeName,
  lanPort,
  type MachineName,
  NODE_NAMES,
  namespaceOf,
  otherNode,
  PING_NAMES,
} from './plan.ts'
import { inside, killUntilGone, must, processesIn, startProgram } from './process.ts'
import type { Lab } from './topology.ts'

/** Something that swallows frames. Several may hold at a time. */
export type Fault =
  /** Every frame to and from a machine on the LAN; its carrier stays. */
  | { kind: 'lan-silent'; machine: MachineName }
  /** The crosslink both ways; carriers stay. */
  | { kind: 'crosslink-silent' }
  /** Frames from one node to the other on every direct path; the other way works. */
  | { kind: 'one-way'; from: LabNodeName }
  /** Every direct path between the nodes; both still reach everybody else. */
  | { kind: 'partition'; arpPasses: boolean }
  /** Some machines on one side, everybody else on the other; the crosslink goes with the nodes. */
  | { kind: 'split'; side: readonly MachineName[] }
  /** A share of the frames between the nodes, each way, on every direct path. */
  | { kind: 'loss'; percent: number }
  /** A share of all frames to and from both nodes, ping nodes and clients included. */
  | { kind: 'loss-everywhere'; percent: number }
  /** Echo requests that bear another's source address: ping nodes cannot carry heartbeats. */
  | { kind: 'no-reflection' }

/** Nobody reaches the other node by any way; both reach everybody else. */
export const APART: readonly Fault[] = [
  { kind: 'partition', arpPasses: false },
  { kind: 'no-reflection' },
]

/** ARP and the two neighbour discovery messages that mean the same for IPv6. */
const PASS_ADDRESS_RESOLUTION = [
  'ether type arp accept',
  'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
]

/** Drops frames as told, in place of whatever was dropped before. */
export async function impose(lab: Lab, faults: readonly Fault[]): Promise<void> {
  const namespace = namespaceOf(lab.plan, 'lan')
  await must('impose faults', inside(namespace, ['nft', '-f', '-']), {
    input: renderFaults(lab, faults),
  })
}

/** A cable that was plugged in carries frames about a second later: the kernel is in no hurry. */
const PLUGGED_WITHIN_MS = 3000

/** Ends all dropping, plugs every cable in again and waits until frames pass on all. */
export async function heal(lab: Lab): Promise<void> {
  await impose(lab, [])
  const ports = [...NODE_NAMES, ...PING_NAMES].map((name) => lanPort(name))
  await lab.links.set([...ports, ...NODE_NAMES.map((node) => crossPort(node))], 'up')
  const endMs = performance.now() + PLUGGED_WITHIN_MS
  while (!(await allPlugged(lab))) {
    if (performance.now() > endMs) throw new Error('lab: a cable does not come up again')
    await sleep(20)
  }
}

/** The switch must forward, and the nodes' own ends must have been woken up by the kernel as well. */
async function allPlugged(lab: Lab): Promise<boolean> {
  const look = (name: MachineName | 'lan', command: string[]): Promise<string> =>
    must('look at cables', inside(namespaceOf(lab.plan, name), command))
  const shown = await Promise.all([
    look('lan', ['bridge', 'link', 'show']),
    ...NODE_NAMES.map((node) => look(node, ['ip', '-o', 'link', 'show', 'up'])),
  ])
  return shown.every((text) => !/state (disabled|blocking|listening|learning|DOWN)/.test(text))
}

/** Pulls or plugs cables, with the carrier. */
export async function setCable(
  lab: Lab,
  cable: 'crosslink' | { lanOf: MachineName },
  state: 'up' | 'down',
): Promise<void> {
  const ports =
    cable === 'crosslink' ? NODE_NAMES.map((node) => crossPort(node)) : [lanPort(cable.lanOf)]
  await lab.links.set(ports, state)
}

/** The nftables text for a set of faults: one transaction, old rules out and new ones in. */
export function renderFaults(lab: Pick<Lab, 'plan'>, faults: readonly Fault[]): string {
  const rules = faults.flatMap((fault) => rulesOf(lab, fault))
  return [
    'table bridge lab',
    'delete table bridge lab',
    'table bridge lab {',
    '  chain forward {',
    '    type filter hook forward priority 0; policy accept;',
    ...rules.map((rule) => `    ${rule}`),
    '  }',
    '}',
    '',
  ].join('\n')
}

function rulesOf(lab: Pick<Lab, 'plan'>, fault: Fault): string[] {
  switch (fault.kind) {
    case 'lan-silent': {
      const port = quoted(lanPort(fault.machine))
      return [`iifname ${port} drop`, `oifname ${port} drop`]
    }
    case 'crosslink-silent':
      return NODE_NAMES.map((node) => `iifname ${quoted(crossPort(node))} drop`)
    case 'one-way':
      return between(fault.from).map((match) => `${match} drop`)
    case 'partition': {
      const matches = NODE_NAMES.flatMap((node) => between(node))
      const passes = fault.arpPasses
        ? matches.flatMap((match) => PASS_ADDRESS_RESOLUTION.map((pass) => `${match} ${pass}`))
        : []
      return [...passes, ...matches.map((match) => `${match} drop`)]
    }
    case 'split': {
      const side = `{ ${fault.side.map((name) => quoted(lanPort(name))).join(', ')} }`
      const apart = fault.side.filter((name) => name === 'sp1' || name === 'sp2').length === 1
      return [
        `iifname ${side} oifname != ${side} drop`,
        `iifname != ${side} oifname ${side} drop`,
        ...(apart ? NODE_NAMES.map((node) => `iifname ${quoted(crossPort(node))} drop`) : []),
      ]
    }
    case 'loss':
      return NODE_NAMES.flatMap((node) => between(node)).map(
        (match) => `${match} numgen random mod 100 < ${fault.percent} drop`,
      )
    case 'loss-everywhere': {
      const ports = NODE_NAMES.flatMap((node) => [lanPort(node), crossPort(node)])
      const set = `{ ${ports.map(quoted).join(', ')} }`
      // Between the nodes both match once: a frame is lost with the same chance as any other.
      return [
        `iifname ${set} numgen random mod 100 < ${fault.percent} drop`,
        `iifname != ${set} oifname ${set} numgen random mod 100 < ${fault.percent} drop`,
      ]
    }
    case 'no-reflection':
      return NODE_NAMES.flatMap((node) => {
        const port = quoted(lanPort(node))
        const peer = lab.plan.machines[otherNode(node)]
        return [
          `iifname ${port} ip saddr ${peer.ipv4} icmp type echo-request drop`,
          `iifname ${port} ip6 saddr ${peer.ipv6} icmpv6 type echo-request drop`,
        ]
      })
  }
}

/** Matches for frames from a node to the other one on either direct path. */
function between(from: LabNodeName): string[] {
  const to = otherNode(from)
  return [
    `iifname ${quoted(lanPort(from))} oifname ${quoted(lanPort(to))}`,
    `iifname ${quoted(crossPort(from))} oifname ${quoted(crossPort(to))}`,
  ]
}

function quoted(name: string): string {
  return `"${name}"`
}

/** Busy loops at normal priority. */
export interface CpuLoad {
  /** Ends them and waits until they are gone. */
  stop(): Promise<void>
}

/**
 * Starts busy loops in the switch namespace, where destroying the lab finds them too. Each dies with
 * us (`startProgram`), and by itself once it has used its share of processor time.
 *
 * @param limitSeconds  processor seconds after which a loop ends at the latest
 */
export function burnCpu(lab: Lab, loops: number, limitSeconds: number): CpuLoad {
  const namespace = namespaceOf(lab.plan, 'lan')
  const busy = ['prlimit', `--cpu=${limitSeconds}`, 'sh', '-c', 'while :; do :; done']
  const pids = Array.from({ length: loops }, () =>
    startProgram(inside(namespace, busy), { logFile: '/dev/null' }),
  ).map((program) => program.pid)
  return {
    stop: () => killUntilGone(() => processesIn(namespace).filter((pid) => pids.includes(pid))),
  }
}

/**
 * Environment that gives a program a wrong wall clock: libfaketime.
 *
 * @param spec  as FAKETIME takes it: `+1d`, `-30m`, `+0 x1.5`
 * @param monotonicToo  also bends CLOCK_MONOTONIC, which no step of the wall clock does in reality
 */
export function fakeClock(spec: string, monotonicToo = false): Record<string, string> {
  return {
    LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
    FAKETIME: spec,
    ...(monotonicToo ? {} : { DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }),
  }
}
