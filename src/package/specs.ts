/**
 * What does each command say of itself? The same table that `tandem` runs by and its `--help` prints.
 */
import type { CommandSpec } from '../cli/command.ts'
import { COMMANDS } from '../cli/commands.ts'

/** A command as pages and completion see it. */
export interface CommandPage {
  name: string
  /** The line of the overview. */
  line: string
  spec: CommandSpec
}

/** Names under which a command is installed besides `tandem NAME`. */
export const OTHER_NAMES: Readonly<Record<string, string>> = {
  'ngcp-check-active': 'check-active',
  'ngcp-check_active': 'check-active',
  'ngcp-make-active': 'make-active',
  'ngcp-make-standby': 'make-standby',
  'ngcp-nodename': 'nodename',
  'ngcp-service': 'service',
}

/** Every command, in the order of the overview. */
export function commandPages(): Promise<CommandPage[]> {
  return Promise.all(
    Object.entries(COMMANDS).map(async ([name, { summary, load }]) => {
      const { SPEC } = await load()
      return { name, line: summary, spec: SPEC }
    }),
  )
}

/** The words of an argument that is a choice: `on|off` of `[on|off]`; none when it is free. */
export function choicesOf(positional: string): string[] {
  const bare = positional.replace(/^\[|\]$/g, '')
  return /^[a-z-]+(\|[a-z-]+)+$/.test(bare) ? bare.split('|') : []
}
