/**
 * What did the operator type? Options, places and precise complaints, the same for every command.
 *
 * A command module exports `run(args, io): Promise<number>` and describes itself with a
 * `CommandSpec`; this file reads the arguments against it, answers `--help` and says what is wrong
 * otherwise. It prints only through `Io`, so that a test sees everything an operator would see.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { nearMiss } from '../config/near-miss.ts'
import { EXIT } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

/** The outside of a command. Text is printed as it is, newlines included. */
export interface Io {
  stdout: (text: string) => void
  stderr: (text: string) => void
  env: Readonly<Record<string, string | undefined>>
  /** Standard output is a terminal. */
  isTty: boolean
  /** That terminal, for a command that wants the whole screen; none where its cursor cannot be placed. */
  terminal?: Terminal
}

/** What the dispatcher expects of a command module. */
export interface CommandModule {
  /** Help, manual pages and completion are made of it. */
  SPEC: CommandSpec
  run(args: string[], io: Io): Promise<number>
}

/** One option of a command. */
export interface OptionSpec {
  type: 'boolean' | 'string'
  short?: string
  /** How the value is called in the help: `DIR`; for string options. */
  value?: string
  help: string
}

export interface CommandSpec {
  name: string
  /** One line. */
  summary: string
  /** What `--help` says below the usage line; may be empty. */
  details: string
  /**
   * Positional arguments in order, as the help shows them: `on|off`; one in brackets may be left out, a last one
   * with dots (`[PAIR]...`) be given any number of times.
   */
  positionals: readonly string[]
  options: Readonly<Record<string, OptionSpec>>
}

/** Options that every command understands. */
export const GLOBAL_OPTIONS = {
  config: { type: 'string', value: 'DIR', help: 'configuration directory (/etc/ngcp-config)' },
  state: { type: 'string', value: 'DIR', help: 'directory of the hard state (/var/lib/tandem)' },
  run: { type: 'string', value: 'DIR', help: 'run directory, one per agent (/run/tandem)' },
  node: { type: 'string', value: 'NAME', help: 'name of the node: sp1 or sp2' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
} as const satisfies Record<string, OptionSpec>

/** `--json` and `--timeout`, for commands that ask the agent. */
export const ASKING_OPTIONS = {
  json: { type: 'boolean', help: 'print one JSON document instead of text' },
  timeout: { type: 'string', value: 'SECONDS', help: 'longest time the whole command may take' },
} as const satisfies Record<string, OptionSpec>

/** Where things are: option, else environment, else the default. */
export interface Places {
  configDir: string
  stateDir: string
  runDir: string
  /** `--node`, else TANDEM_NODE; null when neither names one. */
  node: string | null
}

export interface Parsed {
  places: Places
  /** As given, by long name; absent when not given. */
  values: Readonly<Record<string, string | boolean | undefined>>
  positionals: readonly string[]
}

export type ParseResult = { ok: true; parsed: Parsed } | { ok: false; exitCode: number }

/**
 * Reads the arguments of one command.
 *
 * @returns not ok when there is nothing left to do: help was printed (0) or a complaint (1)
 */
export function parseCommand(spec: CommandSpec, args: readonly string[], io: Io): ParseResult {
  const options: Record<string, OptionSpec> = { ...GLOBAL_OPTIONS, ...spec.options }
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: toParseArgs(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  if (values['help'] === true) {
    io.stdout(helpOf(spec))
    return { ok: false, exitCode: EXIT.done }
  }
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const complaint = complaintAbout(token, options)
    if (complaint !== null) return { ok: false, exitCode: usageError(spec.name, complaint, io) }
  }
  const complaint = complaintAboutPositionals(spec, positionals)
  if (complaint !== null) return { ok: false, exitCode: usageError(spec.name, complaint, io) }
  const given = values as Record<string, string | boolean | undefined>
  return { ok: true, parsed: { places: placesFrom(given, io.env), values: given, positionals } }
}

/** Prints a complaint about the command line, and returns the exit code for it. */
export function usageError(command: string, complaint: string, io: Io): number {
  io.stderr(`tandem ${command}: ${complaint}\n  see: tandem ${command} --help\n`)
  return EXIT.usage
}

/**
 * `--timeout` in milliseconds.
 *
 * @returns null when the value is not a number of seconds above 0 and at most a day
 */
export function timeoutMsFrom(parsed: Parsed, defaultMs: number): number | null {
  const given = parsed.values['timeout']
  if (given === undefined) return defaultMs
  if (typeof given !== 'string' || !/^\d+(\.\d+)?$/.test(given)) return null
  const ms = Math.round(Number(given) * 1000)
  return ms > 0 && ms <= 86_400_000 ? ms : null
}

/** What to say when `timeoutMsFrom` found nothing usable. */
export function timeoutComplaint(parsed: Parsed): string {
  return `--timeout '${String(parsed.values['timeout'])}' is not a number of seconds above 0 (such as 2.5)`
}

/** Help of one command. */
export function helpOf(spec: CommandSpec): string {
  const usage = ['tandem', spec.name, '[options]', ...spec.positionals].join(' ')
  const details = spec.details === '' ? '' : `\n${spec.details}\n`
  const own = optionLines(spec.options)
  const ownBlock = own === '' ? '' : `\nOptions\n${own}`
  return `${spec.summary}\n\nUsage: ${usage}\n${details}${ownBlock}\nEverywhere\n${optionLines(GLOBAL_OPTIONS)}`
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string {
  return Object.entries(options)
    .map(([name, option]) => {
      const short = option.short === undefined ? '' : `-${option.short}, `
      const value = option.value === undefined ? '' : ` ${option.value}`
      return `  ${`${short}--${name}${value}`.padEnd(20)} ${option.help}\n`
    })
    .join('')
}

function toParseArgs(options: Record<string, OptionSpec>): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [
      name,
      short === undefined ? { type } : { type, short },
    ]),
  )
}

