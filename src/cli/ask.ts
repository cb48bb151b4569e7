/**
 * What does a command do with an answer that it did not get? One place for the words and the codes.
 */
import type { AskFailure } from '../control/client.ts'
import { SCHEMA_VERSION } from '../control/schema.ts'
import type { Io } from './command.ts'
import { EXIT, type ExitCode } from './exit-code.ts'

/** How long a question to the agent may take unless `--timeout` says otherwise. */
export const QUESTION_LIMIT_MS = 3_000

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
