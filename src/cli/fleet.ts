/**
 * `tandem fleet status|switch|reload`: many pairs from one place, through their APIs.
 *
 * Runs anywhere: it needs no agent, only the inventory. What changes something goes pair by pair and stops at the
 * first doubt.
 */
import { formatReport } from '../config/check-report.ts'
import { remoteClient } from '../control/client.ts'
import { SCHEMA_VERSION } from '../control/schema.ts'
import { type NodeName, peerOf } from '../core/policy.ts'
import { json } from './ask.ts'
import {
  ASKING_OPTIONS,
  type CommandSpec,
  type Io,
  type Parsed,
  parseCommand,
  timeoutComplaint,
  timeoutMsFrom,
  usageError,
} from './command.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { type FleetPair, readInventory } from './fleet/inventory.ts'
import { inParallel } from './fleet/pool.ts'
import { doubtBefore, type PairOutcome, roll, type Task } from './fleet/roll.ts'
import { lookAt, type PairClients, type PairView } from './fleet/survey.ts'
import { fleetDocument, fleetText, outcomeText, planText } from './fleet/text.ts'
import { paintFor } from './paint.ts'

const DEFAULT_INVENTORY = '/etc/tandem/fleet.yml'
/** For one answer of one node. */
const ANSWER_LIMIT_MS = 5_000
/** Pairs that are looked at at once. */
const LOOKS_MAX = 32
const PARALLEL_MAX = 32
const SETTLE_MS = 5_000
const ACTIONS = ['status', 'switch', 'reload'] as const
type Action = (typeof ACTIONS)[number]

export const SPEC: CommandSpec = {
  name: 'fleet',
  summary: 'Shows and switches many pairs from one place.',
  details:
    'status   how each pair is; all of them, or those that are named\n' +
    'switch   moves the role in each pair that is named, one after the other, and waits until the pair is whole\n' +
    'reload   takes a changed configuration into force, standby first, then the node that serves\n' +
    'switch and reload stop at the first doubt: no further pair is begun. They want names, or --all.\n\n' +
    'The inventory:\n' +
    '  token_file: /etc/tandem/fleet.token   # one token, mode 0600; role operate to switch and reload\n' +
    '  ca_file: /etc/tandem/fleet-ca.pem     # who signed the certificates; without it as the system trusts\n' +
    '  pairs:\n' +
    '    vienna: {sp1: "https://10.1.0.1:8443", sp2: "https://10.1.0.2:8443"}\n' +
    '    graz:   {sp1: "https://10.2.0.1:8443", sp2: "https://10.2.0.2:8443", token_file: /etc/tandem/graz.token}\n\n' +
    'Exit status: 0 every pair well, or done; 1 wrong arguments; 2 a pair does not answer; 3 the inventory has\n' +
    'mistakes, or a pair refused; 5 a pair is degraded; 6 a pair is not served or both its nodes are active, or\n' +
    'something was begun and not brought to its end.',
  positionals: ['status|switch|reload', '[PAIR]...'],
  options: {
    ...ASKING_OPTIONS,
    timeout: {
      type: 'string',
      value: 'SECONDS',
      help: 'longest wait for one answer of a node (5)',
    },
    inventory: { type: 'string', value: 'FILE', help: `the pairs (${DEFAULT_INVENTORY})` },
    all: { type: 'boolean', help: 'switch, reload: every pair of the inventory' },
    to: { type: 'string', value: 'NODE', help: 'switch: sp1 or sp2 shall serve (the other one)' },
    parallel: { type: 'string', value: 'N', help: 'switch, reload: pairs under way at once (1)' },
    settle: { type: 'string', value: 'SECONDS', help: 'a pair must stay whole for so long (5)' },
    'dry-run': { type: 'boolean', help: 'switch, reload: say what would be done' },
  },
}

interface Typed {
  action: Action
  names: readonly string[]
  limitMs: number
  to: NodeName | null
  parallel: number
  settleMs: number
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const typed = readTyped(parsed)
  if (typeof typed === 'string') return usageError(SPEC.name, typed, io)
  const asJson = parsed.values['json'] === true
  const file = String(parsed.values['inventory'] ?? DEFAULT_INVENTORY)
  const { inventory, mistakes } = await readInventory(file)
  if (inventory === null) {
    if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, code: 'HA_CONFIG_INVALID', mistakes }))
    else io.stderr(formatReport(mistakes))
    return EXIT.refused
  }
  const chosen = chosenOf(inventory.pairs, typed.names)
  if (typeof chosen === 'string') return usageError(SPEC.name, chosen, io)
  const pairs = chosen.map(({ name, doors }) => ({
    name,
    clients: { sp1: remoteClient(doors.sp1), sp2: remoteClient(doors.sp2) },
  }))
  if (typed.action === 'status') return await status(pairs, typed, asJson, io)
  if (parsed.values['dry-run'] === true) return await plan(pairs, typed, asJson, io)
  return await change(pairs, typed, asJson, io)
}

