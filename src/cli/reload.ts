/**
 * `tandem reload`: may the changed configuration come into force, and in which order?
 *
 * Reads and checks everything first and refuses it as a whole. Nothing is applied to a running agent: both
 * nodes must count with the same ping nodes, times and addresses, and an agent that changed them under
 * a lease would be right by neither configuration (PROTOCOL, A3). So what changed is named, with the
 * node to restart first and why. The key alone is read again by a running agent, on SIGHUP.
 */
import { formatReport } from '../config/check-report.ts'
import { loadConfig } from '../config/load.ts'
import { checkMachine, type MachineDoors, systemDoors } from '../config/machine-check.ts'
import { changedParts, type Reach } from '../config/parts.ts'
import { controlClient } from '../control/client.ts'
import { SCHEMA_VERSION, type StatusDocument } from '../control/schema.ts'
import { json, parseAsking, reportFailure } from './ask.ts'
import { ASKING_OPTIONS, type CommandSpec, type Io } from './command.ts'
import { EXIT } from './exit-code.ts'

const SPEC: CommandSpec = {
  name: 'reload',
  summary: 'Checks a changed configuration, and says which node to restart in which order.',
  details:
    'Changes nothing by itself. A changed key is taken over without a restart: systemctl reload tandemd.\n' +
    'Exit status: 0 the agent runs with these files, 3 they have mistakes, or a restart is needed.',
  positionals: [],
  options: ASKING_OPTIONS,
}

/** What a test replaces. */
export interface ReloadDoors {
  machine: MachineDoors
  etcDirectory: string
}

const DOORS: ReloadDoors = { machine: systemDoors, etcDirectory: '/etc' }

export async function run(args: string[], io: Io, doors: ReloadDoors = DOORS): Promise<number> {
  const asking = parseAsking(SPEC, args, io)
  if (!asking.ok) return asking.exitCode
  const { parsed, limitMs, asJson } = asking
  const asked = await controlClient(parsed.places.runDir).status(limitMs)
  const loaded = await loadConfig({
    directory: parsed.places.configDir,
    // The agent knows which node it is.
    node: parsed.places.node ?? (asked.ok ? asked.value.node : null),
    etcDirectory: doors.etcDirectory,
  })
  const machine = loaded.ok ? await checkMachine(loaded.config, doors.machine) : []
  const mistakes = [...loaded.mistakes, ...machine]
  if (!loaded.ok || mistakes.some(({ severity }) => severity === 'error')) {
    if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, ok: false, mistakes }))
    else
      io.stderr(`${formatReport(mistakes)}\ntandem reload: refused; the agent goes on as it is\n`)
    return EXIT.refused
  }
  if (!asked.ok) return reportFailure(asked, { command: SPEC.name, json: asJson, io })
  const changed = changedParts(asked.value.self.configuration, loaded.config)
  const steps = stepsFor(changed, asked.value)
  if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, ok: true, mistakes, changed, steps }))
  else io.stdout(reloadText(changed, steps))
  return changed.length === 0 ? EXIT.done : EXIT.refused
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
