/**
 * What does a shell complete? Prints the completion for bash: node dist/package/completion.js
 *
 * Commands, options and words come from the table of the commands; nothing is asked while somebody types.
 */
import { GLOBAL_OPTIONS, type OptionSpec } from '../cli/command.ts'
import { type CommandPage, choicesOf, commandPages, OTHER_NAMES } from './specs.ts'

/** Which values of an option are files, by how the help calls them. */
const FILE_VALUES = ['FILE', 'COPY']

/** The completion for bash, of all names under which commands are installed. */
export function bashCompletion(pages: readonly CommandPage[]): string {
  const names = pages.map(({ name }) => name)
  const cases = pages.map(
    ({ name, spec }) =>
      `    ${name}) options=${single(flagsOf(spec.options))} words=${single(wordsOf(spec.positionals))} ;;`,
  )
  const others = Object.entries(OTHER_NAMES)
  const all = { ...GLOBAL_OPTIONS, ...Object.assign({}, ...pages.map(({ spec }) => spec.options)) }
  return `# Completion of bash for tandem and the names of the platform. Made of the table of the commands.
_tandem() {
  local word before command options words index
  COMPREPLY=()
  word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  case \${COMP_WORDS[0]##*/} in
${others.map(([name, command]) => `    ${name}) command=${command} ;;`).join('\n')}
    *)
      for ((index = 1; index < COMP_CWORD; index += 1)); do
        case \${COMP_WORDS[index]} in
          ${valued(GLOBAL_OPTIONS, () => true)}) index=$((index + 1)) ;;
          -*) ;;
          *) command=\${COMP_WORDS[index]}; break ;;
        esac
      done
      ;;
  esac
  case $before in
    --node) mapfile -t COMPREPLY < <(compgen -W 'sp1 sp2' -- "$word"); return ;;
    ${valued(all, (value) => value === 'DIR')}) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    ${valued(all, (value) => FILE_VALUES.includes(value))}) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
  esac
  case $command in
    '') options='--version' words=${single(names.join(' '))} ;;
${cases.join('\n')}
    *) return ;;
  esac
  case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options ${flagsOf(GLOBAL_OPTIONS)}" -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
  esac
}
complete -o filenames -o bashdefault -F _tandem tandem ${others.map(([name]) => name).join(' ')}
`
}

function flagsOf(options: Readonly<Record<string, OptionSpec>>): string {
  return Object.keys(options)
    .map((name) => `--${name}`)
    .join(' ')
}

function wordsOf(positionals: readonly string[]): string {
  return positionals.flatMap(choicesOf).join(' ')
}

/** The options whose value is of a kind, as a pattern; one that matches nothing when there are none. */
function valued(
  options: Readonly<Record<string, OptionSpec>>,
  ofKind: (value: string) => boolean,
): string {
  const found = Object.entries(options)
    .filter(([, { type, value }]) => type === 'string' && ofKind(value ?? ''))
    .map(([name]) => `--${name}`)
  return [...new Set(found)].sort().join(' | ') || '--none'
}

/** For the shell, in single quotes. */
function single(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

if (import.meta.filename === process.argv[1]) {
  process.stdout.write(bashCompletion(await commandPages()))
}
