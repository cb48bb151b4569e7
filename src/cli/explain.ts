/**
 * `tandem explain`: why is it so, what stands in the way, and what would happen if?
 */
import { controlClient } from '../control/client.ts'
import { formatMs } from '../control/duration.ts'
import type { ExplainDocument } from '../control/schema.ts'
import { json, parseAsking, reportFailure } from './ask.ts'
import { ASKING_OPTIONS, type CommandSpec, type Io } from './command.ts'
import { EXIT } from './exit-code.ts'
import { type Paint, paintFor } from './paint.ts'
import { cell, printable, table } from './table.ts'

export const SPEC: CommandSpec = {
  name: 'explain',
  summary: 'Says why this node is what it is, what stands in the way, and what would happen if.',
  details: '',
  positionals: [],
  options: ASKING_OPTIONS,
}

export async function run(args: string[], io: Io): Promise<number> {
  const asking = parseAsking(SPEC, args, io)
  if (!asking.ok) return asking.exitCode
  const { parsed, limitMs, asJson } = asking
  const asked = await controlClient(parsed.places.runDir).explain(limitMs)
  if (!asked.ok) return reportFailure(asked, { command: SPEC.name, json: asJson, io })
  io.stdout(asJson ? json(asked.value) : explainText(asked.value, paintFor(io)))
  return EXIT.done
}

function explainText(document: ExplainDocument, paint: Paint): string {
  const { node, role, state, reason, question, blockers, hazards, drift, self, ifs } = document
  const roleShown = role === state ? role : `${state} (role ${role})`
  const lines = [`${node} is ${roleShown}: ${printable(reason.sentence)}`, '']
  if (blockers.length === 0) lines.push(`Nothing stands in the way of ${printable(question)}.`)
  else {
    lines.push(paint(`In the way of ${printable(question)}`, 'title'))
    for (const { code, sentence, mend } of blockers) {
      lines.push(`  ${printable(sentence)} (${printable(code)})`, `    mend: ${printable(mend)}`)
    }
  }
  if (hazards.length > 0) lines.push('', paint('To know before a switchover', 'title'))
  for (const { store, sentence } of hazards) {
    lines.push(`  ${printable(store)}: ${printable(sentence)}`)
  }
  if (drift.length > 0) lines.push('', paint('The nodes are not alike', 'title'))
  for (const sentence of drift) lines.push(`  ${printable(sentence)}`)
  if (self.length > 0) lines.push('', paint('This agent itself', 'title'))
  for (const sentence of self) lines.push(`  ${printable(sentence)}`)
  if (ifs.length === 0) return `${lines.join('\n')}\n`
  const rows = ifs.map(({ fault, outcome, boundMs }) => [
    `  ${fault}`,
    outcome,
    boundMs === null ? cell('no bound', 'warn') : `within ${formatMs(boundMs)}`,
  ])
  return `${lines.join('\n')}\n\n${paint('What if', 'title')}\n${table(rows, paint)}`
}
