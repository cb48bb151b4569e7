/**
 * How does the process that asks the floating IPs tell the command what came back? One line each, in batches.
 *
 *     answer INDEX SENT AT NODE      late AT BY      trouble WORDS
 *
 * Both read the same clock of the machine, so a moment needs no conversion.
 */
import type { PairConfig } from '../config/config.ts'
import type { NodeName } from '../core/policy.ts'

/** What the process is started with, as JSON. */
export interface ProberArgument {
  config: Pick<PairConfig, 'node' | 'pingNodes' | 'paths' | 'serviceInterfaces' | 'floatingIps'>
  /** On `machineMs`, where the drill counts from. */
  zeroMs: number
}

export type ProberWord =
  | { type: 'answer'; index: number; sentMs: number; atMs: number; by: NodeName }
  | { type: 'late'; atMs: number; ms: number }
  | { type: 'trouble'; message: string }

/** The monotonic clock that all processes of a machine share, ms. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export function proberLine(word: ProberWord): string {
  switch (word.type) {
    case 'answer': {
      const { index, sentMs, atMs, by } = word
      return `answer ${index} ${sentMs.toFixed(3)} ${atMs.toFixed(3)} ${by}`
    }
    case 'late':
      return `late ${word.atMs.toFixed(3)} ${word.ms.toFixed(3)}`
    case 'trouble':
      return `trouble ${word.message.replaceAll('\n', ' ')}`
  }
}

/** Null for a line that is none of ours, as one of the engine. */
export function proberWord(line: string): ProberWord | null {
  const [type, ...rest] = line.split(' ')
  const [first = Number.NaN, second = Number.NaN, third = Number.NaN] = rest.map(Number)
  if (type === 'trouble') return { type, message: rest.join(' ') }
  if (type === 'late' && Number.isFinite(first + second)) return { type, atMs: first, ms: second }
  const by = rest[3]
  if (type !== 'answer' || !Number.isFinite(first + second + third)) return null
  if (by !== 'sp1' && by !== 'sp2') return null
  return { type, index: first, sentMs: second, atMs: third, by }
}
