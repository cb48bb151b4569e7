/**
 * What does an idle node cost? Processor time and memory of everything that runs on it.
 *
 * From /proc, for all processes of the node's namespace but the lab's responder. PSS shares pages
 * between those who use them, RSS counts them for each.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabNode } from './node.ts'
import { labNowMs } from './prober.ts'

/** Unit of the times in /proc/PID/stat; fixed on Linux for user space (USER_HZ). */
const TICKS_PER_SECOND = 100

export interface NodeCost {
  processes: number
  /** Share of one processor, 0..1. */
  cpuRatio: number
  rssMiB: number
  pssMiB: number
}

/** Watches nodes for a while. */
export async function measureCost(nodes: readonly LabNode[], forMs: number): Promise<NodeCost[]> {
  const before = nodes.map((node) => node.processes().map(ticksOf))
  const begunMs = labNowMs()
  await sleep(forMs)
  const seconds = (labNowMs() - begunMs) / 1000
  return nodes.map((node, index) => {
    const pids = node.processes()
    const ticks = sum(pids.map(ticksOf)) - sum(before[index] ?? [])
    return {
      processes: pids.length,
      // A process that ended meanwhile is found in what its parent waited for.
      cpuRatio: Math.max(0, ticks / TICKS_PER_SECOND / seconds),
      rssMiB: sum(pids.map((pid) => kibOf(`/proc/${pid}/status`, 'VmRSS'))) / 1024,
      pssMiB: sum(pids.map((pid) => kibOf(`/proc/${pid}/smaps_rollup`, 'Pss'))) / 1024,
    }
  })
}

function ticksOf(pid: number): number {
  // The program's name stands in brackets and may hold anything; fields count from behind it.
  const fields = readOr(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  // Its own time in user and kernel mode, then that of children it has waited for.
  return sum([11, 12, 13, 14].map((field) => Number(fields[field] ?? 0)))
}

function kibOf(file: string, key: string): number {
  const line = readOr(file)
    .split('\n')
    .find((candidate) => candidate.startsWith(`${key}:`))
  return Number(line?.match(/\d+/)?.[0] ?? 0)
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // It has just ended.
    return ''
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
