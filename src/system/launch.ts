/**
 * How is a program started that has nothing of us and may outlive us?
 *
 * It leads a session of its own; its environment, limits and kill score are those of a fresh program and
 * not of an agent that the kernel shall spare; none of our descriptors reaches it. Programs that end while
 * we wait are the matter of `exec.ts`.
 *
 * A few lines of shell stand between us and the program, and are replaced by it: kill score and
 * supplementary groups can only be set by the process itself.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { sealDescriptors } from './native.ts'
import { lookAtProcess, type ProcessSight } from './process.ts'

const SHELL = '/bin/sh'
/** In full: PATH is the program's, not ours. */
const SETPRIV = '/usr/bin/setpriv'

/**
 * Arguments: user id and group id, both empty to stay who we are, then the program and its arguments.
 * 8 MiB of locked memory is what systemd gives a unit.
 */
const PRELUDE = `umask 022
echo 0 2>/dev/null >/proc/self/oom_score_adj
ulimit -r 0 2>/dev/null
ulimit -l 8192 2>/dev/null
uid=$1 gid=$2
shift 2
[ -n "$uid" ] || exec "$@"
exec ${SETPRIV} "--reuid=$uid" "--regid=$gid" --init-groups -- "$@"`

/** Whom a program runs as. */
export interface Account {
  name: string
  uid: number
  gid: number
  home: string
}

export interface LaunchRequest {
  argv: readonly string[]
  directory: string
  /** The whole of it. */
  environment: Readonly<Record<string, string>>
  /** Null: as we run ourselves. */
  account: Account | null
  /** Descriptor that gets standard output and error; `errors`: the latter can be read by us. */
  output: number | 'errors'
}

export interface LaunchEnd {
  /** Null when a signal ended it, or it never ran. */
  exitCode: number | null
  signal: NodeJS.Signals | null
  /** Why it could not even be started, as in errno(3); else null. */
  error: string | null
}

export interface Launched {
  /** Null when it could not be started; `ended` tells why. */
  sight: ProcessSight | null
  ended: Promise<LaunchEnd>
  /** What it says on standard error; null when that goes elsewhere. */
  errors: Readable | null
  /** Whether the program itself runs in place of the lines above; false also when it ended before. */
  replaced(): boolean
}

/** Starts it; it is not waited for, and nothing keeps us from ending before it does. */
export function launch(request: LaunchRequest): Launched {
  const { account, argv, output } = request
  const ids = account === null ? ['', ''] : [`${account.uid}`, `${account.gid}`]
  const words = ['-c', PRELUDE, SHELL, ...ids, ...argv]
  seal()
  const child = spawn(SHELL, words, {
    cwd: request.directory,
    env: { ...request.environment },
    detached: true,
    stdio: output === 'errors' ? ['ignore', 'ignore', 'pipe'] : ['ignore', output, output],
  })
  child.unref()
  const ended = endOf(child)
  const { pid } = child
  // Nothing has reaped it yet, however soon it ended: that takes a turn of the event loop.
  const sight = pid === undefined ? null : lookAtProcess(pid)
  const before = [
    commandLine([SHELL, ...words]),
    commandLine([
      SETPRIV,
      `--reuid=${ids[0]}`,
      `--regid=${ids[1]}`,
      '--init-groups',
      '--',
      ...argv,
    ]),
  ]
  return {
    sight,
    ended,
    errors: child.stderr,
    replaced() {
      const now = pid === undefined ? '' : commandLineOf(pid)
      return now !== '' && !before.includes(now)
    },
  }
}

/** What a command that runs for long is told to be in PATH. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function seal(): void {
  try {
    sealDescriptors()
  } catch {
    // Without the add-on: Node closes all of its own, which is all there is then.
  }
}

function endOf(child: ChildProcess): Promise<LaunchEnd> {
  return new Promise((resolve) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      resolve({ exitCode: null, signal: null, error: cause.code ?? cause.message })
    })
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, error: null }))
  })
}

function commandLine(words: readonly string[]): string {
  return `${words.join('\0')}\0`
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