interface OptionToken {
  name: string
  rawName: string
  value: string | undefined
  inlineValue: boolean | undefined
}

function complaintAbout(token: OptionToken, options: Record<string, OptionSpec>): string | null {
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
  if (option === undefined) {
    const near = nearMiss(token.name, Object.keys(options))
    return `unknown option ${token.rawName}${near === null ? '' : `; did you mean --${near}?`}`
  }
  if (option.type === 'boolean') {
    return token.value === undefined ? null : `${token.rawName} takes no value`
  }
  // `--run --json` would otherwise take the next option for the value; a lone `-` is one.
  const missing = token.value === undefined || token.value === ''
  const swallowed = token.inlineValue === false && /^-./.test(token.value ?? '')
  return missing || swallowed ? `${token.rawName} needs a value: ${option.value ?? 'VALUE'}` : null
}

function complaintAboutPositionals(spec: CommandSpec, given: readonly string[]): string | null {
  const wanted = spec.positionals[given.length]
  // What may be left out stands in brackets.
  const missing = wanted?.startsWith('[') === true ? undefined : wanted
  if (missing !== undefined) return `missing argument: ${missing}`
  if (spec.positionals.at(-1)?.endsWith('...') === true) return null
  const extra = given[spec.positionals.length]
  return extra === undefined ? null : `unexpected argument '${extra}'`
}

function placesFrom(values: Record<string, string | boolean | undefined>, env: Io['env']): Places {
  const place = (option: string, variable: string): string | null => {
    const given = values[option]
    if (typeof given === 'string') return given
    const inherited = env[variable]
    return inherited === undefined || inherited === '' ? null : inherited
  }
  return {
    configDir: place('config', 'TANDEM_CONFIG') ?? '/etc/ngcp-config',
    stateDir: place('state', 'TANDEM_STATE') ?? '/var/lib/tandem',
    runDir: place('run', 'TANDEM_RUN') ?? '/run/tandem',
    node: place('node', 'TANDEM_NODE'),
  }
}
