/**
 * Which processes are in a control group, with all groups below it?
 *
 * Works for the unified layout, for the old one, where systemd has a hierarchy of its own, and for both
 * side by side.
 *
 * @source  cgroups(7); systemd.io/CGROUP_DELEGATION
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where systemd's own hierarchy may be: unified, old, hybrid. */
const HIERARCHIES = ['.', 'systemd', 'unified']

/** A unit with more groups than this below it is not looked through to the end. */
const GROUPS_MAX = 1000

/**
 * @param group  as systemd tells it, `/system.slice/kamailio.service`; empty: no processes
 * @param root   where control groups are mounted
 */
export async function cgroupProcesses(group: string, root = '/sys/fs/cgroup'): Promise<number[]> {
  // The root group would be every process of the machine.
  if (!/^\/[^/]/.test(group) || group.split('/').includes('..')) return []
  for (const hierarchy of HIERARCHIES) {
    const pids = await processesBelow(join(root, hierarchy, group))
    if (pids !== null) return pids
  }
  return []
}

/** @returns null when there is no such group */
async function processesBelow(top: string): Promise<number[] | null> {
  const pids = new Set<number>()
  const waiting = [top]
  let found = false
  for (let count = 0; waiting.length > 0 && count < GROUPS_MAX; count += 1) {
    const folder = waiting.pop()!
    const content = await readFile(join(folder, 'cgroup.procs'), 'latin1').catch(() => null)
    if (content === null) continue
    found = true
    for (const line of content.split('\n')) {
      // 0 is a process of another PID namespace.
      if (Number(line) > 0) pids.add(Number(line))
    }
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) if (entry.isDirectory()) waiting.push(join(folder, entry.name))
  }
  return found ? [...pids].sort((one, other) => one - other) : null
}
