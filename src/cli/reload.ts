/**
 * `tandem reload`: has a changed configuration come into force, and says what needs a restart, in which order.
 *
 * Reads and checks everything first and refuses it as a whole. What the agent can take over while it runs
 * (services, what is asked from outside) it then does, having read and checked the files itself; nothing that
 * was changed there is half in force. Everything else both nodes must count with alike, and an agent that
 * changed it under a lease would be right by neither configuration (PROTOCOL, A3): it is named, with the node
 * to restart first and why.
 */

import { apiMistakes } from '../config/api-files.ts'
import { formatReport } from '../config/check-report.ts'
import { loadConfig } from '../config/load.ts'
import { checkMachine, type MachineDoors } from '../config/machine-check.ts'
import { changedParts, type Reach } from '../config/parts.ts'
import { type AskFailure, type ControlClient, controlClient } from '../control/client.ts'
import { operated } from '../control/follow.ts'
import { type OperationDocument, SCHEMA_VERSION, type StatusDocument } from '../control/schema.ts'
import { settleFileSet } from '../system/file-set.ts'
import { linkState, lockFile } from '../system/native.ts'
import { json, parseAsking, QUESTION_LIMIT_MS, reportFailure } from './ask.ts'
import { ASKING_OPTIONS, type CommandSpec, type Io } from './command.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './table.ts'

/** Services that are taken away are stopped first, one after the other. */
const WAIT_LIMIT_MS = 30_000

export const SPEC: CommandSpec = {
  name: 'reload',
  summary:
    'Has a changed configuration come into force, and says what needs a restart, in which order.',
  details:
    'Services and what is asked from outside change while the agent runs; the role never does. A changed\n' +
    'key is taken over as well by: systemctl reload tandemd.\n' +
    'Exit status: 0 the agent runs with these files, 3 they have mistakes, something stood in the way, or a\n' +
    'restart is needed, 4 not done in time.',
  positionals: [],
  options: ASKING_OPTIONS,
}

/** What a test replaces. */
export interface ReloadDoors {
  machine: MachineDoors
  etcDirectory: string
}

const DOORS: ReloadDoors = {
  machine: { interfaceExists: (name) => linkState(name) !== null },
  etcDirectory: '/etc',
}

export async function run(args: string[], io: Io, doors: ReloadDoors = DOORS): Promise<number> {
  const asking = parseAsking(SPEC, args, io, WAIT_LIMIT_MS)
  if (!asking.ok) return asking.exitCode
  const { parsed, limitMs, asJson } = asking
  const client = controlClient(parsed.places.runDir)
  // Whoever reads the plain files should find what the agent is about to.
  await settleFileSet(parsed.places.configDir, lockFile)
  const asked = await client.status(Math.min(limitMs, QUESTION_LIMIT_MS))
  const loaded = await loadConfig({
    directory: parsed.places.configDir,
    // The agent knows which node it is.
    node: parsed.places.node ?? (asked.ok ? asked.value.node : null),
    etcDirectory: doors.etcDirectory,
  })
  const machine = loaded.ok
    ? [...(await checkMachine(loaded.config, doors.machine)), ...(await apiMistakes(loaded.config))]
    : []
  const mistakes = [...loaded.mistakes, ...machine]
  if (!loaded.ok || mistakes.some(({ severity }) => severity === 'error')) {
    if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, ok: false, mistakes }))
    else
      io.stderr(`${formatReport(mistakes)}\ntandem reload: refused; the agent goes on as it is\n`)
    return EXIT.refused
  }
  if (!asked.ok) return reportFailure(asked, { command: SPEC.name, json: asJson, io })
  const before = changedParts(asked.value.self.configuration, loaded.config)
  const applied = before.some(({ reach }) => reach === 'now')
    ? await takeOver(client, limitMs)
    : { ok: true as const, sentences: [], status: asked.value }
  if (!applied.ok) {
    if ('failure' in applied) {
      return reportFailure(applied.failure, { command: SPEC.name, json: asJson, io })
    }
    const { reason, state } = applied.operation
    if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, ok: false, mistakes, state, reason }))
    else io.stderr(refusalText(applied.operation))
    return state === 'refused' ? EXIT.refused : EXIT.timedOut
  }
  const { sentences, status } = applied
  const changed = changedParts(status.self.configuration, loaded.config)
  const steps = stepsFor(changed, status)
  if (asJson) {
    const document = { ok: true, mistakes, applied: sentences, changed, steps }
    io.stdout(json({ schema: SCHEMA_VERSION, ...document }))
  } else io.stdout(appliedText(sentences) + reloadText(changed, steps))
  return changed.length === 0 ? EXIT.done : EXIT.refused
}

type TakenOver =
  | { ok: true; sentences: string[]; status: StatusDocument }
  | { ok: false; failure: AskFailure }
  | { ok: false; operation: OperationDocument }

/** The running agent takes over what it can. */
async function takeOver(client: ControlClient, limitMs: number): Promise<TakenOver> {
  const request = { kind: 'reload', node: null, force: false } as const
  const operation = await operated(client, request, limitMs)
  if (!operation.ok) return { ok: false, failure: operation }
  if (operation.value.state !== 'done') return { ok: false, operation: operation.value }
  const asked = await client.status(limitMs)
  if (!asked.ok) return { ok: false, failure: asked }
  const sentences = operation.value.steps.map(({ sentence }) => sentence)
  return { ok: true, sentences, status: asked.value }
}

function refusalText({ state, reason }: OperationDocument): string {
  if (reason === null) return `tandem reload: still ${state}; see the log of the agent\n`
  const mend = reason.mend === null ? '' : `\n  mend: ${printable(reason.mend)}`
  return `tandem reload: ${state}: ${printable(reason.sentence)} (${printable(reason.code)})${mend}\n`
}

function appliedText(sentences: readonly string[]): string {
  if (sentences.length === 0) return ''
  return ['In force:', ...sentences.map((sentence) => `  ${printable(sentence)}`), ''].join('\n')
}

/** What to do, in order; none when nothing changed. */
export function stepsFor(
  changed: readonly { reach: Reach }[],
  { node, peerNode, local, peer }: Pick<StatusDocument, 'node' | 'peerNode' | 'local' | 'peer'>,
): string[] {
  if (changed.length === 0) return []
  const active = local.role === 'active' ? node : peer.role === 'active' ? peerNode : null
  const restart = 'systemctl restart tandemd'
  if (changed.every(({ reach }) => reach === 'node')) {
    if (active !== node) return [`on ${node}, which does not serve: ${restart}`]
    return [
      `on ${node}: ngcp-make-standby, so that ${peerNode} serves`,
      `on ${node}, the standby by then: ${restart}`,
    ]
  }
  const last = active ?? node
  const first = last === node ? peerNode : node
  return [
    'give both nodes the same files; tandem reload on each names the same parts',
    `on ${first}, the standby: ${restart}, and wait until tandem status answers there; ` +
      'from here on no node can replace the other',
    `on ${last}, at once: ${restart}; nobody serves until its agent is up again, then one is elected`,
  ]
}

function reloadText(
  changed: readonly { part: string; reach: Reach }[],
  steps: readonly string[],
): string {
  if (changed.length === 0) return 'the agent runs with this configuration; nothing is to be done\n'
  const shared = changed.some(({ reach }) => reach === 'pair')
  const why = shared
    ? 'Nodes that differ in these neither hand over to each other nor take over from each other.'
    : 'The nodes may differ in these: no service is interrupted.'
  return [
    `The configuration is sound. It needs a restart: ${changed.map(({ part }) => part).join(', ')}`,
    why,
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
    '',
  ].join('\n')
}
