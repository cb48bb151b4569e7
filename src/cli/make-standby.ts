/**
 * `tandem make-standby`, also installed as `ngcp-make-standby`. What it does: `make-role.ts`.
 */
import type { Io } from './command.ts'
import { runMakeRole } from './make-role.ts'

export function run(args: string[], io: Io): Promise<number> {
  return runMakeRole('make-standby', args, io)
}
