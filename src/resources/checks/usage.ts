/**
 * Does the service use more memory or processor time than it may?
 *
 * The sum over its processes. A look is taken once in a while and shared by all such probes; one look over
 * the limit is told without being a failure, the third in a row is one, and the first one within it
 * begins anew. Runs between two looks repeat what the last one said. That nothing could be measured is
 * told too, but it is no failure of the service.
 *
 * Memory is resident memory as `ps` has it: what processes share counts in each of them, so a Kamailio with
 * twenty workers has its shared memory twenty times.
 */
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { lookAtUsage, type UsageLook } from '../../system/usage.ts'
import type { Check, CheckContext } from './check.ts'
import { probe, silence, type Verdict } from './probe.ts'

type UsageConfig = CheckConfig & { kind: 'usage' }

const LOOKS_IN_A_ROW = 3
const MIB = 1024 * 1024

/** Makes the probe; `takeLook` is what tests put in the place of the machine. */
export function usageCheck(
  config: UsageConfig,
  context: CheckContext,
  takeLook: () => Promise<UsageLook | null> = lookAtUsage,
): Check {
  let looksOver = 0
  let number = 0
  let verdict: Verdict = null
  return probe({
    label: checkText(config),
    ask: async ({ limitMs, signal }) => {
      const look = await Promise.race([takeLook(), aborted(signal)])
      if (look === 'aborted') return { note: `${TARGET}: not measured, ${silence(limitMs)}` }
      if (look === null) return { note: `${TARGET}: not measured, processes cannot be listed` }
      if (look.number === number) return verdict
      number = look.number
      const over = excess(config, context.processes(), look)
      looksOver = over === null ? 0 : looksOver + 1
      if (over === null) verdict = null
      else if (looksOver >= LOOKS_IN_A_ROW) verdict = `${over}, ${looksOver} looks in a row`
      else verdict = { note: `${over}, look ${looksOver} of ${LOOKS_IN_A_ROW}` }
      return verdict
    },
  })
}

const TARGET = 'Usage of the service'

/** What is over its limit, null when nothing is. */
function excess(config: UsageConfig, pids: readonly number[], look: UsageLook): string | null {
  const used = pids.flatMap((pid) => look.processes.get(pid) ?? [])
  const megabytes = used.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) / MIB
  const percent = used.reduce((sum, { cpuPercent }) => sum + (cpuPercent ?? 0), 0)
  const told: string[] = []
  if (config.memoryMb !== null && megabytes > config.memoryMb) {
    told.push(`memory up to ${config.memoryMb} MB, came ${Math.ceil(megabytes)} MB`)
  }
  if (config.cpuPercent !== null && percent > config.cpuPercent) {
    told.push(`CPU up to ${config.cpuPercent}%, came ${percent.toFixed(1)}%`)
  }
  return told.length === 0 ? null : `${TARGET}: expected ${told.join(', and ')}`
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted')
    signal.addEventListener('abort', () => resolve('aborted'), { once: true })
  })
}
