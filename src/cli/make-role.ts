/**
 * `tandem make-active` and `tandem make-standby`: which node shall serve?
 *
 * Two names for one switchover. Both may be typed on either node; `--node` says which node the
 * command is about, this one when it is missing. (TANDEM_NODE only says who we are, and is not looked
 * at.) What is so already is a success.
 */
import { type CommandSpec, type Io, parseCommand, usageError } from './command.ts'
import { OPERATION_OPTIONS, operate, targetNode } from './operate.ts'

const DETAILS = `Waits until it is so, and prints the steps. --node names the node this is about
(this node when missing). Ends with 0 done, 2 no agent answers, 3 refused,
4 not known to be done in time, 5 done but not verified, 6 failed.`

export type RoleCommand = 'make-active' | 'make-standby'

/** How one of the two describes itself. */
export function roleSpec(kind: RoleCommand): CommandSpec {
  return {
    name: kind,
    summary:
      kind === 'make-active'
        ? 'Makes a node active; its peer becomes standby.'
        : 'Makes a node standby; its peer becomes active.',
    details: DETAILS,
    positionals: [],
    options: {
      ...OPERATION_OPTIONS,
      force: { type: 'boolean', help: 'accept data that may be stale' },
    },
  }
}

/** Runs one of the two commands. */
export async function runMakeRole(kind: RoleCommand, args: string[], io: Io): Promise<number> {
  const spec = roleSpec(kind)
  const result = parseCommand(spec, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const node = targetNode(parsed)
  if (node === 'wrong') {
    const given = String(parsed.values['node'])
    return usageError(kind, `--node '${given}' is not a node of the pair (sp1 or sp2)`, io)
  }
  return operate(spec, parsed, { kind, node, force: parsed.values['force'] === true }, io)
}
