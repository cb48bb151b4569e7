/**
 * How do we start another program?
 *
 * The one door to execa: argv arrays and never a shell, a label for the log, a time limit always, and
 * a result value instead of an exception. Input goes through stdin, so that a secret never stands in
 * an argument list. The heart never comes here: starting a process takes milliseconds.
 * Retrying is the caller's decision.
 */
import { execa } from 'execa'

/** How long after SIGTERM at the time limit a program is killed. */
const KILL_AFTER_MS = 500

/** More output than this is a failure, unless more is asked for. */
const OUTPUT_MAX_CHARS = 1_000_000

export interface RunRequest {
  /** What we are trying, for messages: "attach the gate to eth0". */
  label: string
  command: string
  args: readonly string[]
  /** From start to end; above zero. */
  timeoutMs: number
  /** Written to stdin, which is then closed. Never shown in messages. */
  input?: string
  /** The same from a file of any size, instead of `input`. */
  inputFile?: string
  /** Ends it as at the time limit. */
  signal?: AbortSignal
  /** Added to our own environment. */
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** Of output, each stream; a million when left out. */
  outputMaxChars?: number
}

export type RunCode =
  | 'HA_EXEC_NOT_FOUND'
  | 'HA_EXEC_TIMEOUT'
  | 'HA_EXEC_SIGNAL'
  | 'HA_EXEC_EXIT'
  | 'HA_EXEC_FAILED'

interface RunEnd {
  stdout: string
  stderr: string
  durationMs: number
}

export interface RunSuccess extends RunEnd {
  ok: true
  exitCode: 0
}

export interface RunFailure extends RunEnd {
  ok: false
  code: RunCode
  /** Label, limit and what came back, for people. */
  message: string
  /** Null when the program did not end by itself. */
  exitCode: number | null
  cause: unknown
}

export type RunResult = RunSuccess | RunFailure

/**
 * Runs a program to its end.
 *
 * It leads a process group of its own: at the time limit the whole group gets SIGTERM, then SIGKILL.
 * Otherwise a grandchild that holds the output open would hold us up for as long as it lives
 * (measured with execa 9.6: 8 s instead of 0.3 s).
 *
 * @returns never rejects; a program that ended with another code than 0 is a failure with that code
 */
export async function run(request: RunRequest): Promise<RunResult> {
  const startedMs = performance.now()
  const subprocess = execa(request.command, [...request.args], {
    reject: false,
    detached: true,
    maxBuffer: request.outputMaxChars ?? OUTPUT_MAX_CHARS,
    stripFinalNewline: false,
    ...inputOf(request),
    ...(request.env === undefined ? {} : { env: { ...request.env } }),
    ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
  })
  let timedOut = false
  const timers = [
    setTimeout(() => {
      timedOut = true
      killGroup(subprocess.pid, 'SIGTERM')
    }, request.timeoutMs),
    setTimeout(() => {
      killGroup(subprocess.pid, 'SIGKILL')
      // A grandchild that left the group may still hold the pipes: stop listening to it.
      subprocess.stdout?.destroy()
      subprocess.stderr?.destroy()
    }, request.timeoutMs + KILL_AFTER_MS),
  ]
  const abort = (): void => {
    killGroup(subprocess.pid, 'SIGTERM')
    timers.push(setTimeout(() => killGroup(subprocess.pid, 'SIGKILL'), KILL_AFTER_MS))
  }
  request.signal?.addEventListener('abort', abort, { once: true })
  const result = await subprocess
  request.signal?.removeEventListener('abort', abort)
  for (const timer of timers) clearTimeout(timer)
  const end: RunEnd = {
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? '',
    durationMs: Math.round(performance.now() - startedMs),
  }
  if (!result.failed && !timedOut) return { ok: true, exitCode: 0, ...end }
  const [code, what] = judge({ ...result, timedOut }, request)
  return {
    ok: false,
    code,
    message: `${request.label}: ${request.command} ${what}${firstLine(end.stderr || end.stdout)}`,
    exitCode: result.exitCode ?? null,
    cause: result.cause,
    ...end,
  }
}

function inputOf({ input, inputFile }: RunRequest) {
  if (inputFile !== undefined) return { inputFile }
  return input === undefined ? { stdin: 'ignore' as const } : { input }
}

function killGroup(leaderPid: number | undefined, signal: NodeJS.Signals): void {
  if (leaderPid === undefined) return
  try {
    process.kill(-leaderPid, signal)
  } catch {
    // ESRCH: everybody in the group has ended in the meantime, which is what was wanted.
  }
}

interface ExecaEnd {
  timedOut: boolean
  isMaxBuffer: boolean
  exitCode?: number | undefined
  signal?: string | undefined
  code?: string | undefined
}

function judge(result: ExecaEnd, request: RunRequest): [RunCode, string] {
  if (result.timedOut) return ['HA_EXEC_TIMEOUT', `did not end within ${request.timeoutMs} ms`]
  if (result.code === 'ENOENT') return ['HA_EXEC_NOT_FOUND', 'is not installed']
  if (result.isMaxBuffer) return ['HA_EXEC_FAILED', 'printed too much']
  if (result.signal !== undefined) return ['HA_EXEC_SIGNAL', `was ended by ${result.signal}`]
  if (result.exitCode !== undefined) return ['HA_EXEC_EXIT', `ended with ${result.exitCode}`]
  return ['HA_EXEC_FAILED', `could not be run (${result.code ?? 'unknown'})`]
}

/** One line of what the program said is enough for a message; the whole stays in the result. */
function firstLine(text: string): string {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '')
  return line === undefined ? '' : `: ${line.trim().slice(0, 300)}`
}

export interface FollowRequest {
  label: string
  command: string
  args: readonly string[]
  onLine: (line: string) => void
  /** Called once, with a sentence, when it ended without being stopped by us. */
  onEnd: (message: string) => void
}

/** A program that runs until stopped and whose output lines are events. */
export interface Following {
  /** Ends it and waits until it is gone; after this neither callback is called. */
  stop(): Promise<void>
}

/** Starts a long-lived program. It has no time limit: its lines matter, not its end. */
export function follow(request: FollowRequest): Following {
  // It dies with the thread that follows it, also when that is killed and can end nothing any more.
  const words = ['--pdeathsig', 'KILL', '--', request.command, ...request.args]
  const subprocess = execa('setpriv', words, {
    reject: false,
    buffer: false,
    stdin: 'ignore',
    stderr: 'ignore',
    forceKillAfterDelay: KILL_AFTER_MS,
  })
  let stopped = false
  const ended = (async () => {
    try {
      for await (const line of subprocess) {
        if (!stopped) request.onLine(line)
      }
    } catch {
      // How it ended is told by the result below.
    }
    const result = await subprocess
    if (stopped) return
    const why = result.signal ?? result.exitCode ?? result.code ?? 'unknown'
    request.onEnd(`${request.label}: ${request.command} ended (${why})`)
  })()
  return {
    async stop() {
      stopped = true
      subprocess.kill()
      // A grandchild may hold the pipe open: we are no longer interested in what it says.
      subprocess.stdout.destroy()
      await ended
    },
  }
}
