/**
 * `tandem replay FILE`: would this version decide as the recorded one did?
 */
import { SCHEMA_VERSION } from '../control/schema.ts'
import { replay, replayRefusal } from '../record/replay.ts'
import { json } from './ask.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { EXIT } from './exit-code.ts'
import { paintFor } from './paint.ts'
import { type NamedRecord, recordsIn } from './record-files.ts'
import { cell, printable, table } from './table.ts'

export const SPEC: CommandSpec = {
  name: 'replay',
  summary:
    'Runs the events of a record through the decisions of this version, and shows differences.',
  details:
    'FILE is a file of `tandem record export`, or an id of `tandem record list`.\n' +
    'Exit status: 0 decided the same, 1 wrong arguments, 3 it cannot be replayed, 5 differences.',
  positionals: ['FILE'],
  options: { json: { type: 'boolean', help: 'print one JSON document instead of text' } },
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { places, values, positionals } = result.parsed
  const asJson = values['json'] === true
  const refuse = (message: string, mend: string): number => {
    if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, message, mend }))
    else io.stderr(`tandem replay: ${message}\n  mend: ${mend}\n`)
    return EXIT.refused
  }
  const found = await recordsIn(places.stateDir, positionals[0] ?? '')
  if (!found.ok) return refuse(found.message, found.mend)
  for (const { file, record } of found.value) {
    const refusal = replayRefusal(record)
    if (refusal !== null)
      return refuse(`${file} ${refusal}`, 'replay it with the version that made it')
  }
  const outcomes = found.value.map(outcomeOf)
  if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, records: outcomes }))
  else {
    const titles = ['TIME', 'EVENT', 'RECORDED', 'TODAY'].map((title) => cell(title, 'title'))
    for (const { node, steps, differing, differences } of outcomes) {
      const much = differing === 0 ? 'the same' : `${differing} differences`
      io.stdout(`${node}: ${steps} decisions, ${much}\n`)
      const rows = differences.map(({ atIso, event, recorded, today }) => [
        atIso,
        event,
        printable(recorded),
        printable(today),
      ])
      if (rows.length > 0) io.stdout(table([titles, ...rows], paintFor(io)))
      if (differing > rows.length) io.stdout(`… and ${differing - rows.length} more\n`)
    }
  }
  return outcomes.some(({ differing }) => differing > 0) ? EXIT.unverified : EXIT.done
}

function outcomeOf({ id, record }: NamedRecord) {
  const { node, wallOffsetMs } = record.header
  const { steps, differing, differences } = replay(record)
  return {
    id,
    node,
    steps,
    differing,
    differences: differences.map(({ atMs, ...difference }) => ({
      atIso: new Date(atMs + wallOffsetMs).toISOString(),
      ...difference,
    })),
  }
}
