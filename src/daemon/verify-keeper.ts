/**
 * When are the two copies of a store compared without anybody asking, and what did the last time find?
 *
 * By the standby, so that the active does what it must, one store after the other, in a process of its
 * own. Not before the pair was calm for a minute, and ended with any change of the role: what was reached
 * is written down by the process itself. What it found is read from the files, so also what an operator's
 * own `tandem verify` left there, and what an earlier start of the agent did.
 */
import type { PairConfig, StoreConfig } from '../config/config.ts'
import type { Snapshot, VerifiedSnapshot } from '../control/snapshot.ts'
import type { Severity } from './message.ts'
import type { VerifyResult } from './verify-record.ts'
import { verifySentence } from './verify-record.ts'

/** After a change of the role everything else comes first. */
const CALM_MS = 60_000
/** After a run that failed. */
const AGAIN_MS = 3_600_000
/** Between two looks into the files. */
const READ_MS = 10_000

/** What the pair looks like, as far as it matters here. */
export interface VerifyLook {
  /** Boot clock. */
  nowMs: number
  /** This node stands by, the peer serves, and that is so since. */
  standbySinceMs: number | null
  /** Stores that follow the peer; how closely is waited for by whoever compares. */
  inStep: ReadonlySet<string>
}

export interface VerifyRunning {
  /** Ends it; the end is not told any more. */
  stop(): Promise<void>
}

export interface VerifyKeeperOptions {
  stores: readonly StoreConfig[]
  lastResult: (store: string) => Promise<VerifyResult | null>
  /** Begins one; `ended` is told why it failed, or null. */
  start: (store: string, ended: (failed: string | null) => void) => VerifyRunning
  wallMs: () => number
  log: (severity: Severity, event: string, text: string) => void
}

export class VerifyKeeper {
  readonly #options: VerifyKeeperOptions
  readonly #results = new Map<string, VerifyResult>()
  readonly #failedMs = new Map<string, number>()
  #readMs: number | null = null
  #running: { store: string; run: VerifyRunning } | null = null
  #looking = false

  constructor(options: VerifyKeeperOptions) {
    this.#options = options
  }

  /** By store; none for one that was never compared. */
  get verified(): ReadonlyMap<string, VerifiedSnapshot> {
    return new Map([...this.#results].map(([name, result]) => [name, snapshotOf(result)]))
  }

  /** To be told every few seconds. Never rejects. */
  async look(look: VerifyLook): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      await this.#read(look.nowMs)
      const stand = look.standbySinceMs
      const calm = stand !== null && look.nowMs - stand >= CALM_MS
      const { store } = this.#running ?? { store: null }
      if (store !== null) {
        if (stand === null || !look.inStep.has(store)) await this.disturb()
      } else if (calm) this.#begin(look)
    } finally {
      this.#looking = false
    }
  }

  /** The role changes: whoever compares is ended. */
  async disturb(): Promise<void> {
    const running = this.#running
    this.#running = null
    if (running === null) return
    this.#options.log('info', 'verify', `${running.store}: put off, it goes on later`)
    await running.run.stop()
  }

  #begin({ nowMs, inStep }: VerifyLook): void {
    const next = this.#options.stores.find(({ name, verify }) => {
      if (verify?.everyMs == null || !inStep.has(name)) return false
      const failedMs = this.#failedMs.get(name)
      if (failedMs !== undefined && nowMs - failedMs < AGAIN_MS) return false
      return isDue(this.#results.get(name), verify.everyMs, this.#options.wallMs())
    })
    if (next === undefined) return
    const store = next.name
    const run = this.#options.start(store, (failed) => void this.#ended(store, failed, nowMs))
    this.#running = { store, run }
    this.#options.log('info', 'verify', `${store}: both nodes are compared`)
  }

  async #ended(store: string, failed: string | null, nowMs: number): Promise<void> {
    if (this.#running?.store !== store) return
    this.#running = null
    if (failed !== null) {
      this.#failedMs.set(store, nowMs)
      this.#options.log('warning', 'verify', `${store} could not be compared: ${failed}`)
      return
    }
    this.#failedMs.delete(store)
    await this.#read(null)
    const result = this.#results.get(store)
    if (result === undefined) return
    const severity = result.differences === 0 ? 'info' : 'error'
    this.#options.log(severity, 'verify', `${store}: ${verifySentence(result)}`)
  }

  async #read(nowMs: number | null): Promise<void> {
    if (nowMs !== null && this.#readMs !== null && nowMs - this.#readMs < READ_MS) return
    this.#readMs = nowMs ?? this.#readMs
    for (const { name } of this.#options.stores) {
      const result = await this.#options.lastResult(name)
      if (result === null) this.#results.delete(name)
      else this.#results.set(name, result)
    }
  }
}

/** Pure. What of a snapshot matters here. */
export function verifyLook({ nowMs, state, stores }: Snapshot, { policy }: PairConfig): VerifyLook {
  const { peer, lastHeardMs } = state
  const heard = nowMs - lastHeardMs <= policy.timing.suspicionMs
  const stands = state.role === 'standby' && heard && peer?.role === 'active'
  const inStep = stores.filter(({ following, sick }) => following && !sick)
  return {
    nowMs,
    standbySinceMs: stands ? state.changedAtMs : null,
    inStep: new Set(inStep.map(({ name }) => name)),
  }
}

/** Pure. A clock that was set back does not put it off for longer than the interval. */
export function isDue(
  last: Pick<VerifyResult, 'finishedIso'> | undefined,
  everyMs: number,
  wallMs: number,
): boolean {
  if (last === undefined) return true
  const sinceMs = wallMs - Date.parse(last.finishedIso)
  return Number.isNaN(sinceMs) || sinceMs < 0 || sinceMs >= everyMs
}

function snapshotOf(result: VerifyResult): VerifiedSnapshot {
  const { finishedIso, durationMs, compared, differences, unsettled } = result
  const sentence = verifySentence(result)
  return { finishedIso, durationMs, compared, differences, unsettled, sentence }
}
