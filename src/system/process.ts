/**
 * Is this still the same process, and how is it ended for certain?
 *
 * A process id is used again by the kernel; a process id together with the moment it started is not.
 * Whoever may have to kill a server notes both while the server answers, and nothing else is ever hit:
 * when the moment differs, the process that was meant is gone already.
 *
 * Reads /proc of our own PID namespace. A server in a container tells the id it has in there; that is
 * why the note can be checked against the age that the server tells of itself.
 */
import { readFileSync } from 'node:fs'

/** Since when, in ticks after boot: /proc/PID/stat has it so. USER_HZ is 100 on every Linux port. */
const TICKS_PER_SECOND = 100

/** How often we look whether a killed process is gone. */
const LOOK_EVERY_MS = 5

/** One process, and no other that comes to have its id. */
export interface ProcessIdentity {
  pid: number
  startTicks: number
}

/** What /proc tells of a process. */
export interface ProcessSight extends ProcessIdentity {
  /** At most 15 characters, as `ps -o comm` shows it. */
  name: string
  /** It ended and only its parent has not asked for it yet. */
  zombie: boolean
  ageSeconds: number
}

/**
 * Looks at a process.
 *
 * @returns null when there is none, or /proc does not tell
 */
export function lookAtProcess(pid: number): ProcessSight | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0])
    return parseProcessStat(stat, uptime)
  } catch {
    return null
  }
}

/**
 * Reads one line of /proc/PID/stat.
 *
 * @param uptimeSeconds  of the machine, from /proc/uptime
 * @returns null when the line is no such line
 * @source  proc(5): the name stands in parentheses and may hold spaces and parentheses itself
 */
export function parseProcessStat(line: string, uptimeSeconds: number): ProcessSight | null {
  const open = line.indexOf('(')
  const close = line.lastIndexOf(')')
  if (open < 0 || close < open) return null
  const pid = Number(line.slice(0, open))
  const rest = line.slice(close + 2).split(' ')
  const startTicks = Number(rest[19])
  if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(startTicks)) return null
  return {
    pid,
    name: line.slice(open + 1, close),
    zombie: rest[0] === 'Z' || rest[0] === 'X',
    startTicks,
    ageSeconds: uptimeSeconds - startTicks / TICKS_PER_SECOND,
  }
}

/** Whether that very process runs. */
export function processRuns(identity: ProcessIdentity): boolean {
  const sight = lookAtProcess(identity.pid)
  return sight !== null && !sight.zombie && sight.startTicks === identity.startTicks
}

/**
 * `ended`: it is gone, by us. `gone`: it was gone before. `forbidden`: we may not. `stays`: killed, but
 * after the limit it is still there, as one that waits for a broken disk is.
 */
export type KillOutcome = 'ended' | 'gone' | 'forbidden' | 'stays'

/** SIGKILL to that very process, and waits until it is gone. Works on stopped processes too. */
export async function killProcess(
  identity: ProcessIdentity,
  limitMs: number,
): Promise<KillOutcome> {
  const endMs = performance.now() + limitMs
  if (!processRuns(identity)) return 'gone'
  try {
    process.kill(identity.pid, 'SIGKILL')
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'forbidden'
  }
  while (processRuns(identity)) {
    if (performance.now() >= endMs) return 'stays'
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  return 'ended'
}
