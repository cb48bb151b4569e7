/**
 * `tandem data show|archive|rejoin`: what do the stores of this node hold, what was set aside, and what
 * can an operator do when one does not find back by itself?
 *
 * Asks the agent; nothing is touched beside it, for it may be in the middle of the same thing.
 */
import { controlClient } from '../control/client.ts'
import { json, parseAsking, reportFailure } from './ask.ts'
import { ASKING_OPTIONS, type CommandSpec, type Io, parseCommand, usageError } from './command.ts'
import { dataText } from './data-text.ts'
import { EXIT } from './exit-code.ts'
import { OPERATION_OPTIONS, operate } from './operate.ts'
import { paintFor } from './paint.ts'

const NAME = 'data'
const ACTIONS = ['show', 'archive', 'rejoin'] as const
/** Looking through archives takes longer than a status. */
const SHOW_LIMIT_MS = 10_000
/** Saving and copying take as long as the data is large; giving up waiting ends nothing. */
const WORK_LIMIT_MS = 600_000

export const SPEC: CommandSpec = {
  name: NAME,
  summary: 'Shows what the stores hold and what was set aside; sets aside, and brings back.',
  details:
    'show           stores, how they stand to the peer, and every archive that is kept\n' +
    'archive NAME   set aside now what only this node holds\n' +
    'rejoin NAME    compare, set aside and follow the peer now, not at the next try\n' +
    'rejoin NAME --copy\n' +
    '               set everything aside and copy it anew from the peer: for what cannot be undone, and\n' +
    '               where rows differ. MariaDB needs more rights for it: tandem setup NAME --copy-grants\n' +
    'archive and rejoin are for the node that does not serve.\n' +
    'Exit status: 0 done, 1 wrong arguments, 2 no agent, 3 refused, 4 not done in time, 6 failed.',
  positionals: ['show|archive|rejoin'],
  options: {
    ...OPERATION_OPTIONS,
    copy: { type: 'boolean', help: 'rejoin: copy everything anew' },
  },
}

const NAMED: CommandSpec = { ...SPEC, positionals: [...SPEC.positionals, 'NAME'] }

export async function run(args: string[], io: Io): Promise<number> {
  const word = args.find((arg) => ACTIONS.some((action) => action === arg))
  if (word === undefined || word === 'show') return show(args, io)
  const result = parseCommand(NAMED, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const [action = '', store = ''] = parsed.positionals
  const copy = parsed.values['copy'] === true
  if (parsed.values['node'] !== undefined) {
    return usageError(NAME, '--node means nothing here: run it on the node it is about', io)
  }
  const about = { node: null, force: false as const, store }
  switch (action) {
    case 'archive':
      if (copy) return usageError(NAME, '--copy belongs to: tandem data rejoin NAME', io)
      return operate(SPEC, parsed, { ...about, kind: 'data-archive' }, io, WORK_LIMIT_MS)
    case 'rejoin':
      return operate(SPEC, parsed, { ...about, kind: 'data-rejoin', copy }, io, WORK_LIMIT_MS)
    default:
      return usageError(NAME, `'${action}' is none of ${ACTIONS.join(', ')}`, io)
  }
}

async function show(args: string[], io: Io): Promise<number> {
  const asking = parseAsking(
    { ...SPEC, options: { ...SPEC.options, ...ASKING_OPTIONS } },
    args,
    io,
    SHOW_LIMIT_MS,
  )
  if (!asking.ok) return asking.exitCode
  const { parsed, limitMs, asJson } = asking
  const [action = ''] = parsed.positionals
  if (action !== 'show') return usageError(NAME, `'${action}' is none of ${ACTIONS.join(', ')}`, io)
  for (const option of ['copy', 'no-wait']) {
    if (parsed.values[option] === true)
      return usageError(NAME, `--${option} does not belong to show`, io)
  }
  const asked = await controlClient(parsed.places.runDir).data(limitMs)
  if (!asked.ok) return reportFailure(asked, { command: NAME, json: asJson, io })
  io.stdout(asJson ? json(asked.value) : dataText(asked.value, paintFor(io)))
  return EXIT.done
}
