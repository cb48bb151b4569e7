/**
 * How much memory and processor time do processes use?
 *
 * The one door to systeminformation, which starts `ps` and a `cat` for each process of the machine: a look
 * is dear. So there is one at a time and one in a while, whoever asks, and all that ask share it. It
 * has no time limit of its own; whoever waits for it limits the waiting. Loaded when first needed.
 *
 * CPU is counted from the look before, so a process has none in the first look that sees it.
 */

/**
 * From the end of one look to the next. Measured: 0.1 s of processor time and 0.16 s in all with 86
 * processes on the machine, so this is half a percent of one core there.
 */
export const USAGE_EVERY_MS = 20_000

const KIB = 1024

export interface ProcessUsage {
  /** Resident; pages that several processes share count in each of them. */
  memoryBytes: number
  /** Percent of all processors together, since the look before; null: it was not there then. */
  cpuPercent: number | null
}

export interface UsageLook {
  /** Counts the looks, so that one is told from the next. */
  number: number
  processes: ReadonlyMap<number, ProcessUsage>
}

let last: { look: UsageLook; endMs: number } | null = null
let underWay: Promise<UsageLook | null> | null = null

/**
 * The newest look, or a new one when that is due.
 *
 * @returns null when the processes could not be listed; never rejects
 */
export function lookAtUsage(): Promise<UsageLook | null> {
  if (last !== null && performance.now() - last.endMs < USAGE_EVERY_MS) {
    return Promise.resolve(last.look)
  }
  underWay ??= look().finally(() => {
    underWay = null
  })
  return underWay
}

async function look(): Promise<UsageLook | null> {
  try {
    const { processes } = await import('systeminformation')
    const { list } = await processes()
    if (list.length === 0) return null
    const before = last?.look.processes
    const found = new Map<number, ProcessUsage>()
    for (const { pid, memRss, cpu } of list) {
      const cpuPercent = before?.has(pid) ? cpu : null
      found.set(pid, { memoryBytes: memRss * KIB, cpuPercent })
    }
    const taken = { number: (last?.look.number ?? 0) + 1, processes: found }
    last = { look: taken, endMs: performance.now() }
    return taken
  } catch {
    return null
  }
}
