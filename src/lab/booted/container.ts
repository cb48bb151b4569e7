/**
 * How does a machine of the lab boot? systemd as its first process, in a container of systemd-nspawn, within
 * the network namespace that the lab made for it.
 *
 * Nobody registers it with a machine manager: the lab must run where no systemd runs. So each container
 * gets a control group of its own, or two of them would share one. What a container is kept from by
 * default and a host may do, it may do here: loading BPF programs, real-time priority, settings of its
 * own network. The lab's tools go in by the container's first process.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt, type Running, startProgram } from '../process.ts'

/** What nspawn keeps a container from by its filter of system calls; the gate is loaded by the first. */
const SYSTEM_CALLS = 'bpf @keyring'
/** nspawn's own places of a container, which it leaves behind where /run is not a tmpfs. */
const NSPAWN_PLACES = ['propagate', 'unix-export']

const EMPTY_LIMIT_MS = 10_000
const LOOK_MS = 50

export interface ContainerOptions {
  /** Names its control group; unique on this machine. */
  name: string
  hostname: string
  /** Root of its file system. */
  root: string
  /** The network namespace's name. */
  namespace: string
  logFile: string
}

/** Starts a container that boots; its end is the machine's. */
export function bootContainer(options: ContainerOptions): Running {
  return startProgram(inOwnGroup(options.name, [...nspawn(options), '--boot']), {
    logFile: options.logFile,
    env: ENVIRONMENT,
  })
}

/** Runs one command on a machine that is not booted for it: no init, only the command. */
export function runInContainer(
  options: ContainerOptions,
  command: readonly string[],
  timeoutMs: number,
) {
  const argv = [...nspawn(options), '--as-pid2', '--', ...command]
  const environment = Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`)
  return attempt(command.join(' '), ['env', ...environment, ...inOwnGroup(options.name, argv)], {
    timeoutMs,
  })
}

const ENVIRONMENT = {
  // One hierarchy of control groups, whatever this machine has: newer releases boot with no other.
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1',
  // Settings below /proc/sys/net are the container's own.
  SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network',
}

function nspawn({ name, hostname, root, namespace }: ContainerOptions): string[] {
  return [
    ...['systemd-nspawn', '--quiet', '--register=no', '--keep-unit', '--console=pipe'],
    ...[`--machine=${name}`, `--hostname=${hostname}`, `--directory=${root}`],
    `--network-namespace-path=/run/netns/${namespace}`,
    ...['--capability=all', `--system-call-filter=${SYSTEM_CALLS}`],
    ...['--link-journal=no', '--resolv-conf=off', '--timezone=off'],
  ]
}

/** The command in a new control group, which `removeGroup` takes away. */
function inOwnGroup(name: string, command: readonly string[]): string[] {
  const group = groupOf(name)
  mkdirSync(group, { recursive: true })
  const enter = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
  return ['sh', '-c', enter, 'sh', group, ...command]
}

/** Takes away what an ended container leaves: its control groups and nspawn's own directories. */
export async function removeTraces(name: string): Promise<void> {
  await removeGroup(groupOf(name))
  for (const place of NSPAWN_PLACES) {
    rmSync(`/run/systemd/nspawn/${place}/${name}`, { recursive: true, force: true })
  }
}

/** Directories of the kernel: only they can be removed, the innermost first, the files go with them. */
async function removeGroup(group: string): Promise<void> {
  if (!existsSync(group)) return
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(join(group, entry.name))
  }
  const endMs = performance.now() + EMPTY_LIMIT_MS
  for (;;) {
    try {
      return rmdirSync(group)
    } catch (error) {
      // Busy: the last of its processes were killed and are not quite gone.
      const isBusy = (error as NodeJS.ErrnoException).code === 'EBUSY'
      if (!isBusy || performance.now() > endMs) throw error
    }
    await sleep(LOOK_MS)
  }
}

function groupOf(name: string): string {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [place = '', kind = ''] = line.split(' - ')
    if (kind.startsWith('cgroup2 ')) return join(place.split(' ')[4] ?? '', name)
  }
  throw new Error('lab: no cgroup2 is mounted here; machines cannot be booted')
}

/**
 * The first process of a container; null while there is none.
 *
 * @param supervisor  nspawn's own process, whose only child it is
 */
export function leaderOf(supervisor: number): number | null {
  try {
    const children = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8')
    const [first = ''] = children.trim().split(' ')
    return first === '' ? null : Number(first)
  } catch {
    return null
  }
}
