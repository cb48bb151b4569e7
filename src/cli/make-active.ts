/**
 * `tandem make-active`, also installed as `ngcp-make-active`. What it does: `make-role.ts`.
 */
import type { Io } from './command.ts'
import { roleSpec, runMakeRole } from './make-role.ts'

export const SPEC = roleSpec('make-active')

export function run(args: string[], io: Io): Promise<number> {
  return runMakeRole('make-active', args, io)
}
