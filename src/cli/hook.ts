/**
 * `tandem hook LINE`: does this line of `on_active` or `on_standby` do what it should? Carried out once.
 *
 * For an operator who writes one, and for resource agents in plain sh, which cannot speak to a socket.
 */
import { parseHook } from '../config/hook-text.ts'
import { runHooks } from '../daemon/service-hook.ts'
import { type CommandSpec, type Io, parseCommand, usageError } from './command.ts'
import { EXIT } from './exit-code.ts'

export const SPEC: CommandSpec = {
  name: 'hook',
  summary: 'Carries out one line of on_active or on_standby, once.',
  details:
    'LINE is one argument, as in config.yml: "rtpengine 127.0.0.1:9900 active". Asks no agent.\n' +
    'Exit status: 0 done, 1 it is no hook, 6 it was not carried out; the reason is printed.',
  positionals: ['LINE'],
  options: {},
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const [line = ''] = result.parsed.positionals
  const read = parseHook(line)
  if (!read.ok) return usageError(SPEC.name, `the line ${read.why}; ${read.mend}`, io)
  const why = await runHooks([read.hook])
  if (why === null) return EXIT.done
  io.stderr(`tandem hook: ${why}\n`)
  return EXIT.failed
}
