/**
 * How does a command that asks the agent begin, and what does it do with an answer that it did not get?
 * One place for the words and the codes.
 */
import type { AskFailure } from '../control/client.ts'
import { SCHEMA_VERSION } from '../control/schema.ts'
import {
  type CommandSpec,
  type Io,
  type Parsed,
  parseCommand,
  timeoutComplaint,
  timeoutMsFrom,
  usageError,
} from './command.ts'
import { EXIT, type ExitCode } from './exit-code.ts'

/** How long a question to the agent may take unless `--timeout` says otherwise. */
export const QUESTION_LIMIT_MS = 3_000

export type Asking =
  | { ok: true; parsed: Parsed; limitMs: number; asJson: boolean }
  | { ok: false; exitCode: number }

/** Reads the arguments of a command with `ASKING_OPTIONS`; not ok when nothing is left to do. */
export function parseAsking(
  spec: CommandSpec,
  args: readonly string[],
  io: Io,
  defaultLimitMs: number = QUESTION_LIMIT_MS,
): Asking {
  const result = parseCommand(spec, args, io)
  if (!result.ok) return result
  const { parsed } = result
  const limitMs = timeoutMsFrom(parsed, defaultLimitMs)
  if (limitMs === null) {
    return { ok: false, exitCode: usageError(spec.name, timeoutComplaint(parsed), io) }
  }
  return { ok: true, parsed, limitMs, asJson: parsed.values['json'] === true }
}

/** Prints a failure for people, or as a document; returns the exit code that belongs to it. */
export function reportFailure(
  failure: AskFailure,
  where: { command: string; json: boolean; io: Io },
): ExitCode {
  const { errorCode, message, mend } = failure
  if (where.json) where.io.stdout(json({ schema: SCHEMA_VERSION, code: errorCode, message, mend }))
  else where.io.stderr(`tandem ${where.command}: ${message}\n  mend: ${mend}\n`)
  return exitCodeOf(failure)
}

/** A document as `--json` prints it. */
export function json(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`
}

function exitCodeOf({ code }: AskFailure): ExitCode {
  switch (code) {
    case 'unreachable':
    case 'garbled':
    // The agent that knew it is gone; another has taken its place.
    case 'unknown':
      return EXIT.unreachable
    case 'timeout':
      return EXIT.timedOut
    case 'forbidden':
    case 'refused':
      return EXIT.refused
  }
}
