/**
 * Does the gate stay what it is? What somebody removes is put back, logged and told to the heart.
 *
 * Runs beside the heart: looking starts processes.
 */
import { type GateInForce, guardOf } from '../gate/guard.ts'
import { watchGate } from '../gate/watch.ts'
import type { Severity, ToHeart } from './message.ts'

/** Removals are told at once by the kernel; this look is for what was not told. */
const POLL_MS = 60_000

export interface GateWatchDoors {
  log: (severity: Severity, event: string, text: string) => void
  tell: (message: ToHeart) => void
}

/** @returns what ends it */
export function watchGateAndTell(
  gate: GateInForce,
  { log, tell }: GateWatchDoors,
): ReturnType<typeof watchGate> {
  return watchGate({
    guard: guardOf(gate),
    pollMs: POLL_MS,
    every: (intervalMs, run) => {
      const timer = setInterval(run, intervalMs)
      return () => clearInterval(timer)
    },
    listener: {
      removed: ({ place, what }) => {
        tell({ type: 'gate-place', place, now: 'removed' })
        log('error', 'gate-removed', `${place}: ${what}; putting it back`)
      },
      mended: (place) => {
        tell({ type: 'gate-place', place, now: 'in-force' })
        log('warning', 'gate-mended', `${place}: the gate is in force again`)
      },
      lost: ({ place, what }) => {
        tell({ type: 'gate-place', place, now: 'lost' })
        log('error', 'gate-lost', `${place}: ${what}; it could not be put back`)
      },
    },
  })
}
