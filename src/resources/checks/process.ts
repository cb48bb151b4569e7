/**
 * Do all processes of the service really run?
 *
 * A stopped worker or timer process answers no probe and is missed by none of them while its siblings
 * serve; only its state shows it. Looked at are the processes that the service has now and their direct
 * children. What is wrong is looked at twice, because a process that ends is a zombie for a moment.
 *
 * A process that is gone counts when it had been there for a while (helpers come and go), or when all are.
 *
 * @source proc(5): T stopped by a signal, t by a debugger, Z ended and not waited for
 */
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { childrenOf, lookAtState, type ProcessState } from '../../system/process-state.ts'
import type { Check, CheckContext } from './check.ts'
import { probe, type Run } from './probe.ts'

/** Between the two looks. */
const AGAIN_AFTER_MS = 50
/** One that lived for so long is a part of the service. */
const SETTLED_SECONDS = 5
const NAMED_MAX = 5

const WRONG: ReadonlyMap<string, string> = new Map([
  ['T', 'stopped (T)'],
  ['t', 'stopped by a debugger (t)'],
  ['Z', 'a zombie (Z)'],
  ['X', 'dead (X)'],
])

/** Makes the probe. */
export function processCheck(
  config: CheckConfig & { kind: 'process' },
  context: CheckContext,
): Check {
  /** As last seen alive. */
  const known = new Map<number, ProcessState>()
  return probe({
    label: checkText(config),
    ask: async (run) => {
      const first = look(context, known)
      if (first.wrong.size === 0) return sentence(first)
      await again(run)
      const second = look(context, known)
      // Only what is wrong in the same way both times; something that went wrong just now is next run's.
      for (const [pid, what] of second.wrong) {
        if (first.wrong.get(pid) !== what) second.wrong.delete(pid)
      }
      return sentence(second)
    },
  })
}

interface Sight {
  /** What is wrong with which process, as `4711 (kamailio) is stopped (T)` without the number. */
  wrong: Map<number, string>
  counted: number
}

function look(context: CheckContext, known: Map<number, ProcessState>): Sight {
  const listed = context.processes()
  const pids = new Set([...listed, ...listed.flatMap((pid) => childrenOf(pid))])
  const wrong = new Map<number, string>()
  const gone: number[] = []
  for (const pid of pids) {
    const state = lookAtState(pid)
    if (state === null) {
      gone.push(pid)
      continue
    }
    const what = WRONG.get(state.letter)
    if (what !== undefined) wrong.set(pid, `(${state.name}) is ${what}`)
    known.set(pid, state)
  }
  const all = gone.length === pids.size
  for (const pid of gone) {
    const before = known.get(pid)
    const settled = before !== undefined && before.ageSeconds >= SETTLED_SECONDS
    if (all || settled) wrong.set(pid, `${before === undefined ? '' : `(${before.name}) `}is gone`)
  }
  for (const pid of known.keys()) {
    if (!pids.has(pid)) known.delete(pid)
  }
  return { wrong, counted: pids.size }
}

function sentence({ wrong, counted }: Sight): string | null {
  if (counted === 0) return 'Processes of the service: expected at least one, there is none'
  if (wrong.size === 0) return null
  const named = [...wrong].slice(0, NAMED_MAX).map(([pid, what]) => `${pid} ${what}`)
  const more = wrong.size > NAMED_MAX ? ` and ${wrong.size - NAMED_MAX} more` : ''
  return `Processes of the service: expected all ${counted} to run, ${named.join(', ')}${more}`
}

function again({ signal, leftMs }: Run): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.min(AGAIN_AFTER_MS, leftMs() / 2))
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
