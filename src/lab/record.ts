/**
 * How is what was measured kept? One JSON line each, so that several invocations add up in one file.
 *
 * A session is one invocation: only within one are two managers compared, because the machine may
 * have been another the day before. What a killed bench leaves as its last line may be cut short.
 */
import type { CallsRun } from './calls-case.ts'
import type { NodeCost } from './cost.ts'
import type { Letters } from './demand.ts'
import type { RunResult } from './measure.ts'
import type { TimingProfileName } from './platform-files.ts'
import type { StoreRun } from './store-case.ts'

export interface SessionLine {
  kind: 'session'
  session: string
  /** Processors, kernel and Node, for people. */
  machine: string
  /** Of the other managers, by name. */
  versions: Record<string, string>
}

export type RunLine = RunResult & { kind: 'run'; session: string }

export interface IdleLine {
  kind: 'idle'
  session: string
  pair: string
  profile: TimingProfileName
  letters: Letters
  seconds: number
  /** Null when it could not be measured. */
  active: NodeCost | null
  standby: NodeCost | null
  trouble: string[]
}

/** One run of a case of the stores. */
export type StoreLine = StoreRun & { kind: 'store'; session: string }

/** One run of a case of calls. */
export type CallsLine = CallsRun & { kind: 'calls'; session: string }

export type Line = SessionLine | RunLine | IdleLine | StoreLine | CallsLine

/**
 * Reads lines back.
 *
 * @throws Error naming file and line for one that is not ours; only the last may be cut short
 */
export function readLines(text: string, file: string): Line[] {
  const written = text.split('\n')
  return written.flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      const value = JSON.parse(line) as Line
      if (!['session', 'run', 'idle', 'store', 'calls'].includes(value.kind))
        throw new Error(`kind ${value.kind}`)
      return [value]
    } catch (error) {
      if (index === written.length - 1) return []
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`${file}, line ${index + 1}: not a line of the bench (${why})`)
    }
  })
}
