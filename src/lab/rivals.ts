/**
 * How do existing managers do in the very same lab? keepalived and heartbeat, tuned to be quick.
 *
 * The tunings are those their users choose for short outages without giving up safety at once:
 * keepalived with VRRPv3 adverts every 0.1 s and `nopreempt`; heartbeat with beats of 0.2 s, a dead
 * time of 1 s, heartbeats on both paths and ipfail over the three ping nodes. Ratios between them and
 * our pair come from one run on one machine, so that its speed cancels out.
 */
import { existsSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PairDriver } from './pair.ts'
import {
  type LabNodeName,
  type LabPlan,
  NODE_NAMES,
  otherNode,
  PING_NAMES,
  PREFIX_LENGTH,
} from './plan.ts'
import { attempt, must, type Running } from './process.ts'
import type { Lab } from './topology.ts'

/** keepalived 2.2: VRRP on the LAN. */
export function keepalivedPair(advertSeconds = 0.1): PairDriver {
  const started = new Map<LabNodeName, Running>()
  return {
    name: 'keepalived',
    families: [4, 6],
    settlesWithinMs: 15_000,
    missing: async () =>
      existsSync('/usr/sbin/keepalived') ? null : 'keepalived is not installed',
    version: () => packageVersion('keepalived'),
    async prepare(lab) {
      for (const node of NODE_NAMES) {
        await mkdir(rivalDirectory(lab.plan, node), { recursive: true, mode: 0o755 })
        const file = `${rivalDirectory(lab.plan, node)}/keepalived.conf`
        await writeFile(file, keepalivedFile(lab.plan, node, advertSeconds))
      }
    },
    async start(node) {
      const base = `${node.directories.run}/keepalived`
      const config = `${node.directories.run}/../rival/keepalived.conf`
      const files = ['-f', config, '-p', `${base}.pid`, '-r', `${base}-vrrp.pid`]
      started.set(node.name, node.launch(['/usr/sbin/keepalived', '-n', '-l', ...files]))
    },
    async switchover(active) {
      // It has no such command; an orderly stop tells the peer at once, by an advert of priority 0.
      const running = started.get(active.name)
      if (running === undefined) throw new Error(`lab: keepalived does not run on ${active.name}`)
      process.kill(running.pid, 'SIGTERM')
      for (let left = 100; left > 0 && !running.ended(); left -= 1) await sleep(50)
      await this.start(active)
    },
  }
}

function keepalivedFile(plan: LabPlan, node: LabNodeName, advertSeconds: number): string {
  const floating = plan.floatingIps.filter((entry) => entry.interface === 'eth0')
  const lines = (family: 4 | 6): string[] =>
    floating
      .filter((entry) => entry.family === family)
      .map((entry) => `    ${entry.address}/${PREFIX_LENGTH[family]} dev eth0`)
  return [
    'global_defs {',
    '  vrrp_version 3',
    '  enable_script_security',
    '}',
    'vrrp_instance pair {',
    '  state BACKUP',
    '  nopreempt',
    '  interface eth0',
    '  virtual_router_id 71',
    `  priority ${node === 'sp1' ? 110 : 100}`,
    `  advert_int ${advertSeconds}`,
    '  virtual_ipaddress {',
    ...lines(4),
    '  }',
    // One VRRP instance announces one family; the other may follow it as excluded.
    '  virtual_ipaddress_excluded {',
    ...lines(6),
    '  }',
    '}',
    '',
  ].join('\n')
}

const HEARTBEAT_PROGRAM = '/usr/libexec/heartbeat/heartbeat'
/** Directories of the machine that heartbeat cannot be told to find elsewhere; and all of /run. */
const HEARTBEAT_PLACES = [
  ['etc', '/etc/ha.d'],
  ['lib', '/var/lib/heartbeat'],
] as const

