/**
 * What is seen of the services? Looks at their processes, and their probes, each at a pace of its own.
 *
 * What follows from it is decided in `core/supervision.ts` and done by the keeper, who is told of everything.
 */
import type { ServiceHappening } from '../core/supervision.ts'
import { faultOf } from '../resources/checks/check.ts'
import type { ProcessId } from '../resources/service.ts'
import { identityOf } from '../resources/service-watch.ts'
import { processRuns } from '../system/process.ts'
import type { Lane } from './service-lane.ts'

export interface LooksOptions {
  wait: (ms: number) => Promise<void>
  /** Something is to be shown anew. */
  changed: () => void
  log: (severity: 'warning', event: string, text: string) => void
  heed: (lane: Lane, happening: ServiceHappening) => void
}

/** Between two looks at a service whose end is seen at once anyhow. */
const LOOK_MS = 10_000
const LOOK_LIMIT_MS = 5_000
/** For how a service ended: it is to be started again at once. */
const END_LOOK_MS = 200
/** Between two probes of a service that is coming up: others wait for it. */
const COMING_UP_MS = 25

export class ServiceLooks {
  readonly #options: LooksOptions
  #stopped = false

  constructor(options: LooksOptions) {
    this.#options = options
  }

  /** Looks at it and probes it from now on. */
  follow(lane: Lane): void {
    lane.service.onEnd(() => void this.#ended(lane))
    void this.#watch(lane)
    void this.#probe(lane)
  }

  stop(): void {
    this.#stopped = true
  }

  /** Its process was seen to end; how, tells a look. */
  async #ended(lane: Lane): Promise<void> {
    const { service, config } = lane
    const looked = await service.look(END_LOOK_MS)
    const { process } = lane.life
    // The end that was asked for is told as well, often when the next one is starting, or runs already. Behind
    // a start it is looked anyhow.
    if (process === 'starting' || process === 'stopping') return
    if (looked.ok && looked.value.main !== null && runsNow(looked.value.main)) return
    const detail = looked.ok ? looked.value.detail : null
    const why = `${config.name} ended by itself${detail === null ? '' : `: ${detail}`}`
    this.#options.heed(lane, { type: 'ended', why })
  }

  async #watch(lane: Lane): Promise<void> {
    while (!this.#stopped && !lane.over) {
      const seenAtOnce = await this.look(lane)
      await this.#options.wait(seenAtOnce ? LOOK_MS : lane.config.checkEveryMs)
    }
  }

  /** @returns whether the end of its process will be told without looking */
  async look(lane: Lane): Promise<boolean> {
    const looked = await lane.service.look(LOOK_LIMIT_MS)
    if (this.#stopped || lane.over) return true
    const blind = looked.ok ? null : looked.fault.message
    if (blind !== lane.blind) {
      if (blind !== null) this.#options.log('warning', 'service-look', blind)
      lane.blind = blind
      this.#options.changed()
    }
    if (!looked.ok) return false
    const { state, main } = looked.value
    const pid = main?.pid ?? null
    if (pid !== lane.pid) {
      lane.pid = pid
      this.#options.changed()
    }
    if (state !== 'starting' && state !== 'stopping') {
      const running = state === 'running'
      // Its end may not be told: by another manager, or a process we do not know.
      const ended = !running && lane.life.process === 'running' && !lane.busy
      if (ended)
        this.#options.heed(lane, {
          type: 'ended',
          why: `${lane.config.name} does not run any more`,
        })
      else this.#options.heed(lane, { type: 'looked', running })
    }
    return main !== null
  }

  async #probe(lane: Lane): Promise<void> {
    while (!this.#stopped && !lane.over) {
      const { config } = lane
      if (config.probed && lane.life.process === 'running' && config.mode !== 'manual') {
        const { startedAtMs } = lane.life
        const results = await lane.probe(config.checkLimitMs)
        // Of another start than the one that was asked about, or by probes that count no longer.
        if (lane.life.startedAtMs === startedAtMs && lane.config === config) {
          this.#options.heed(lane, { type: 'probed', why: faultOf(results) })
        }
      }
      await this.#pause(lane)
    }
  }

  /** Until the next probe; at once when its process comes up meanwhile. */
  async #pause(lane: Lane): Promise<void> {
    const { config, life } = lane
    const woken = new Promise<void>((resolve) => {
      lane.wake = resolve
    })
    if (life.process !== 'running') return await Promise.race([this.#options.wait(LOOK_MS), woken])
    const comingUp = config.probed && life.wellSinceMs === null
    await Promise.race([this.#options.wait(comingUp ? COMING_UP_MS : config.checkEveryMs), woken])
  }
}

/** By the kernel's word: a manager of services may not have noticed yet. */
function runsNow(main: ProcessId): boolean {
  return processRuns(identityOf(main))
}
