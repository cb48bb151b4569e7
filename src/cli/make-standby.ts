/**
 * `tandem make-standby`, also installed as `ngcp-make-standby`. What it does: `make-role.ts`.
 */
import type { Io } from './command.ts'
import { roleSpec, runMakeRole } from './make-role.ts'

export const SPEC = roleSpec('make-standby')

export function run(args: string[], io: Io): Promise<number> {
  return runMakeRole('make-standby', args, io)
}
