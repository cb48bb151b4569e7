/**
 * Who has the peer switched off, and would it work? The fence agent is asked now and then whether it could, and
 * whether the peer has power; when the core wants the peer off, it is switched off and that is seen, or it is not
 * off.
 *
 * The core asks again after every failure, as long as it wants (PROTOCOL, T2f); this only keeps the tries apart. A
 * peer that is heard again is spared: a run that goes on is ended, and what it says means nothing any more.
 */
import type { FenceSnapshot } from '../../control/quorum-snapshot.ts'
import type { PowerSwitch } from '../../resources/fence-agent.ts'

/** From the start of a fencing that failed to the next. */
const AGAIN_MS = 1_000
/** From one look at a fence that is not needed to the next. */
export const LOOK_MS = 60_000
/** The same of one that could not be used when it was tried. */
const LOOK_AGAIN_MS = 10_000

export interface FenceKeeperOptions {
  agent: string
  power: PowerSwitch
  now: () => number
  /** Whether the peer is off. */
  fenced: (off: boolean) => void
  log: (severity: 'info' | 'warning' | 'error', text: string) => void
  wait: (ms: number) => Promise<void>
}

export class FenceKeeper {
  readonly #options: FenceKeeperOptions
  /** The fencing that goes on. */
  #run: AbortController | null = null
  #looking = false
  #view: Omit<FenceSnapshot, 'agent' | 'running'> = {
    ...{ power: null, lookedMs: null, trouble: null, last: null },
  }

  constructor(options: FenceKeeperOptions) {
    this.#options = options
  }

  get snapshot(): FenceSnapshot {
    return { agent: this.#options.agent, ...this.#view, running: this.#run !== null }
  }

  /** Now and then: looks whether the fence could be used, before it is needed. */
  async look(): Promise<void> {
    const { power, now, log } = this.#options
    if (this.#looking || this.#run !== null || !this.#isDue()) return
    this.#looking = true
    const usable = await power.monitor()
    const found = usable.ok ? await power.status() : usable
    this.#looking = false
    // Whoever fences meanwhile knows more.
    if (this.#run !== null) return
    const trouble = found.ok ? null : found.why
    if (trouble !== null && this.#view.trouble === null) log('warning', trouble)
    if (trouble === null && this.#view.trouble !== null) log('info', 'it can be used again')
    const state = found.ok ? (found.power ?? null) : null
    this.#view = { ...this.#view, power: state, lookedMs: now(), trouble }
  }

  /** Switches the peer off; tells when that was seen, or failed. */
  async fence(): Promise<void> {
    this.spare()
    const { power, now, fenced, log, wait } = this.#options
    const run = new AbortController()
    this.#run = run
    const startedMs = now()
    log('warning', 'the peer is silent and is to be switched off')
    const ordered = await power.off(run.signal)
    const seen = ordered.ok ? await power.status(run.signal) : ordered
    if (run.signal.aborted) return
    const off = seen.ok && seen.power === 'off'
    const why = seen.ok ? (off ? 'the peer is off' : 'the peer is still on') : seen.why
    const tookMs = Math.round(now() - startedMs)
    log(off ? 'warning' : 'error', `${why}, after ${tookMs} ms`)
    this.#view = {
      power: seen.ok ? (seen.power ?? null) : null,
      lookedMs: now(),
      trouble: seen.ok ? null : seen.why,
      last: { atMs: now(), off, why },
    }
    if (!off) await wait(AGAIN_MS - tookMs)
    if (run.signal.aborted) return
    this.#run = null
    fenced(off)
  }

  /** The peer is heard again. */
  spare(): void {
    if (this.#run === null) return
    this.#options.log('info', 'the peer is heard again: it is not switched off')
    this.#run.abort()
    this.#run = null
  }

  #isDue(): boolean {
    const { lookedMs, trouble } = this.#view
    if (lookedMs === null) return true
    return this.#options.now() - lookedMs >= (trouble === null ? LOOK_MS : LOOK_AGAIN_MS)
  }
}
