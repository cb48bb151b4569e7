/**
 * With which number does a resource agent end? The exit codes of the OCF resource agent API 1.1.
 *
 * Only `tandem resource` uses them; every other command has those of `exit-code.ts`.
 */
import type { Io } from './command.ts'

export const OCF = {
  success: 0,
  generic: 1,
  args: 2,
  unimplemented: 3,
  installed: 5,
  configured: 6,
  notRunning: 7,
  /** Promoted: running, and applications may write. */
  runningPromoted: 8,
  /** Promoted, and it does not do its work. */
  failedPromoted: 9,
} as const

export type OcfCode = (typeof OCF)[keyof typeof OCF]

/** Says why on standard error. @returns the code, for the caller to end with */
export function sayOcf(io: Io, code: OcfCode, sentence: string): OcfCode {
  io.stderr(`tandem resource: ${sentence}\n`)
  return code
}
