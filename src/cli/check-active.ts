/**
 * `tandem check-active`: the state of this node by exit code, for those who type it under this name.
 *
 * Scripts use `ngcp-check-active`, which answers the same some fifty times faster. Its exit codes are
 * the platform's: 0 active, 1 standby, 2 unknown or wrong usage, 3 transition.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { believedWord, decodeStateLine, type StateWord } from '../wire/state-line.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'

export const SPEC: CommandSpec = {
  name: 'check-active',
  summary: 'Tells by exit code what this node is: 0 active, 1 standby, 2 unknown, 3 transition.',
  details: 'Prints nothing without an option. -q wins over -p, and -p over -v.',
  positionals: [],
  options: {
    verbose: { type: 'boolean', short: 'v', help: 'print the word' },
    prompt: { type: 'boolean', short: 'p', help: 'print one character: ! active . standby ? ~' },
    quiet: { type: 'boolean', short: 'q', help: 'print nothing' },
  },
}

const ANSWERS: Readonly<Record<StateWord, { code: number; character: string }>> = {
  active: { code: 0, character: '!' },
  standby: { code: 1, character: '.' },
  unknown: { code: 2, character: '?' },
  transition: { code: 3, character: '~' },
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  // Neither help nor a wrong option may look like active or standby.
  if (!result.ok) return ANSWERS.unknown.code
  const { places, values } = result.parsed
  const word = await stateWordIn(places.runDir)
  const { code, character } = ANSWERS[word]
  if (values['quiet'] !== true) {
    if (values['prompt'] === true) io.stdout(character)
    else if (values['verbose'] === true) io.stdout(`${word}\n`)
  }
  return code
}

async function stateWordIn(runDir: string): Promise<StateWord> {
  try {
    const path = join(runDir, 'state')
    let line = decodeStateLine(await readFile(path, 'latin1'))
    line ??= decodeStateLine(await readFile(path, 'latin1'))
    const uptime = /^(\d+)\.(\d\d) /.exec(await readFile('/proc/uptime', 'latin1'))
    if (uptime === null) return 'unknown'
    return believedWord(line, Number(uptime[1]) * 100 + Number(uptime[2]))
  } catch {
    return 'unknown'
  }
}
