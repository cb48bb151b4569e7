/**
 * `tandem maintenance on|off`: shall a node keep its hands still?
 *
 * A node in maintenance neither takes over nor is elected. An active one hands over first; where it cannot,
 * it is refused with the reason, or with --force this node releases and nobody serves.
 */
import { type CommandSpec, type Io, parseCommand, usageError } from './command.ts'
import { OPERATION_OPTIONS, operate, targetNode } from './operate.ts'

export const SPEC: CommandSpec = {
  name: 'maintenance',
  summary: 'Begins or ends the maintenance of this node.',
  details:
    'A node in maintenance does not become active. One that is active hands over first; where the peer\n' +
    'cannot serve, it is refused (exit 3) and nothing changes, unless forced.',
  positionals: ['on|off'],
  options: {
    ...OPERATION_OPTIONS,
    force: { type: 'boolean', help: 'on, active: release although nobody serves then' },
  },
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const word = parsed.positionals[0] ?? ''
  if (word !== 'on' && word !== 'off') {
    return usageError(SPEC.name, `'${word}' is neither on nor off`, io)
  }
  const node = targetNode(parsed)
  if (node === 'wrong') {
    const given = String(parsed.values['node'])
    return usageError(SPEC.name, `--node '${given}' is not a node of the pair (sp1 or sp2)`, io)
  }
  const force = parsed.values['force'] === true
  return operate(SPEC, parsed, { kind: 'maintenance', node, force, on: word === 'on' }, io)
}
