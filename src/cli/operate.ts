/**
 * How is the agent asked to do something, and what became of it? Shared by all commands that do.
 *
 * Asks once and then follows the operation until it ended or the time is over, printing each step as
 * it happens. The order itself is never repeated: whether a lost answer meant a lost order cannot be
 * told from here. Following survives a few lost answers, for it only reads.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Asked, type ControlClient, controlClient } from '../control/client.ts'
import { formatMs } from '../control/duration.ts'
import {
  isFinal,
  type OperationDocument,
  type OperationRequest,
  SCHEMA_VERSION,
} from '../control/schema.ts'
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
/** A quick switchover is over in some 60 ms and should not be seen late. */
const FOLLOW_INTERVAL_MS = 20
const FOLLOW_SLOWER_AFTER_MS = 1_000
const FOLLOW_SLOWER_INTERVAL_MS = 200
/** Lost answers in a row after which the agent counts as gone. */
const LOST_ANSWERS_MAX = 5

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
  const endMs = performance.now() + limitMs
  const client = controlClient(parsed.places.runDir)
  const asked = await client.operate(request, Math.min(limitMs, EXCHANGE_LIMIT_MS))
  if (!asked.ok) return reportFailure(asked, { command: spec.name, json: asJson, io })
  const progress = new Progress(asJson ? null : io)
  progress.show(asked.value)
  const wait = parsed.values['no-wait'] !== true
  const followed = wait ? await follow(client, asked.value, endMs, progress) : asked
  if (!followed.ok) return reportFailure(followed, { command: spec.name, json: asJson, io })
  return conclude(spec, followed.value, { asJson, limitMs, wait, io })
}

/**
 * Asks for something to be done and waits for its end, for a command that says itself what came of it.
 *
 * @returns the operation as it was seen last: its end, or how far it was when the time was over
 */
export async function operated(
  client: ControlClient,
  request: OperationRequest,
  limitMs: number,
): Promise<Asked<OperationDocument>> {
  const endMs = performance.now() + limitMs
  const asked = await client.operate(request, Math.min(limitMs, EXCHANGE_LIMIT_MS))
  return asked.ok ? await follow(client, asked.value, endMs, new Progress(null)) : asked
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

/** Follows an operation to its end; at `endMs` returns what is known by then. */
async function follow(
  client: ControlClient,
  first: OperationDocument,
  endMs: number,
  progress: Progress,
): Promise<Asked<OperationDocument>> {
  const startMs = performance.now()
  let latest = first
  let lost = 0
  while (!isFinal(latest.state)) {
    const now = performance.now()
    const calm = now - startMs > FOLLOW_SLOWER_AFTER_MS
    const pauseMs = calm ? FOLLOW_SLOWER_INTERVAL_MS : FOLLOW_INTERVAL_MS
    if (now + pauseMs >= endMs) break
    await sleep(pauseMs)
    const leftMs = Math.max(1, Math.ceil(endMs - performance.now()))
    const asked = await client.operation(first.id, Math.min(leftMs, EXCHANGE_LIMIT_MS))
    if (asked.ok) {
      lost = 0
      latest = asked.value
      progress.show(latest)
      continue
    }
    lost += 1
    if (asked.code === 'timeout' && performance.now() >= endMs) break
    if (asked.code === 'unknown' || lost >= LOST_ANSWERS_MAX) return asked
  }
  return { ok: true, value: latest }
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