/** heartbeat 3.0: two paths, ipfail. Each node sees directories and a host name of its own. */
export function heartbeatPair(): PairDriver {
  return {
    name: 'heartbeat',
    // Its resource lists split at "::"; IPv6 is not what it was made for.
    families: [4],
    settlesWithinMs: 40_000,
    missing: async () => (existsSync(HEARTBEAT_PROGRAM) ? null : 'heartbeat is not installed'),
    version: () => packageVersion('heartbeat'),
    async prepare(lab) {
      for (const node of NODE_NAMES) await writeHeartbeatFiles(lab, node)
    },
    async start(node) {
      const places = `${node.directories.run}/../rival`
      const { workDir } = node
      const ownRun = `${places}/run`
      const script = [
        'set -e',
        `hostname ${node.name}`,
        ...HEARTBEAT_PLACES.map(([name, place]) => `mount --bind ${places}/${name} ${place}`),
        // A /run of its own, in which nothing of the machine's is found but the lab.
        `mkdir -p ${ownRun}; mount -t tmpfs tmpfs ${ownRun}`,
        `mkdir ${ownRun}/${workDir.slice('/run/'.length)}`,
        `mount --bind ${workDir} ${ownRun}/${workDir.slice('/run/'.length)}; mount -n --move ${ownRun} /run || mountpoint -q /run`,
        'mkdir -p /run/heartbeat/rsctmp /run/resource-agents',
        'for d in ccm crm dopd; do mkdir /run/heartbeat/$d; done',
        'mkdir -p /var/lib/heartbeat/cores/root /var/lib/heartbeat/cores/hacluster',
        'chown hacluster:haclient /run/heartbeat/* /var/lib/heartbeat/cores/hacluster',
        `echo $$ > ${places}/pid`,
        // It puts itself into the background; the shell stays as a handle on the namespaces.
        HEARTBEAT_PROGRAM,
        'exec sleep 86400',
      ]
      const command = ['unshare', '--mount', '--uts', '--propagation', 'private', 'sh', '-c']
      node.launch([...command, script.join('\n')])
    },
    async switchover(active) {
      const pid = await must('find heartbeat', ['cat', `${active.directories.run}/../rival/pid`])
      const enter = ['nsenter', '-t', pid.trim(), '--mount', '--uts', '--net', '--']
      await must('hb_standby', [...enter, '/usr/share/heartbeat/hb_standby', 'all'])
    },
  }
}

async function writeHeartbeatFiles(lab: Lab, node: LabNodeName): Promise<void> {
  const { plan } = lab
  const places = rivalDirectory(plan, node)
  for (const [name] of HEARTBEAT_PLACES) {
    await mkdir(`${places}/${name}`, { recursive: true, mode: 0o755 })
  }
  // The unprivileged parts of heartbeat must be able to reach their files.
  for (const directory of [plan.workDir, `${plan.workDir}/${node}`]) await chmod(directory, 0o755)
  await must('copy scripts', ['cp', '-a', '/etc/ha.d/.', `${places}/etc/`])
  const other = otherNode(node)
  const pings = PING_NAMES.map((name) => plan.machines[name].ipv4).join(' ')
  const config = [
    `logfile ${places}/log`,
    'keepalive 200ms',
    'deadtime 1',
    'warntime 600ms',
    'initdead 3',
    'deadping 1',
    `ucast eth1 ${plan.crosslink[other].ipv4}`,
    `ucast eth0 ${plan.machines[other].ipv4}`,
    'auto_failback off',
    'node sp1 sp2',
    `ping_group pings ${pings}`,
    'respawn hacluster /usr/libexec/heartbeat/ipfail',
    'apiauth ipfail gid=haclient uid=hacluster',
    'crm off',
  ]
  await writeFile(`${places}/etc/ha.cf`, `${config.join('\n')}\n`)
  await writeFile(`${places}/etc/authkeys`, 'auth 1\n1 sha1 lab\n', { mode: 0o600 })
  const resources = plan.floatingIps
    .filter((entry) => entry.interface === 'eth0' && entry.family === 4)
    .map(({ address }) => `IPaddr2::${address}/${PREFIX_LENGTH[4]}/eth0`)
  await writeFile(`${places}/etc/haresources`, `sp1 ${resources.join(' ')}\n`)
}

/** Of a Debian package, without epoch and revision. */
async function packageVersion(name: string): Promise<string | null> {
  const asked = await attempt('ask for a version', ['dpkg-query', '-s', name])
  return asked.ok ? (/^Version: (?:\d+:)?(.*?)(?:-[^-]*)?$/m.exec(asked.stdout)?.[1] ?? null) : null
}

function rivalDirectory(plan: LabPlan, node: LabNodeName): string {
  return `${plan.workDir}/${node}/rival`
}
