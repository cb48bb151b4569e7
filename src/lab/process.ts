/**
 * How does the lab start what must keep running, and how does it make sure that it ends?
 *
 * `system/exec` runs programs to their end; here are those that live on: agents, responders, probers,
 * busy loops. Each leads its own session, so that an interrupt typed at the lab reaches the lab
 * alone, which then cleans up in order. A machine is a network namespace: its processes are all
 * those the kernel counts into it, also grandchildren that changed their group.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunResult, run } from '../system/exec.ts'

/** Arguments that run a command inside a namespace. Not `ip netns exec`, which hides bpffs. */
export function inside(namespace: string, command: readonly string[]): string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--', ...command]
}

/**
 * Runs a command to its end and insists on success.
 *
 * @throws Error with label and the first line of what it said
 */
export async function must(
  label: string,
  argv: readonly string[],
  options: { input?: string; timeoutMs?: number } = {},
): Promise<string> {
  const result = await attempt(label, argv, options)
  if (!result.ok) throw new Error(`lab: ${result.message}`, { cause: result.cause })
  return result.stdout
}

/** Runs a command to its end; failing is an answer. */
export function attempt(
  label: string,
  argv: readonly string[],
  options: { input?: string; timeoutMs?: number } = {},
): Promise<RunResult> {
  const [command = 'true', ...args] = argv
  return run({
    label,
    command,
    args,
    timeoutMs: options.timeoutMs ?? 10_000,
    ...(options.input === undefined ? {} : { input: options.input }),
  })
}

/** A program that was started and runs on. */
export interface Running {
  readonly pid: number
  ended(): boolean
}

/**
 * Starts a program that runs on, its output appended to a file.
 *
 * @throws Error when it could not be started at all
 */
export function startProgram(
  argv: readonly string[],
  options: { logFile: string; env?: Readonly<Record<string, string>> },
): Running {
  const log = openSync(options.logFile, 'a', 0o600)
  // Should the lab itself be killed, nothing of it may go on.
  const child: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...options.env },
  })
  closeSync(log)
  let over = false
  child.once('exit', () => {
    over = true
  })
  child.once('error', () => {
    over = true
  })
  child.unref()
  if (child.pid === undefined) throw new Error(`lab: ${argv.join(' ')} could not be started`)
  return { pid: child.pid, ended: () => over }
}

/** Every process in a network namespace; none when the namespace is gone. */
export function processesIn(namespace: string): number[] {
  const wanted = namespaceLink(namespace)
  if (wanted === null) return []
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) return []
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) === wanted ? [pid] : []
    } catch {
      // It ended while we looked, or its owner does not let us see it: not one of ours then.
      return []
    }
  })
}

function namespaceLink(namespace: string): string | null {
  try {
    return `net:[${statSync(`/run/netns/${namespace}`).ino}]`
  } catch {
    return null
  }
}

/** Sends a signal to each; those that ended already are what was wanted. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // ESRCH: ended already.
    }
  }
}

/**
 * Kills all at one instant. Stopped first, because a process may learn of another's death and tidy
 * up in the microseconds before its own (keepalived's child releases the address then).
 */
export function killTogether(pids: readonly number[]): void {
  signalAll(pids, 'SIGSTOP')
  signalAll(pids, 'SIGKILL')
}

/**
 * Kills what `find` names until it names nothing any more: a program may start another one between
 * looking and killing.
 *
 * @throws Error when something survives for `withinMs`
 */
export async function killUntilGone(find: () => number[], withinMs = 5000): Promise<void> {
  const endMs = performance.now() + withinMs
  for (;;) {
    const pids = find()
    if (pids.length === 0) return
    if (performance.now() > endMs) throw new Error(`lab: processes ${pids.join(', ')} do not die`)
    signalAll(pids, 'SIGKILL')
    await sleep(5)
  }
}

/** Real-time priorities of the lab's own programs; our agent runs at 50 at the most. */
export const PRIORITY = {
  /** Above what is measured: an instrument must not wait for it. */
  instrument: 80,
  /**
   * Above the servers and below the agents. In life applications have machines of their own: they do not
   * wait for the nodes, and they take nothing from the heartbeats either, not even while they start.
   */
  application: 10,
} as const

/** Arguments that give a command real-time priority where this is allowed, else the command. */
export async function realtime(
  command: readonly string[],
  priority: number = PRIORITY.instrument,
): Promise<string[]> {
  const chrt = (of: number): string[] => ['chrt', '-r', String(of)]
  realtimeAllowed ??= attempt('try real-time priority', [
    ...chrt(PRIORITY.instrument),
    'true',
  ]).then((result) => result.ok)
  return (await realtimeAllowed) ? [...chrt(priority), ...command] : [...command]
}

let realtimeAllowed: Promise<boolean> | null = null
