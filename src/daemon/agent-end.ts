/**
 * How did an agent end, and does anything of it still hang?
 *
 * A disk or a kernel that hangs is not waited for, but an ordinary exit of the process would: whoever
 * started the agent has to know.
 */

/** How an agent ended. */
export type AgentEnd = (
  | { ok: true }
  | { ok: false; code: string; message: string; mend: string }
) & {
  /** What still hangs in a disk or in the kernel; null when nothing does. The process cannot exit then. */
  hanging: string | null
}

/** Parts of the agent, and whether each ended in time. */
export interface Ended {
  hands: boolean
  control: boolean
  store: boolean
}

const WAITS_FOR: Readonly<Record<keyof Ended, string>> = {
  hands: 'the kernel with the floating IPs',
  control: 'the disk with log or history',
  store: 'the disk with the hard state',
}

/** In words what the parts that did not end wait for; null when all ended. */
export function hangingOf(ended: Ended): string | null {
  const parts = ['hands', 'control', 'store'] as const
  const waits = parts.filter((part) => !ended[part]).map((part) => WAITS_FOR[part])
  return waits.length === 0 ? null : waits.join(' and ')
}
