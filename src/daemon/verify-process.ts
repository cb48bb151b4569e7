/**
 * How does the agent have a store compared? `tandem verify` as a process of its own, at low priority,
 * that ends with the thread that started it.
 *
 * It finds the configuration where the agent found it, by the environment. Its document is read for the
 * reason when it fails; the result lies in the files that it leaves.
 */
import { fileURLToPath } from 'node:url'
import { follow } from '../system/exec.ts'
import type { VerifyRunning } from './verify-keeper.ts'

const PROGRAM = fileURLToPath(new URL('../cli/tandem.js', import.meta.url))
const LINES_MAX = 10_000
/** Where memory runs out, this and not the agent, whose protection it would inherit. */
const FIRST_TO_GO = ['choom', '-n', '500', '--']
/** What `tandem verify` ends with when it came to its end: the same, or differences. */
const ENDED = /\((0|5)\)$/

export function startVerify(
  store: string,
  places: { stateDir: string; runDir: string; node: string },
  ended: (failed: string | null) => void,
): VerifyRunning {
  const lines: string[] = []
  const { stateDir, runDir, node } = places
  const options = ['--json', '--state', stateDir, '--run', runDir, '--node', node]
  return follow({
    label: `compare ${store}`,
    command: 'nice',
    args: ['-n', '19', ...FIRST_TO_GO, process.execPath, PROGRAM, 'verify', ...options, store],
    onLine: (line) => {
      if (lines.length < LINES_MAX) lines.push(line)
    },
    onEnd: (message) => ended(ENDED.test(message) ? null : (reasonIn(lines) ?? message)),
  })
}

/** What the document of a failure says. */
export function reasonIn(lines: readonly string[]): string | null {
  try {
    const document = JSON.parse(lines.join('\n')) as { message?: unknown }
    return typeof document.message === 'string' ? document.message : null
  } catch {
    return null
  }
}
