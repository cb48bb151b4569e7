/**
 * `tandem status`: how is the pair, as this node sees it?
 *
 * Exits 0 whenever the agent answered; what a node is, for scripts, is told by `ngcp-check-active`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { controlClient } from '../control/client.ts'
import { json, parseAsking, reportFailure } from './ask.ts'
import { ASKING_OPTIONS, type CommandSpec, type Io, usageError } from './command.ts'
import { EXIT } from './exit-code.ts'
import { paintFor } from './paint.ts'
import { statusText } from './status-text.ts'
import { watch as watchScreen } from './watch.ts'

export const SPEC: CommandSpec = {
  name: 'status',
  summary: 'Shows how the pair is, as this node sees it.',
  details:
    'With --watch it fills the terminal and stays true: q ends it, c clears the marks of what changed since\n' +
    'it began. Where the output is no terminal, the text is printed again every second.',
  positionals: [],
  options: {
    ...ASKING_OPTIONS,
    watch: { type: 'boolean', short: 'w', help: 'again every second; with --json one line each' },
    count: { type: 'string', value: 'NUMBER', help: 'with --watch: end after so many times' },
  },
}

const WATCH_INTERVAL_MS = 1_000

export async function run(args: string[], io: Io): Promise<number> {
  const asking = parseAsking(SPEC, args, io)
  if (!asking.ok) return asking.exitCode
  const { parsed, limitMs, asJson } = asking
  const watch = parsed.values['watch'] === true
  const count = parsed.values['count'] ?? (watch ? Number.POSITIVE_INFINITY : '1')
  if (parsed.values['count'] !== undefined && (!watch || !/^[1-9]\d{0,8}$/.test(String(count)))) {
    return usageError(SPEC.name, '--count needs --watch and a whole number above 0', io)
  }
  if (watch && !asJson && io.terminal !== undefined) {
    const where = { runDir: parsed.places.runDir, limitMs, count: Number(count) }
    const failure = await watchScreen(io, io.terminal, where)
    return failure === null
      ? EXIT.done
      : reportFailure(failure, { command: SPEC.name, json: false, io })
  }
  const client = controlClient(parsed.places.runDir)
  const paint = paintFor(io)
  let exitCode: number = EXIT.done
  for (let shown = 1; ; shown += 1) {
    const asked = await client.status(limitMs)
    if (!asked.ok) exitCode = reportFailure(asked, { command: SPEC.name, json: asJson, io })
    else {
      exitCode = EXIT.done
      if (!asJson) io.stdout(statusText(asked.value, paint))
      else io.stdout(watch ? `${JSON.stringify(asked.value)}\n` : json(asked.value))
    }
    if (shown >= Number(count)) return exitCode
    if (!asJson) io.stdout('\n')
    await sleep(WATCH_INTERVAL_MS)
  }
}
