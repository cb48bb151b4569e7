/**
 * Which processes belong together?
 *
 * One look at all of /proc: parent, group and session of each process. What a service started is told by
 * the session of its main process, which lives on in its children when that one has ended, and by
 * descent. A process that made a session of its own *and* lost its parent is nobody's.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { ProcessIdentity } from './process.ts'

/** What the kernel keeps of who belongs to whom. */
export interface ProcessRow extends ProcessIdentity {
  parent: number
  group: number
  session: number
  /** All its threads have ended; only its parent has not asked for it yet. */
  over: boolean
}

/** How long one look at everything serves those who look at several services, one after another. */
const SHARED_MS = 100

let shared: { atMs: number; rows: readonly ProcessRow[] } | null = null

/**
 * Everything that ran a moment ago, in which this process did.
 *
 * For what runs and is only shown: whoever kills, or waits for an end, asks anew.
 */
export function sharedTable(running: ProcessIdentity): readonly ProcessRow[] {
  const nowMs = performance.now()
  const { pid, startTicks } = running
  const known = shared?.rows.some((row) => row.pid === pid && row.startTicks === startTicks)
  if (shared === null || !known || nowMs - shared.atMs > SHARED_MS) {
    shared = { atMs: nowMs, rows: processTable() }
  }
  return shared.rows
}

/** Everything that runs. Takes some 25 us for each process. */
export function processTable(): ProcessRow[] {
  const rows: ProcessRow[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const row = parseProcessRow(readFileSync(`/proc/${name}/stat`, 'latin1'))
      if (row !== null) rows.push(row)
    } catch {
      // It ended between the list and the look.
    }
  }
  return rows
}

/**
 * Reads one line of /proc/PID/stat.
 *
 * @returns null when the line is no such line
 * @source  proc(5); fields are counted from the end of the name, which may hold anything
 */
export function parseProcessRow(line: string): ProcessRow | null {
  const close = line.lastIndexOf(')')
  const open = line.indexOf('(')
  if (open < 0 || close < open) return null
  const words = line.slice(close + 2).split(' ')
  const [pid, parent, group, session, threads, startTicks] = [
    line.slice(0, open),
    ...[1, 2, 3, 17, 19].map((index) => words[index]),
  ].map(Number)
  const row = { pid, parent, group, session, startTicks }
  if (!Object.values(row).every(Number.isSafeInteger)) return null
  const ended = words[0] === 'Z' || words[0] === 'X'
  // The first thread of a process may be over while others still hold its sockets.
  return { ...(row as Omit<ProcessRow, 'over'>), over: ended && Number(threads) <= 1 }
}

/**
 * Everything of the process and of what it started, itself first; those that are over left out.
 *
 * @param leader  may have ended: its session and group are still called after it then
 * @returns none when its id belongs to another process by now, so that nothing of that is ever hit
 */
export function familyOf(leader: ProcessIdentity, table: readonly ProcessRow[]): ProcessRow[] {
  const itself = table.find(({ pid }) => pid === leader.pid)
  if (itself !== undefined && itself.startTicks !== leader.startTicks) return []
  const members = new Map<number, ProcessRow>()
  for (const row of table) {
    const ours = row.pid === leader.pid || row.session === leader.pid || row.group === leader.pid
    // Who is older than the leader cannot be of it: the number was used before.
    if (ours && row.startTicks >= leader.startTicks) members.set(row.pid, row)
  }
  for (let grown = true; grown; ) {
    grown = false
    for (const row of table) {
      if (members.has(row.pid) || !members.has(row.parent)) continue
      members.set(row.pid, row)
      grown = true
    }
  }
  const living = [...members.values()].filter(({ over }) => !over)
  return living.sort((one, other) => rank(one, leader) - rank(other, leader))
}

function rank(row: ProcessRow, leader: ProcessIdentity): number {
  return row.pid === leader.pid ? 0 : row.pid
}

/**
 * SIGKILL to everything that `find` returns, again and again, because one of them may have started
 * another meanwhile.
 *
 * @param find  asked anew each time
 * @returns what is still there at the end; empty when all is gone
 */
export async function killAll(
  find: () => readonly ProcessRow[],
  limitMs: number,
): Promise<readonly ProcessRow[]> {
  const endMs = performance.now() + limitMs
  for (;;) {
    const rows = find()
    if (rows.length === 0) return []
    for (const { pid } of rows) signal(pid, 'SIGKILL')
    if (performance.now() >= endMs) return find()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** @returns false when there is no such process or we may not */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/** Whether a process was started with this variable. Its own later changes do not show. */
export function carriesVariable(pid: number, name: string, value: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${name}=${value}`)
  } catch {
    return false
  }
}
