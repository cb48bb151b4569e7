/**
 * How is the agent of this node killed so that one is there again afterwards, whatever becomes of this command?
 *
 * Where the service manager runs it and starts it again, nothing more is needed. Elsewhere a shell in a session
 * of its own waits for the end of that very process, does what the service manager would do (`agents/release`),
 * and starts the same command line. It is there before the kill.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../system/exec.ts'
import { lookAtProcess } from '../system/process.ts'
import type { Obstacle } from './preflight.ts'

const ASK_LIMIT_MS = 5_000
const RELEASE = join(import.meta.dirname, '../../agents/release')

/** Twenty looks a second for a minute; then two seconds in which somebody else may start it. */
const STARTER = `run=$1 release=$2 pid=$3
shift 3
looks=0
while kill -0 "$pid" 2>/dev/null; do
  looks=$((looks + 1))
  [ "$looks" -lt 1200 ] || exit 0
  sleep 0.05
done
TANDEM_RUN=$run "$release"
sleep 2
exec "$@"`

export interface Victim {
  pid: number
  /** Who starts it again, in a clause. */
  starts: string
  /** Kills it. @throws Error when it is not there any more, or nobody would start it again */
  kill(): void
}

/** Looks at the agent. @returns why it must not be killed */
export async function findVictim(pid: number, runDir: string): Promise<Victim | Obstacle> {
  const sight = lookAtProcess(pid)
  if (sight === null || sight.zombie) {
    return { sentence: `there is no process ${pid}`, mend: 'run it on the host of the agent' }
  }
  const kill = (): void => {
    if (lookAtProcess(pid)?.startTicks !== sight.startTicks) {
      throw new Error(`the agent ${pid} ended by itself`)
    }
    process.kill(pid, 'SIGKILL')
  }
  const unit = unitOf(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
  if (unit !== null) {
    const shown = await run({
      label: `look at ${unit}`,
      command: 'systemctl',
      args: ['show', '--property', 'MainPID,Restart', unit],
      timeoutMs: ASK_LIMIT_MS,
    })
    if (shown.ok && shown.stdout.includes(`MainPID=${pid}\n`)) {
      const restarts = /^Restart=(always|on-failure|on-abnormal|on-abort)$/m.test(shown.stdout)
      if (restarts) {
        const starts = `systemd starts ${unit} again`
        return { pid, starts, kill }
      }
      return {
        sentence: `${unit} is not started again by systemd when it is killed`,
        mend: 'write Restart=always into the unit, as ours has it',
      }
    }
  }
  return withStarter(pid, runDir, kill)
}

function withStarter(pid: number, runDir: string, kill: () => void): Victim {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  const environment = environmentOf(readFileSync(`/proc/${pid}/environ`, 'utf8'))
  return {
    pid,
    starts: 'no service manager looks after it: a shell of ours starts the same command line again',
    kill() {
      const output = outputOf(pid)
      const starter = spawn(
        '/bin/sh',
        ['-c', STARTER, 'tandem-drill', runDir, RELEASE, String(pid), ...words],
        {
          cwd: readlinkSync(`/proc/${pid}/cwd`),
          env: environment,
          detached: true,
          stdio: ['ignore', output, output],
        },
      )
      closeSync(output)
      starter.on('error', () => undefined)
      starter.unref()
      if (starter.pid === undefined) throw new Error('nobody would start the agent again')
      try {
        kill()
      } catch (cause) {
        starter.kill('SIGKILL')
        throw cause
      }
    },
  }
}

/** Where the agent says what it has to say, if that is a file. */
function outputOf(pid: number): number {
  try {
    return openSync(`/proc/${pid}/fd/1`, 'a')
  } catch {
    return openSync('/dev/null', 'a')
  }
}

/** The unit that a process belongs to (cgroups(7)); null when none. */
export function unitOf(cgroup: string): string | null {
  const path = /^0::(.*)$/m.exec(cgroup)?.[1] ?? /^1:name=systemd:(.*)$/m.exec(cgroup)?.[1] ?? ''
  const name = path.split('/').findLast((part) => part.endsWith('.service'))
  return name ?? null
}

export function environmentOf(text: string): Record<string, string> {
  const pairs = text.split('\0').flatMap((line) => {
    const at = line.indexOf('=')
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : []
  })
  return Object.fromEntries(pairs)
}
