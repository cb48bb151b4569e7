/**
 * In which state is a process, and which are its children?
 *
 * One look at /proc each; `process.ts` knows whether it is still the same process. The children are those
 * of all its threads, where the kernel lists them (CONFIG_PROC_CHILDREN, which Debian has).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { lookAtProcess } from './process.ts'

export interface ProcessState {
  pid: number
  /** At most 15 characters. */
  name: string
  /** As in ps(1): R, S, D, T (stopped), t (by a debugger), Z (zombie), X, I. */
  letter: string
  startTicks: number
  ageSeconds: number
}

/** @returns null when there is no such process */
export function lookAtState(pid: number): ProcessState | null {
  const sight = lookAtProcess(pid)
  if (sight === null) return null
  const { name, startTicks, ageSeconds } = sight
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name stands in parentheses and may hold some itself.
    const letter = line.slice(line.lastIndexOf(')') + 2, line.lastIndexOf(')') + 3)
    return { pid, name, letter, startTicks, ageSeconds }
  } catch {
    return null
  }
}

/** Direct children; none when the process is gone or the kernel does not list them. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => childrenOfThread(pid, thread))
  } catch {
    return []
  }
}

function childrenOfThread(pid: number, thread: string): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')
    return text.split(' ').filter(Boolean).map(Number)
  } catch {
    // The thread ended between the two looks.
    return []
  }
}
