/**
 * `tandem nodename`: what is this node called inside its pair?
 *
 * Also installed as `ngcp-nodename`. Where somebody told it plainly (`--node`, TANDEM_NODE, the
 * platform's file) that is the answer, even when the configuration has mistakes: generated files
 * depend on it. Only a host name has to be looked up in network.yml.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatMistakes } from '../config/check-report.ts'
import { loadConfig } from '../config/load.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { EXIT } from './exit-code.ts'

export const SPEC: CommandSpec = {
  name: 'nodename',
  summary: 'Prints the name of this node inside its pair: sp1 or sp2.',
  details: `Told by --node, TANDEM_NODE or /etc/ngcp_nodename, else found by the host name in
network.yml. Prints spce on a single machine.`,
  positionals: [],
  options: {},
}

/** What a test replaces. */
export interface NameDoors {
  /** Where the platform's node name file is. */
  etcDirectory: string
  /** The system's when undefined. */
  machineName?: string
}

export async function run(
  args: string[],
  io: Io,
  doors: NameDoors = { etcDirectory: '/etc' },
): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { places, values } = result.parsed
  const told = places.node ?? (await nameInFile(join(doors.etcDirectory, 'ngcp_nodename')))
  if (told !== null && /^(sp1|sp2|spce)$/.test(told)) {
    io.stdout(`${told}\n`)
    return EXIT.done
  }
  const option = values['node']
  const loaded = await loadConfig({
    directory: places.configDir,
    node: typeof option === 'string' ? option : null,
    nodeVariable: io.env['TANDEM_NODE'] ?? null,
    ...doors,
  })
  if (loaded.ok) {
    io.stdout(`${loaded.config.node}\n`)
    return EXIT.done
  }
  const errors = loaded.mistakes.filter(({ severity }) => severity === 'error')
  io.stderr(`tandem nodename: it cannot be told\n${formatMistakes(errors)}`)
  return EXIT.refused
}

/** Null when there is no readable file; what stands wrong in it is found by `loadConfig`. */
async function nameInFile(file: string): Promise<string | null> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch {
    return null
  }
}
