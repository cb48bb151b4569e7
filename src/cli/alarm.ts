/**
 * `tandem alarm`: what is to be mended, and does word of it reach somebody?
 *
 * `list` asks the agent. `test` sends a test through every configured way by itself, from this process, and
 * says what each answered; it needs no agent, and who may read the secrets.
 */
import { formatReport } from '../config/check-report.ts'
import { loadConfig } from '../config/load.ts'
import { controlClient } from '../control/client.ts'
import { type Notice, noticeOf } from '../control/notice.ts'
import { SCHEMA_VERSION, type StatusDocument } from '../control/schema.ts'
import { deliver } from '../daemon/notice-channel.ts'
import { targetOf } from '../daemon/notice-target.ts'
import { json, parseAsking, reportFailure } from './ask.ts'
import { ASKING_OPTIONS, type CommandSpec, type Io, usageError } from './command.ts'
import { EXIT } from './exit-code.ts'
import { noticesTable } from './notice-text.ts'
import { type Paint, paintFor } from './paint.ts'
import { printable } from './table.ts'

export const SPEC: CommandSpec = {
  name: 'alarm',
  summary: 'Lists what is to be mended with the next step, or tests who is told of it.',
  details:
    'list  alarms that stand, and how the ways to the operators do. Exit 0 none, 3 some stand\n' +
    'test  sends a test by every configured way and says what each answered. Exit 0 all took it, 6 not all',
  positionals: ['list|test'],
  options: ASKING_OPTIONS,
}

/** For each way, one after the other. */
const TEST_LIMIT_MS = 20_000

export async function run(args: string[], io: Io): Promise<number> {
  const asking = parseAsking(SPEC, args, io)
  if (!asking.ok) return asking.exitCode
  const { parsed, asJson } = asking
  const [verb] = parsed.positionals
  if (verb === 'list') return list(asking, io)
  if (verb !== 'test') {
    return usageError(SPEC.name, `'${verb}' is neither list nor test`, io)
  }
  const limitMs = parsed.values['timeout'] === undefined ? TEST_LIMIT_MS : asking.limitMs
  const { configDir: directory, node } = parsed.places
  const loaded = await loadConfig({ directory, node })
  if (!loaded.ok) {
    io.stderr(formatReport(loaded.mistakes))
    return EXIT.refused
  }
  const { alarms, ...config } = loaded.config
  if (alarms.channels.length === 0) {
    io.stderr('tandem alarm: nobody is told of alarms\n  mend: name a way in tandem.alarms\n')
    return EXIT.refused
  }
  const results = await Promise.all(
    alarms.channels.map(async (channel) => ({
      ...{ kind: channel.kind, target: targetOf(channel) },
      ...(await deliver(channel, testNotice(config), limitMs)),
    })),
  )
  if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, results }))
  else {
    for (const result of results) {
      const said = result.ok ? `yes: ${result.answer}` : `NO: ${result.why}`
      io.stdout(`${result.kind} to ${printable(result.target)}: ${printable(said)}\n`)
    }
  }
  return results.every(({ ok }) => ok) ? EXIT.done : EXIT.failed
}

async function list(
  { parsed, limitMs, asJson }: Extract<ReturnType<typeof parseAsking>, { ok: true }>,
  io: Io,
): Promise<number> {
  const asked = await controlClient(parsed.places.runDir).status(limitMs)
  if (!asked.ok) return reportFailure(asked, { command: SPEC.name, json: asJson, io })
  const { alarms, notices } = asked.value
  if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, alarms, notices }))
  else io.stdout(listText(asked.value, paintFor(io)))
  return alarms.length === 0 ? EXIT.done : EXIT.refused
}

function listText({ node, alarms, notices }: StatusDocument, paint: Paint): string {
  const told = notices.length === 0 ? 'nobody is told of alarms (tandem.alarms)\n' : ''
  const ways = `${told}${noticesTable({ notices }, paint)}`
  if (alarms.length === 0) return `no alarm stands on ${node}\n\n${ways}`
  const blocks = alarms.map(
    ({ code, sentence, mend, sinceIso }) =>
      `${paint(code, 'bad')}  since ${sinceIso}\n  ${printable(sentence)}\n  next step: ${printable(mend)}\n`,
  )
  return `${blocks.join('\n')}\n${ways}`
}

function testNotice({ node, hostName }: Pick<Notice, 'node' | 'hostName'>): Notice {
  return noticeOf({
    ...{ kind: 'test', node, hostName, atIso: new Date().toISOString() },
    ...{ state: 'unknown', peerState: 'unknown', changes: [], alarms: [], standing: 0 },
  })
}
