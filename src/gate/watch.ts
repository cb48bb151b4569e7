/**
 * Is the kernel's part of the gate still in place?
 *
 * Two ways to notice that it is not: the monitors of `tc`, `ip` and `nft` tell of a removed filter
 * or an interface that went and came back within milliseconds, and a slow poll finds what they
 * missed, also a filter that somebody put before ours. While the gate is away everything passes,
 * so a removal that was told is mended at once and looked at afterwards.
 *
 * Runs beside the heart, never in it: it starts processes. What mending means: guard.ts.
 */
import { type Following, follow } from '../system/exec.ts'
import type { Gap, Guard } from './guard.ts'

const POLL_MS = 5000
/** A monitor that ended is started again at the next of these, */
const MONITOR_LOOK_MS = 1000
/** but one that ends at once no more often than once in so many. */
const MONITOR_REST_LOOKS = 10

/** Calls back again and again until stopped; the one timer of the agent is handed in. */
export type Every = (intervalMs: number, run: () => void) => () => void

export interface WatchListener {
  /** A part of the gate is missing. While this lasts, traffic passes unjudged there. */
  removed(gap: Gap): void
  /** It is back. */
  mended(place: string): void
  /** It could not be put back; tried again at every poll. */
  lost(gap: Gap): void
}

export interface GateWatch {
  /** Looks and mends now. Resolves when done. */
  check(): Promise<void>
  stop(): Promise<void>
}

export interface WatchOptions {
  guard: Guard
  listener: WatchListener
  every: Every
  pollMs?: number
}

/** Starts to watch. Errors of the monitors only make it slower: they are started again. */
export function watchGate(options: WatchOptions): GateWatch {
  const { guard, listener } = options
  /** Places that were told as missing and not yet as mended. */
  const missing = new Map<string, 'removed' | 'lost'>()
  let queue: Promise<void> = Promise.resolve()
  let stopped = false

  const report = (gap: Gap): void => {
    if (missing.has(gap.place)) return
    missing.set(gap.place, 'removed')
    listener.removed(gap)
  }

  /** One after the other: two that mend the same hook would undo each other's view of it. */
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    queue = queue.then(() => (stopped ? undefined : work()))
    return queue
  }

  const look = async (device: string | null): Promise<void> => {
    const gaps = await guard.gaps(device)
    for (const gap of gaps) report(gap)
    if (gaps.length > 0) await guard.mend(device)
    const left = gaps.length > 0 ? await guard.gaps(device) : []
    settle(device, left)
  }

  const settle = (device: string | null, left: readonly Gap[]): void => {
    for (const gap of left) {
      if (missing.get(gap.place) === 'removed') listener.lost(gap)
      missing.set(gap.place, 'lost')
    }
    for (const place of [...missing.keys()]) {
      if (!guard.covers(device, place) || left.some((gap) => gap.place === place)) continue
      missing.delete(place)
      listener.mended(place)
    }
  }

  const heard = (line: string): void => {
    const news = guard.understand(line)
    if (news === null) return
    void enqueue(async () => {
      if (news.removed !== null) {
        report({ place: news.removed, what: 'it was deleted' })
        await guard.mend(news.device)
      }
      await look(news.device)
    })
  }

  let monitorLooks = 0
  const monitors = guard.monitors.map((program) => ({
    ...program,
    following: null as Following | null,
    restUntil: 0,
  }))
  const startMonitors = (): boolean => {
    const ended = monitors.filter((one) => one.following === null && monitorLooks >= one.restUntil)
    for (const monitor of ended) {
      monitor.restUntil = monitorLooks + MONITOR_REST_LOOKS
      monitor.following = follow({
        label: 'watch the gate',
        command: monitor.command,
        args: monitor.args,
        onLine: heard,
        onEnd: () => {
          monitor.following = null
        },
      })
    }
    return ended.length > 0
  }

  startMonitors()
  const stopMonitoring = options.every(MONITOR_LOOK_MS, () => {
    monitorLooks += 1
    // Nobody told what happened while a monitor was away.
    if (startMonitors()) void enqueue(() => look(null))
  })
  const stopPolling = options.every(options.pollMs ?? POLL_MS, () => {
    void enqueue(() => look(null))
  })
  return {
    check: () => enqueue(() => look(null)),
    async stop() {
      stopped = true
      stopMonitoring()
      stopPolling()
      await Promise.all(monitors.map(({ following }) => following?.stop()))
      await queue
    },
  }
}
