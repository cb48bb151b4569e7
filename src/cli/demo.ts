/**
 * `tandem demo`: a real pair in network namespaces on this machine, broken on purpose, measured.
 *
 * Real agents, real kernel gates, real floating IPs, and clients that ask them every few
 * milliseconds; nothing outside the lab's namespaces is touched. The story is in `demo-tour.ts`.
 * Without root it runs in namespaces of the user's own, with what the kernel allows there.
 */

import { planLab } from '../lab/plan.ts'
import { buildLab } from '../lab/topology.ts'
import { insideUnprivileged, runUnprivileged } from '../lab/unprivileged.ts'
import { type CommandSpec, type Io, parseCommand, usageError } from './command.ts'
import { tour } from './demo-tour.ts'
import { EXIT } from './exit-code.ts'

export const SPEC: CommandSpec = {
  name: 'demo',
  summary: 'A real pair in network namespaces on this machine, broken on purpose and measured.',
  details:
    'Power cut of the active, rejoin, planned switchover, partition; about a minute. Everything it\n' +
    'makes is removed at the end, also after Ctrl-C. Without root it runs in user namespaces.\n' +
    'Exit status: 0 every promise held, 6 one did not or the lab could not be built.',
  positionals: [],
  options: {
    profile: {
      type: 'string',
      value: 'NAME',
      help: 'times of the pair: fast (default) or default',
    },
    prefix: {
      type: 'string',
      value: 'NAME',
      help: 'begins the names of all namespaces (tandemdemo)',
    },
  },
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { values } = result.parsed
  const confined = insideUnprivileged(io.env)
  // The fast times are meant for agents at real-time priority.
  const profile = values['profile'] ?? (confined ? 'default' : 'fast')
  if (profile !== 'fast' && profile !== 'default') {
    return usageError(SPEC.name, `--profile ${profile}: there are fast and default`, io)
  }
  if (process.getuid?.() !== 0 && !confined) return restart(args, io)
  if (confined) {
    io.stdout(
      'Not root: the lab lives in user namespaces. Left out, as the kernel does not give it there:\n' +
        'real-time priority (so the times are the default ones, not the fast ones), and the eBPF\n' +
        'gate (a weaker one guards).\n\n',
    )
  }
  try {
    const plan = planLab(String(values['prefix'] ?? 'tandemdemo'))
    io.stdout('Building two nodes, a switch, three ping nodes and clients ... ')
    const lab = await buildLab(plan)
    io.stdout('done\n')
    let held = false
    try {
      held = await tour(lab, profile, io)
    } finally {
      await lab.destroy()
      io.stdout('Everything the demo made is removed.\n')
    }
    return held ? EXIT.done : EXIT.failed
  } catch (error) {
    io.stderr(`\ntandem demo: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT.failed
  }
}

async function restart(args: string[], io: Io): Promise<number> {
  const program = process.argv[1] ?? ''
  const code = await runUnprivileged([process.execPath, program, SPEC.name, ...args])
  if (code !== null) return code
  io.stderr(
    'tandem demo: this user may not make namespaces\n  mend: run it as root, or allow user ' +
      'namespaces (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces)\n',
  )
  return EXIT.failed
}
