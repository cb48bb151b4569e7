/**
 * How does the lab run for somebody who is not root? Inside namespaces of their own.
 *
 * A user namespace makes them root over new network, mount and process namespaces and over nothing
 * else. What the kernel does not give there is left out: real-time priority and eBPF programs.
 */
import { spawn } from 'node:child_process'

/** Set inside, so that the second start knows where it is. */
const MARK = 'TANDEM_LAB_UNPRIVILEGED'

/** Whether this process already runs inside namespaces that `runUnprivileged` made. */
export function insideUnprivileged(env: Readonly<Record<string, string | undefined>>): boolean {
  return env[MARK] === '1'
}

/**
 * Runs a command with our own input and output as root of new namespaces, with an empty /run.
 *
 * Everything started by it dies with it: it is the first process of a process namespace.
 *
 * @returns its exit code; null when such namespaces may not be made here
 */
export async function runUnprivileged(command: readonly string[]): Promise<number | null> {
  const may = await exitOf(['unshare', '-Urnm', 'true'], 'ignore')
  if (may !== 0) return null
  const wrapped = ['mount -t tmpfs -o mode=0755 tmpfs /run', 'exec "$@"'].join(' && ')
  const unshare = ['unshare', '-Urnm', '--pid', '--fork', '--kill-child', '--mount-proc']
  return exitOf([...unshare, 'sh', '-c', wrapped, 'sh', ...command], 'inherit')
}

function exitOf(argv: readonly string[], stdio: 'ignore' | 'inherit'): Promise<number> {
  const [command = 'true', ...args] = argv
  const child = spawn(command, args, { stdio, env: { ...process.env, [MARK]: '1' } })
  // An interrupt typed at the terminal reaches the inner process as well: let it clean up first.
  const wait = (): void => {}
  process.on('SIGINT', wait)
  return new Promise((resolve) => {
    const end = (code: number): void => {
      process.off('SIGINT', wait)
      resolve(code)
    }
    child.once('error', () => end(127))
    child.once('exit', (code) => end(code ?? 1))
  })
}
