/**
 * Which command was typed? Finds it among the arguments and hands them on.
 *
 * Options that every command has may also stand before the command: `tandem --run DIR status`.
 */
import { nearMiss } from '../config/near-miss.ts'
import { GLOBAL_OPTIONS, type Io, type OptionSpec } from './command.ts'
import { COMMANDS } from './commands.ts'
import { EXIT } from './exit-code.ts'

/** What the exit status of most commands means; those that differ say so themselves. */
export const EXIT_TEXT =
  '0 done, 1 wrong usage, 2 no agent answers, 3 refused, 4 timed out,\n' +
  '5 done but not verified, 6 failed.\n'

/**
 * Runs the command that the arguments name.
 *
 * @param args     without interpreter and program name
 * @param version  of the program
 * @returns the exit code
 */
export async function dispatch(args: readonly string[], version: string, io: Io): Promise<number> {
  const split = splitAtCommand(args)
  const { before, command, after } = split
  if (command === null) {
    if (before.includes('--version')) {
      io.stdout(`tandem ${version}\n`)
      return EXIT.done
    }
    if (before.includes('--help') || before.includes('-h')) {
      io.stdout(overview())
      return EXIT.done
    }
    if (split.complaint === null) io.stderr(overview())
    else io.stderr(`tandem: ${split.complaint}\n  see: tandem --help\n`)
    return EXIT.usage
  }
  if (command === 'help') {
    const about = after[0]
    return about === undefined
      ? dispatch(['--help'], version, io)
      : dispatch([about, '--help'], version, io)
  }
  const entry = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined
  if (entry === undefined) {
    const near = nearMiss(command, Object.keys(COMMANDS))
    const hint = near === null ? '' : `; did you mean ${near}?`
    io.stderr(`tandem: unknown command '${command}'${hint}\n  see: tandem --help\n`)
    return EXIT.usage
  }
  const module = await entry.load()
  return module.run([...before, ...after], io)
}

interface Split {
  before: string[]
  /** Null when no word stands where a command would. */
  command: string | null
  after: string[]
  /** What is wrong with what stands before, when there is no command. */
  complaint: string | null
}

function splitAtCommand(args: readonly string[]): Split {
  const globals: Readonly<Record<string, OptionSpec>> = GLOBAL_OPTIONS
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? ''
    if (!word.startsWith('-')) {
      return {
        before: args.slice(0, index),
        command: word,
        after: args.slice(index + 1),
        complaint: null,
      }
    }
    const name = word.slice(2)
    const takesNext = Object.hasOwn(globals, name) && globals[name]?.type === 'string'
    if (word.startsWith('--') && takesNext) index += 1
  }
  const first = args[0]
  const complaint = first === undefined ? null : 'no command was named'
  return { before: [...args], command: null, after: [], complaint }
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => {
    return `  ${name.padEnd(14)} ${summary}\n`
  })
  return (
    'Tandem keeps one node of a two-node VoIP platform active and the other ready.\n\n' +
    `Usage: tandem COMMAND [options]\n\n${lines.join('')}\n` +
    'Help for one: tandem COMMAND --help. Version: tandem --version.\n' +
    `Exit status: ${EXIT_TEXT}`
  )
}
