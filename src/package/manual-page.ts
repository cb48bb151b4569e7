/**
 * How is a command said in the language of manual pages (man(7))? Nothing is known here that `--help` does
 * not say; only the form differs.
 */
import { GLOBAL_OPTIONS, type OptionSpec } from '../cli/command.ts'
import type { CommandPage } from './specs.ts'

/** Section of commands for whoever administers the machine. */
export const SECTION = 8

export interface PageFrame {
  version: string
  /** Day of the page, `2026-11-30`. */
  day: string
}

const FILES: readonly (readonly [string, string])[] = [
  ['/etc/ngcp-config/config.yml, network.yml', 'the configuration of the platform, read as it is'],
  ['/etc/tandem/key', 'the key that both nodes share (mode 0600)'],
  ['/var/lib/tandem', 'hard state, history, records, and what stores set aside'],
  ['/run/tandem', 'state line, sockets and the gate of the agent that runs'],
  ['/usr/share/doc/tandem/examples', 'every key of the configuration, with its default'],
]

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['TANDEM_CONFIG, TANDEM_STATE, TANDEM_RUN, TANDEM_NODE', 'as the options of these names'],
  ['TANDEM_NODEJS', 'another Node.js than the one of the package'],
  ['NO_COLOR', 'no colours'],
]

/** `tandem(8)`: the overview. */
export function overviewPage(
  pages: readonly CommandPage[],
  exits: string,
  frame: PageFrame,
): string {
  return [
    head('tandem', frame),
    section('NAME', 'tandem \\- active/standby cluster manager for two\\-node VoIP platforms'),
    section('SYNOPSIS', `\\fBtandem\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]`),
    section(
      'DESCRIPTION',
      text(
        'Tandem keeps exactly one of two hosts active and moves the floating IPs when it dies. Each command has a page of its own.',
      ),
    ),
    section(
      'COMMANDS',
      pages.map(({ name, line }) => entry(bold(`tandem-${name}`), line)).join(''),
    ),
    section('OPTIONS', optionEntries(GLOBAL_OPTIONS)),
    section('EXIT STATUS', text(exits)),
    section('ENVIRONMENT', ENVIRONMENT.map(([name, says]) => entry(bold(name), says)).join('')),
    section('FILES', FILES.map(([name, says]) => entry(italic(name), says)).join('')),
    section('SEE ALSO', seeAlso(pages.map(({ name }) => name))),
  ].join('')
}

/** `tandem-NAME(8)`. */
export function commandPage({ name, line, spec }: CommandPage, frame: PageFrame): string {
  const words = [
    `\\fBtandem ${roff(name)}\\fR`,
    '[\\fIoptions\\fR]',
    ...spec.positionals.map(italic),
  ]
  const options = optionEntries(spec.options)
  return [
    head(`tandem-${name}`, frame),
    section('NAME', `tandem\\-${roff(name)} \\- ${roff(line)}`),
    section('SYNOPSIS', words.join(' ')),
    section('DESCRIPTION', text(spec.summary) + (spec.details === '' ? '' : block(spec.details))),
    options === '' ? '' : section('OPTIONS', options),
    section('OPTIONS OF EVERY COMMAND', optionEntries(GLOBAL_OPTIONS)),
    section('SEE ALSO', `\\fBtandem\\fR(${SECTION})`),
  ].join('')
}

function head(name: string, { version, day }: PageFrame): string {
  return `.TH ${quoted(name.toUpperCase())} ${SECTION} ${quoted(day)} ${quoted(`Tandem ${version}`)} "Tandem"\n.nh\n.ad l\n`
}

function section(title: string, body: string): string {
  return `.SH ${quoted(title)}\n${body.endsWith('\n') ? body : `${body}\n`}`
}

function optionEntries(options: Readonly<Record<string, OptionSpec>>): string {
  return Object.entries(options)
    .map(([name, { short, value, help }]) => {
      const long = `${bold(`--${name}`)}${value === undefined ? '' : ` ${italic(value)}`}`
      return entry(short === undefined ? long : `${bold(`-${short}`)}, ${long}`, help)
    })
    .join('')
}

function entry(term: string, says: string): string {
  return `.TP\n${term}\n${text(says)}`
}

/** A paragraph that may be filled. */
function text(words: string): string {
  return `${guarded(roff(words.trim()))}\n`
}

/** Lines that stay as they are: tables and lists of the help. */
function block(lines: string): string {
  return `.PP\n.nf\n${lines.trimEnd().split('\n').map(roff).map(guarded).join('\n')}\n.fi\n`
}

function seeAlso(names: readonly string[]): string {
  return names.map((name) => `${bold(`tandem-${name}`)}(${SECTION})`).join(',\n')
}

function bold(words: string): string {
  return `\\fB${roff(words)}\\fR`
}

function italic(words: string): string {
  return `\\fI${roff(words)}\\fR`
}

/** Backslashes, and hyphens that would be broken or set as dashes. */
function roff(words: string): string {
  return words.replaceAll('\\', '\\e').replaceAll('-', '\\-')
}

/** A line that begins with a dot or a quote would be an order to the formatter. */
function guarded(words: string): string {
  return words
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n')
}

function quoted(words: string): string {
  return `"${roff(words).replaceAll('"', '\\(dq')}"`
}
