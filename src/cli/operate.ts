/**
 * How is the agent asked to do something, and what became of it? Shared by all commands that do.
 *
 * Asks once, follows the operation (`control/follow.ts`) and prints each step as it happens.
 */
import { controlClient } from '../control/client.ts'
import { formatMs } from '../control/duration.ts'
import { operated } from '../control/follow.ts'
import { type OperationDocument, type OperationRequest, SCHEMA_VERSION } from '../control/schema.ts'
import type { NodeName } from '../core/policy.ts'
import { json, reportFailure } from './ask.ts'
import {
  ASKING_OPTIONS,
  type CommandSpec,
  type Io,
  type OptionSpec,
  type Parsed,
  timeoutComplaint,
  timeoutMsFrom,
  usageError,
} from './command.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { printable } from './table.ts'

/** Options of every command that asks for something to be done. */
export const OPERATION_OPTIONS = {
  ...ASKING_OPTIONS,
  'no-wait': { type: 'boolean', help: 'do not wait for the outcome' },
} as const satisfies Record<string, OptionSpec>

/** Longer than a switchover with slow services; the switchover itself has a bound of its own. */
const WAIT_LIMIT_MS = 30_000
/** One exchange with the agent. */
const EXCHANGE_LIMIT_MS = 3_000

/** The node after `--node`; 'wrong' when that is no node of a pair, null when not given. */
export function targetNode(parsed: Parsed): NodeName | null | 'wrong' {
  const given = parsed.values['node']
  if (given === undefined) return null
  return given === 'sp1' || given === 'sp2' ? given : 'wrong'
}

/** Carries out a command whose arguments were read. */
export async function operate(
  spec: CommandSpec,
  parsed: Parsed,
  request: OperationRequest,
  io: Io,
  defaultLimitMs = WAIT_LIMIT_MS,
): Promise<number> {
  const limitMs = timeoutMsFrom(parsed, defaultLimitMs)
  if (limitMs === null) return usageError(spec.name, timeoutComplaint(parsed), io)
  const asJson = parsed.values['json'] === true
  const client = controlClient(parsed.places.runDir)
  const wait = parsed.values['no-wait'] !== true
  const progress = new Progress(asJson ? null : io)
  const seen = (operation: OperationDocument): void => progress.show(operation)
  const asked = wait
    ? await operated(client, request, limitMs, seen)
    : await client.operate(request, Math.min(limitMs, EXCHANGE_LIMIT_MS))
  if (!asked.ok) return reportFailure(asked, { command: spec.name, json: asJson, io })
  seen(asked.value)
  return conclude(spec, asked.value, { asJson, limitMs, wait, io })
}

/** Prints each step of an operation once. */
class Progress {
  readonly #io: Io | null
  #shown = 0

  constructor(io: Io | null) {
    this.#io = io
  }

  show({ steps }: OperationDocument): void {
    for (const { atMs, sentence } of steps.slice(this.#shown)) {
      this.#io?.stdout(`${formatMs(atMs).padStart(8)}  ${printable(sentence)}\n`)
    }
    this.#shown = Math.max(this.#shown, steps.length)
  }
}

/** Prints the outcome, and returns its exit code. */
function conclude(
  spec: CommandSpec,
  operation: OperationDocument,
  how: { asJson: boolean; limitMs: number; wait: boolean; io: Io },
): ExitCode {
  const { asJson, limitMs, wait, io } = how
  if (asJson) io.stdout(json({ ...operation, schema: SCHEMA_VERSION }))
  const say = (text: string): void => {
    if (!asJson) io.stdout(text)
  }
  const complain = (text: string): void => {
    if (!asJson) io.stderr(`tandem ${spec.name}: ${text}${whyOf(operation)}\n`)
  }
  switch (operation.state) {
    case 'done':
      say(`done: ${outcomeOf(operation)}\n`)
      return EXIT.done
    case 'done-unverified':
      complain(`done, but not verified: ${outcomeOf(operation)}`)
      return EXIT.unverified
    case 'refused':
      complain('refused')
      return EXIT.refused
    case 'failed':
      complain('failed')
      return EXIT.failed
    case 'timed-out':
      complain('the agent gave up; nothing more will happen')
      return EXIT.timedOut
    case 'accepted':
    case 'waiting':
    case 'running':
      if (!wait) {
        say(`${operation.state}: see tandem status for the outcome\n`)
        return EXIT.done
      }
      complain(
        `not done within ${formatMs(limitMs)}, and still ${operation.state}; see tandem status`,
      )
      return EXIT.timedOut
  }
}

function outcomeOf({ kind, node, steps }: OperationDocument): string {
  switch (kind) {
    case 'make-active':
      return `${node} is active`
    case 'make-standby':
      return `${node} is standby`
    case 'maintenance':
      return printable(steps.at(-1)?.sentence ?? `maintenance of ${node} changed`)
    case 'data-archive':
      return 'set aside; see tandem data show'
    case 'data-rejoin':
      return 'the store follows the peer'
    case 'drain':
      return 'every load-balancer was seen to know it'
    case 'service':
      return 'see tandem service summary'
    case 'reload':
      return 'what can be is in force'
  }
}

function whyOf({ reason }: OperationDocument): string {
  if (reason === null) return ''
  const mend = reason.mend === null ? '' : `\n  mend: ${printable(reason.mend)}`
  return `: ${printable(reason.sentence)} (${printable(reason.code)})${mend}`
}
