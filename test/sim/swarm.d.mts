/** Types of `swarm.mjs`, which runs without a build step. */
import type { DataTally } from '../../src/sim/loss-checker.ts'
import type { Outcome, ScheduleOptions } from '../../src/sim/schedule.ts'

export interface Sum {
  schedules: number
  steps: number
  openings: number
  cpuMs: number
  modes: Record<string, number>
  kinds: Record<string, number>
  /** What became of the data, summed up; null where none was kept. */
  data: DataTally | null
  /** Outcomes that are not `ok`. */
  bad: Outcome[]
}

export function swarm(task: {
  first: number
  schedules: number
  options: ScheduleOptions
}): Promise<Sum>

export function summary(sum: Sum): string

/** Empty where no data was kept. */
export function dataSummary(sum: Sum): string