/** A sentence when something is wrong. */
function readTyped(parsed: Parsed): Typed | string {
  const { values, positionals } = parsed
  const [word = '', ...names] = positionals
  const action = ACTIONS.find((known) => known === word)
  if (action === undefined) return `'${word}' is none of ${ACTIONS.join(', ')}`
  const foreign = ['all', 'parallel', 'settle', 'dry-run'].find(
    (option) => action === 'status' && values[option] !== undefined,
  )
  if (foreign !== undefined) return `--${foreign} does not belong to status`
  if (action !== 'switch' && values['to'] !== undefined) return '--to belongs to switch'
  const to = values['to'] ?? null
  if (to !== null && to !== 'sp1' && to !== 'sp2') return `--to '${String(to)}': write sp1 or sp2`
  if (values['all'] === true && names.length > 0) return 'either names of pairs, or --all'
  if (action !== 'status' && names.length === 0 && values['all'] !== true) {
    return `${action} wants the names of pairs, or --all`
  }
  const limitMs = timeoutMsFrom(parsed, ANSWER_LIMIT_MS)
  if (limitMs === null) return timeoutComplaint(parsed)
  const parallel = numberFrom(values['parallel'], 1)
  if (parallel === null || !Number.isInteger(parallel) || parallel < 1 || parallel > PARALLEL_MAX) {
    return `--parallel '${String(values['parallel'])}' is not a whole number from 1 to ${PARALLEL_MAX}`
  }
  const settle = numberFrom(values['settle'], SETTLE_MS / 1000)
  if (settle === null || settle > 3600) {
    return `--settle '${String(values['settle'])}' is not a number of seconds from 0 to 3600`
  }
  return { action, names, limitMs, to, parallel, settleMs: settle * 1000 }
}

function numberFrom(given: string | boolean | undefined, otherwise: number): number | null {
  if (given === undefined) return otherwise
  return typeof given === 'string' && /^\d{1,6}(\.\d{1,3})?$/.test(given) ? Number(given) : null
}

/** A sentence when a name is not known. */
function chosenOf(
  pairs: readonly FleetPair[],
  names: readonly string[],
): readonly FleetPair[] | string {
  if (names.length === 0) return pairs
  const unknown = names.find((name) => !pairs.some((pair) => pair.name === name))
  if (unknown !== undefined) {
    const known = pairs.map(({ name }) => name).join(', ')
    return `'${unknown}' is not in the inventory, which has ${known}`
  }
  return pairs.filter(({ name }) => names.includes(name))
}

function views(pairs: readonly PairClients[], limitMs: number): Promise<PairView[]> {
  return inParallel(pairs, LOOKS_MAX, (pair) => lookAt(pair, limitMs))
}

async function status(
  pairs: readonly PairClients[],
  { limitMs }: Typed,
  asJson: boolean,
  io: Io,
): Promise<ExitCode> {
  const seen = await views(pairs, limitMs)
  io.stdout(asJson ? json(fleetDocument(seen)) : fleetText(seen, paintFor(io)))
  const verdicts = new Set(seen.map(({ verdict }) => verdict))
  if (verdicts.has('both-active') || verdicts.has('unserved')) return EXIT.failed
  if (verdicts.has('unknown')) return EXIT.unreachable
  return verdicts.has('degraded') ? EXIT.unverified : EXIT.done
}

async function plan(
  pairs: readonly PairClients[],
  { action, to, limitMs }: Typed,
  asJson: boolean,
  io: Io,
): Promise<ExitCode> {
  const planned = (await views(pairs, limitMs)).map((view) => {
    const { name, active } = view
    const target = to ?? peerOf(active ?? 'sp2')
    const move = target === active ? `${active} is active already` : `${active} -> ${target}`
    const step = action === 'switch' ? move : 'reload both, standby first'
    return { name, doubt: doubtBefore(view), step }
  })
  if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, dryRun: true, pairs: planned }))
  else {
    const paint = paintFor(io)
    io.stdout(planned.map(({ name, doubt, step }) => planText(name, doubt, step, paint)).join(''))
  }
  return planned.some(({ doubt }) => doubt !== null) ? EXIT.refused : EXIT.done
}

async function change(
  pairs: readonly PairClients[],
  { action, to, parallel, limitMs, settleMs }: Typed,
  asJson: boolean,
  io: Io,
): Promise<ExitCode> {
  const task: Task = { kind: action === 'reload' ? 'reload' : 'switch', to, note: 'tandem fleet' }
  const paint = paintFor(io)
  const said = (outcome: PairOutcome): void => {
    if (!asJson) io.stdout(outcomeText(outcome, paint))
  }
  const outcomes = await roll(pairs, task, { parallel, limitMs, settleMs, said })
  if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, pairs: outcomes }))
  const results = new Set(outcomes.map(({ result }) => result))
  if (results.has('failed')) return EXIT.failed
  return results.has('refused') ? EXIT.refused : EXIT.done
}
