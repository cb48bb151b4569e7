/**
 * `tandem drain on|off`: shall the load-balancers send new calls to this pair?
 *
 * Asked on either node; both keep it, the one that serves tells the load-balancers, and it holds through
 * every change of the role until it is ended. For the maintenance of a whole pair: drain it, wait until its
 * calls have ended, work on both nodes.
 */
import { type CommandSpec, type Io, parseCommand, usageError } from './command.ts'
import { OPERATION_OPTIONS, operate } from './operate.ts'

export const SPEC: CommandSpec = {
  name: 'drain',
  summary: 'Keeps new calls away from the whole pair, or lets them come again.',
  details:
    'Says so to every load-balancer below tandem.load_balancers, until "drain off", whichever node serves.\n' +
    'Ends when each was seen to know it. Calls that are under way go on. Services and roles stay as they are.\n' +
    'Exit status: 0 done, 1 wrong arguments, 2 no agent, 3 refused, 4 not done in time, 6 kept, but a load-\n' +
    'balancer was not seen to know it; it is tried on.',
  positionals: ['on|off'],
  options: OPERATION_OPTIONS,
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const word = parsed.positionals[0] ?? ''
  if (word !== 'on' && word !== 'off') {
    return usageError(SPEC.name, `'${word}' is neither on nor off`, io)
  }
  if (parsed.values['node'] !== undefined) {
    return usageError(SPEC.name, '--node means nothing here: it is about both nodes', io)
  }
  return operate(SPEC, parsed, { kind: 'drain', node: null, force: false, on: word === 'on' }, io)
}
