/**
 * `tandem history`: when did the role of this node change, and why?
 */
import { controlClient } from '../control/client.ts'
import { formatMs } from '../control/duration.ts'
import { boundCell, exactCell } from '../control/loss-sentence.ts'
import type { LossRecord, TakenStep } from '../control/schema.ts'
import { json, parseAsking, reportFailure } from './ask.ts'
import { ASKING_OPTIONS, type CommandSpec, type Io, usageError } from './command.ts'
import { EXIT } from './exit-code.ts'
import { type Paint, paintFor } from './paint.ts'
import { cell, printable, table } from './table.ts'

export const SPEC: CommandSpec = {
  name: 'history',
  summary:
    'Lists the changes of the role of this node and what takeovers may have lost, newest first.',
  details:
    'Below a takeover or switchover: what was done, with the time since this node began to take the role.',
  positionals: [],
  options: {
    ...ASKING_OPTIONS,
    limit: { type: 'string', value: 'NUMBER', help: 'at most so many, 1 to 1000 (20)' },
  },
}

export async function run(args: string[], io: Io): Promise<number> {
  const asking = parseAsking(SPEC, args, io)
  if (!asking.ok) return asking.exitCode
  const { parsed, limitMs, asJson } = asking
  const limit = parsed.values['limit'] ?? '20'
  if (!/^([1-9]\d{0,2}|1000)$/.test(String(limit))) {
    return usageError(SPEC.name, `--limit '${limit}' is not a number from 1 to 1000`, io)
  }
  const asked = await controlClient(parsed.places.runDir).history(Number(limit), limitMs)
  if (!asked.ok) return reportFailure(asked, { command: SPEC.name, json: asJson, io })
  const { node, transitions, losses } = asked.value
  if (asJson) io.stdout(json(asked.value))
  else if (transitions.length === 0) io.stdout(`the role of ${node} has not changed yet\n`)
  else {
    const titles = ['TIME', 'FROM', 'TO', 'TERM', 'OUTAGE', 'REASON']
    const [head = '', ...lines] = table(
      [
        titles.map((title) => cell(title, 'title')),
        ...transitions.map(({ atIso, from, to, term, outageMs, reason }) => [
          atIso,
          from,
          to,
          String(term),
          outageMs === null ? '?' : formatMs(outageMs),
          reason.sentence,
        ]),
      ],
      paintFor(io),
    ).split('\n')
    const whole = transitions.map(({ steps }, index) => [lines[index], ...stepLines(steps)])
    io.stdout(`${[head, ...whole.flat()].join('\n')}\n`)
  }
  if (!asJson && losses.length > 0) io.stdout(`\n${lossTable(losses, paintFor(io))}`)
  return EXIT.done
}

/** What was done in a takeover, each with its time since it began. */
function stepLines(steps: readonly TakenStep[] = []): string[] {
  const times = steps.map(({ afterMs }) => `+${Math.round(afterMs)} ms`)
  const width = Math.max(0, ...times.map(({ length }) => length))
  return steps.map(
    ({ sentence }, index) => `  ${times[index]?.padStart(width)}  ${printable(sentence)}`,
  )
}

/** What takeovers may have lost of the stores, and what it was in the end. */
function lossTable(losses: readonly LossRecord[], paint: Paint): string {
  const titles = [
    'TIME',
    'TAKEN OVER BY',
    'TERM',
    'STORE',
    'WRITES OF THE LAST',
    'LOST AT MOST',
    'EXACTLY',
  ]
  return table(
    [
      titles.map((title) => cell(title, 'title')),
      ...losses.map((loss) => [
        loss.atIso,
        loss.by,
        String(loss.term),
        printable(loss.store),
        loss.overMs === null ? '?' : formatMs(loss.overMs),
        boundCell(loss),
        exactCell(loss),
      ]),
    ],
    paint,
  )
}
