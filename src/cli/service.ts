/**
 * `tandem service ...`, also installed as `ngcp-service`: how are the services, and what shall become of
 * them?
 *
 * The words of monit and of the platform. Action and name may stand in either order, as `ngcp-service`
 * takes them; without a name all services are meant, where that makes sense.
 */
import { controlClient } from '../control/client.ts'
import { SERVICE_VERBS, type ServiceVerb } from '../control/service-schema.ts'
import { json, QUESTION_LIMIT_MS, reportFailure } from './ask.ts'
import {
  type CommandSpec,
  type Io,
  type Parsed,
  parseCommand,
  timeoutComplaint,
  timeoutMsFrom,
  usageError,
} from './command.ts'
import { EXIT } from './exit-code.ts'
import { OPERATION_OPTIONS, operate } from './operate.ts'
import { paintFor } from './paint.ts'
import { servicesTable, serviceText } from './service-text.ts'

const NAME = 'service'
const VIEWS = ['summary', 'status'] as const
const ACTIONS: readonly string[] = [...VIEWS, ...SERVICE_VERBS]
/** Asked for a single service, or for nothing by mistake. */
const NEEDS_NAME: readonly string[] = ['start', 'stop', 'restart']
/** Two limits of the slowest service that fits into the configuration; giving up waiting ends nothing. */
const WORK_LIMIT_MS = 600_000

export const SPEC: CommandSpec = {
  name: NAME,
  summary: 'Shows the services of this node, starts and stops them.',
  details:
    'summary                 one line per service (also without any word)\n' +
    'status [NAME]           all that is known\n' +
    'start|stop|restart NAME and wait until it is so; "all" means every service\n' +
    'monitor [NAME]          look after it again, whatever it did before\n' +
    'unmonitor [NAME]        leave it to you, until monitor\n' +
    'sync-state              all of them as role and configuration want them, whatever was ordered before\n' +
    'Action and name may stand in either order. What is stopped by hand stays stopped, and says so.\n' +
    'Exit status: 0 done, 1 wrong arguments, 2 no agent, 3 refused, 4 not done in time, 6 failed.',
  positionals: ['[ACTION]', '[NAME]'],
  options: OPERATION_OPTIONS,
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const words = parsed.positionals
  const action = words.find((word) => ACTIONS.includes(word)) ?? words[0] ?? 'summary'
  const name = nameBeside(action, words)
  if (!ACTIONS.includes(action)) {
    return usageError(NAME, `'${action}' is none of ${ACTIONS.join(', ')}`, io)
  }
  if (parsed.values['node'] !== undefined) {
    return usageError(NAME, '--node means nothing here: run it on the node it is about', io)
  }
  if (action === 'summary' || action === 'status') return show(action, name, parsed, io)
  if (name === null && NEEDS_NAME.includes(action)) {
    return usageError(NAME, `say which service to ${action}, or all`, io)
  }
  if (name !== null && name !== 'all' && action === 'sync-state') {
    return usageError(NAME, 'sync-state is about all services', io)
  }
  const service = name === 'all' ? null : name
  const verb = action as ServiceVerb
  const request = { kind: 'service', node: null, force: false, verb, service } as const
  return operate(SPEC, parsed, request, io, WORK_LIMIT_MS)
}

async function show(
  action: (typeof VIEWS)[number],
  name: string | null,
  parsed: Parsed,
  io: Io,
): Promise<number> {
  const limitMs = timeoutMsFrom(parsed, QUESTION_LIMIT_MS)
  if (limitMs === null) return usageError(NAME, timeoutComplaint(parsed), io)
  const asJson = parsed.values['json'] === true
  const asked = await controlClient(parsed.places.runDir).status(limitMs)
  if (!asked.ok) return reportFailure(asked, { command: NAME, json: asJson, io })
  const { services, node, local } = asked.value
  const shown = services.filter((service) => name === null || service.name === name)
  if (name !== null && shown.length === 0) {
    const known = services.map((service) => service.name).join(', ') || '(none)'
    io.stderr(`tandem ${NAME}: there is no service ${name}\n  mend: name one of: ${known}\n`)
    return EXIT.refused
  }
  if (asJson) {
    io.stdout(json({ schema: asked.value.schema, node, state: local.state, services: shown }))
    return EXIT.done
  }
  const paint = paintFor(io)
  if (shown.length === 0) io.stdout('no service is configured (tandem.services in config.yml)\n')
  else if (action === 'status') {
    io.stdout(shown.map((service) => serviceText(service, paint)).join('\n'))
  } else io.stdout(`${node} is ${local.state}\n${servicesTable(shown, paint)}`)
  return EXIT.done
}

/** The other word. */
function nameBeside(action: string, words: readonly string[]): string | null {
  const place = words.indexOf(action)
  return words.find((_word, index) => index !== place) ?? null
}
