/**
 * Which failures have a name, and what does each mean?
 *
 * One table of codes. A code never changes its meaning; one that is no longer used stays here,
 * marked as retired. The exit code is what a command ends with when this is why it failed; the
 * numbers are those of the operator's commands, never those of OCF agents.
 * A mistake in the configuration is a value of its own, because it is one of many found at once.
 */

/** One row of the table. */
export interface ErrorRow {
  /** What happened, in a full sentence for people. */
  sentence: string
  /** 1 usage, 2 agent not reachable, 3 refused or mistaken, 4 timed out, 5 done but not verified. */
  exitCode: 1 | 2 | 3 | 4 | 5
  retired?: true
}

export const ERRORS = {
  HA_USAGE: { sentence: 'The command line was not understood.', exitCode: 1 },
  HA_CONFIG_INVALID: {
    sentence: 'The configuration has mistakes; each is listed with its mend.',
    exitCode: 3,
  },
  HA_FILE_MISSING: { sentence: 'A file is not there.', exitCode: 3 },
  HA_FILE_FORBIDDEN: { sentence: 'A file may not be read or written by this user.', exitCode: 3 },
  HA_FILE_NOT_REGULAR: {
    sentence: 'A path names a directory, a pipe or a device instead of a file.',
    exitCode: 3,
  },
  HA_FILE_TOO_LARGE: { sentence: 'A file is larger than it can sensibly be.', exitCode: 3 },
  HA_FILE_NOT_PRIVATE: {
    sentence: 'A secret file can be read by others than its owner.',
    exitCode: 3,
  },
  HA_FILE_FAILED: { sentence: 'The system failed to read or write a file.', exitCode: 3 },
  HA_EXEC_NOT_FOUND: { sentence: 'A program is not installed.', exitCode: 3 },
  HA_EXEC_TIMEOUT: { sentence: 'A program did not end within its time limit.', exitCode: 4 },
  HA_EXEC_SIGNAL: { sentence: 'A program was ended by a signal.', exitCode: 3 },
  HA_EXEC_EXIT: { sentence: 'A program ended with a code that says it failed.', exitCode: 3 },
  HA_EXEC_FAILED: { sentence: 'A program could not be run.', exitCode: 3 },
  HA_REQUEST_INVALID: { sentence: 'A request to the agent was not understood.', exitCode: 1 },
  HA_REQUEST_TOO_LARGE: { sentence: 'A request to the agent was too long.', exitCode: 1 },
  HA_ROUTE_UNKNOWN: {
    sentence: 'The agent was asked for something it does not have.',
    exitCode: 3,
  },
  HA_OPERATION_UNKNOWN: { sentence: 'The agent knows of no such operation.', exitCode: 2 },
  HA_READ_ONLY: { sentence: 'An order came on the socket for questions.', exitCode: 3 },
  HA_UNAUTHORIZED: { sentence: 'A request came without credentials that are known.', exitCode: 3 },
  HA_TOO_MANY_REQUESTS: { sentence: 'Requests came quicker than they are answered.', exitCode: 4 },
  HA_HEART_SILENT: { sentence: 'The heart of the agent did not answer in time.', exitCode: 2 },
  HA_RECORD_NOT_KEPT: { sentence: 'A record of what happened could not be kept.', exitCode: 3 },
  HA_INTERNAL: { sentence: 'The agent made a mistake while it answered.', exitCode: 3 },
  HA_CONTROL_UNREACHABLE: { sentence: 'No agent answers on its socket.', exitCode: 2 },
  HA_CONTROL_FORBIDDEN: { sentence: 'This user may not use the socket of the agent.', exitCode: 3 },
  HA_CONTROL_TIMEOUT: { sentence: 'The agent did not answer in time.', exitCode: 4 },
  HA_CONTROL_GARBLED: { sentence: 'The answer of the agent could not be read.', exitCode: 2 },
  HA_CONTROL_IN_USE: { sentence: 'Another agent listens in the run directory.', exitCode: 3 },
  HA_CONTROL_GROUP_UNKNOWN: { sentence: 'The control group does not exist.', exitCode: 3 },
  HA_CONTROL_SOCKET_FAILED: { sentence: 'The agent could not listen on its socket.', exitCode: 3 },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** One mistake in what we were told, with everything needed to mend it. */
export interface Mistake {
  /** An error keeps the agent from starting (one in the files of the API, that from being served). */
  severity: 'error' | 'warning'
  /** Path of the file, or the name of an option or variable. */
  file: string
  /** Dotted path with indexes, as `hosts.sp1.eth0.shared_ip[1]`; empty for the file as a whole. */
  key: string
  /** What stands there, shortened; null when nothing does or when it may be secret. */
  value: string | null
  /** What is wrong, in a clause that continues "KEY VALUE …". */
  why: string
  /** What to do about it, as an order. */
  mend: string
  /** Line in the file, from 1. */
  line?: number
}
