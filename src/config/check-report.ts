/**
 * How are mistakes shown?
 *
 * As text for somebody who was just woken up: one block per file, errors first, in each what stands
 * there, what is wrong with it and what to do. As JSON for programs. Pure; prints nothing.
 */
import type { Mistake } from '../errors.ts'
import type { PairConfig, WatchdogConfig } from './config.ts'

/** What is shown of one check. */
export interface CheckResult {
  /** Null when there are errors. */
  config: PairConfig | null
  files: readonly string[]
  mistakes: readonly Mistake[]
}

/** Lines wrap here; a terminal at a console has 80 columns. */
const WIDTH = 80

/** The mistakes by file, without a summary; empty when there are none. */
export function formatMistakes(mistakes: readonly Mistake[]): string {
  const files = [...new Set(mistakes.map((mistake) => mistake.file))]
  return files
    .map((file) => {
      const own = mistakes.filter((mistake) => mistake.file === file).sort(byUrgency)
      return `${file}\n${own.map(formatMistake).join('')}`
    })
    .join('\n')
}

/** Errors before warnings, then from the top of the file to its end. */
function byUrgency(a: Mistake, b: Mistake): number {
  if (a.severity !== b.severity) return a.severity === 'error' ? -1 : 1
  return (a.line ?? 0) - (b.line ?? 0)
}

function formatMistake(mistake: Mistake): string {
  const label = mistake.severity.toUpperCase().padEnd(9)
  const where = mistake.line === undefined ? '' : `line ${mistake.line}`
  const value = mistake.value === null ? '' : `${mistake.key === '' ? '' : ': '}${mistake.value}`
  const subject = `${mistake.key}${value}`
  const head = [where, subject].filter((part) => part !== '').join('  ')
  const body = [...wrap(mistake.why, 11), ...wrap(`-> ${mistake.mend}`, 11, 3)]
  // A mistake of the file as a whole has no head of its own.
  const lines = head === '' ? body : [`${' '.repeat(11)}${head}`, ...body]
  return `  ${label}${lines.join('\n').slice(11)}\n`
}

/** Breaks between words; a single long word stays whole, so that it can be copied. */
function wrap(text: string, indent: number, hanging = 0): string[] {
  const lines: string[] = []
  let line = ''
  const room = (): number => WIDTH - indent - (lines.length === 0 ? 0 : hanging)
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room()) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  lines.push(line)
  return lines.map((part, index) => ' '.repeat(indent + (index === 0 ? 0 : hanging)) + part)
}

/** One line that says how it stands. */
export function formatVerdict(mistakes: readonly Mistake[]): string {
  const errors = mistakes.filter((mistake) => mistake.severity === 'error').length
  const warnings = mistakes.length - errors
  const count = (number: number, word: string): string =>
    number === 1 ? `1 ${word}` : `${number === 0 ? 'no' : number} ${word}s`
  const found = `${count(errors, 'error')}, ${count(warnings, 'warning')}`
  return errors > 0 ? `${found}: the agent does not start with this.\n` : `${found}.\n`
}

/** Mistakes and verdict, for a program that does not start because of them. */
export function formatReport(mistakes: readonly Mistake[]): string {
  const list = formatMistakes(mistakes)
  return list === '' ? formatVerdict(mistakes) : `${list}\n${formatVerdict(mistakes)}`
}

/** What the configuration means, for comparison with what was meant. */
export function formatMeaning(config: PairConfig): string {
  const { timing } = config.policy
  const rows: (readonly [string, string])[] = [
    ['node', `${config.node} (${config.hostName}), peer ${config.peerHostName}`],
    ['mode', `${config.mode}, UDP port ${config.port}, gate ${config.gate}`],
    [
      'timing',
      `${config.timingProfile}: heartbeat ${timing.heartbeatMs} ms, lease ${timing.leaseMs} ms, ` +
        `takeover within ${timing.takeoverSilenceMs + 3 * timing.heartbeatMs} ms`,
    ],
    ...config.paths.map((path): [string, string] => [
      'path',
      `${path.name} on ${path.interface}: ${path.ourAddress} - ${path.peerAddress}`,
    ]),
    ...config.pingNodes.map((node): [string, string] => [
      'ping node',
      `${node.address}${node.source === 'config' ? '' : ` (${node.source})`}`,
    ]),
    ...config.floatingIps.map((ip): [string, string] => [
      'floating IP',
      `${ip.address}/${ip.prefixLength} on ${ip.label ?? ip.interface}`,
    ]),
    ...(config.watchdog === null ? [] : [['watchdog', watchdogMeaning(config.watchdog)] as const]),
    ['digest', `${config.policy.digest} (must be the same on ${config.peerHostName})`],
  ]
  let before = ''
  return rows
    .map(([name, text]) => {
      const shown = name === before ? '' : name
      before = name
      return `  ${shown.padEnd(13)}${text}\n`
    })
    .join('')
}

function watchdogMeaning({ device, timeoutSeconds }: WatchdogConfig): string {
  return `${device} resets this machine ${timeoutSeconds} s after the agent's last word`
}

/** One JSON document; keys are stable, new ones may be added. */
export function formatJson(result: CheckResult, pingBudget: unknown): string {
  const { config, files, mistakes } = result
  const failed = mistakes.some((mistake) => mistake.severity === 'error')
  const document = { ok: !failed, files, mistakes, config, pingBudget }
  return `${JSON.stringify(document, null, 2)}\n`
}
