/**
 * `tandem check-sip FROM TO`: can a subscriber call another, with audio?
 *
 * The outside view that no local probe has: one real call with REGISTER, INVITE, audio and BYE, for each
 * target in turn. Needs no agent and no configuration; sends only to the hosts that are named, and takes
 * back what it began, also when it is stopped by a signal.
 */
import { placeTestCall } from '../sip/test-call.ts'
import { json } from './ask.ts'
import { PASSWORD_REASON, planCalls, repeated } from './check-sip-arguments.ts'
import { SIP_EXIT, SIP_EXIT_HELP } from './check-sip-exit.ts'
import { callDocument, callText, sumLine, type TargetReport } from './check-sip-text.ts'
import { type CommandSpec, type Io, parseCommand, usageError } from './command.ts'
import { paintFor } from './paint.ts'

export const SPEC: CommandSpec = {
  name: 'check-sip',
  summary: 'Places a test call from FROM to TO and counts the audio.',
  details: `FROM and TO are USER@HOST. Registers FROM when a password is given (a file of mode 0600, or the
variable TANDEM_SIP_PASSWORD), calls TO, sends and counts audio (PCMU/8000), and hangs up. Whoever does
not answer in time is cancelled. With --local we register and answer as TO ourselves, so that the call
goes from us through the platform back to us, and both directions of the audio are counted.
HOST in FROM, TO, --proxy, --registrar, --local and user names stands for each --target in turn.
${SIP_EXIT_HELP}`,
  positionals: ['FROM', 'TO'],
  options: {
    proxy: {
      type: 'string',
      short: 'P',
      value: 'HOST[:PORT]',
      help: 'where calls are sent (host of TO)',
    },
    registrar: {
      type: 'string',
      short: 'R',
      value: 'HOST[:PORT]',
      help: 'where to register (as --proxy)',
    },
    transport: { type: 'string', value: 'NAME', help: 'udp (default), tcp or tls' },
    ca: { type: 'string', value: 'FILE', help: 'certificates to trust (those of this host)' },
    insecure: { type: 'boolean', help: 'accept any certificate' },
    username: { type: 'string', value: 'NAME', help: 'for the password of FROM (its user)' },
    'password-file': { type: 'string', value: 'FILE', help: 'password of FROM' },
    local: { type: 'string', short: 'L', value: 'ADDRESS[:PORT]', help: 'answer as TO there' },
    'local-username': { type: 'string', value: 'NAME', help: 'for the password of TO (its user)' },
    'local-password-file': { type: 'string', value: 'FILE', help: 'password of TO (that of FROM)' },
    send: {
      type: 'string',
      short: 'S',
      value: 'FILE',
      help: 'PCMU, raw or .wav; repeatable (silence)',
    },
    seconds: { type: 'string', value: 'N', help: 'of audio (2); 0: none is asked for' },
    timeout: {
      type: 'string',
      short: 'T',
      value: 'SECONDS',
      help: 'longest time of each step (10)',
    },
    target: { type: 'string', value: 'HOST', help: 'in the place of HOST; repeatable' },
    json: { type: 'boolean', help: 'print one JSON document instead of text' },
  },
}

const SCHEMA = 1

/** What a test replaces. */
export interface CheckSipDoors {
  place: typeof placeTestCall
  /** Calls back when somebody wants it to stop; returns how to take that back. */
  onStop: (stop: () => void) => () => void
}

const DOORS: CheckSipDoors = {
  place: placeTestCall,
  onStop: (stop) => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    for (const signal of signals) process.once(signal, stop)
    return () => {
      for (const signal of signals) process.off(signal, stop)
    }
  },
}

export async function run(args: string[], io: Io, doors: CheckSipDoors = DOORS): Promise<number> {
  // Before anything else could show it.
  if (args.some((word) => /^--password(=|$)/.test(word))) {
    return usageError(SPEC.name, PASSWORD_REASON, io)
  }
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { values } = result.parsed
  const targets = repeated(args, SPEC.options, 'target')
  const files = repeated(args, SPEC.options, 'send')
  const planned = await planCalls(result.parsed, { targets, files }, io.env)
  if (!planned.ok) return usageError(SPEC.name, planned.complaint, io)

  const asJson = values['json'] === true
  const paint = paintFor(io)
  const stopped = new AbortController()
  const forget = doors.onStop(() => stopped.abort())
  const reports: TargetReport[] = []
  try {
    for (const { target, plan } of planned.plans) {
      if (stopped.signal.aborted) break
      const told = { target, plan, report: await doors.place(plan, stopped.signal) }
      reports.push(told)
      if (!asJson) io.stdout(`${reports.length > 1 ? '\n' : ''}${callText(told, paint)}`)
    }
  } finally {
    forget()
  }
  const outcomes = reports.map(({ report }) => report.outcome)
  const incomplete = reports.length < planned.plans.length ? 'failed' : 'ok'
  const outcome = outcomes.find((found) => found !== 'ok') ?? incomplete
  if (asJson) {
    io.stdout(json({ schema: SCHEMA, outcome, calls: reports.map(callDocument) }))
  } else if (planned.plans.length > 1) io.stdout(`\n${sumLine(reports)}`)
  return SIP_EXIT[outcome]
}
