/**
 * What does an operator want of the services, and what became of it?
 *
 * An order is done when the services are as it said: what was started answers its probes, what was stopped
 * is gone. Each step is told as it happens.
 */
import type { ServiceVerb } from '../control/service-schema.ts'
import type { OrderNews } from './order-posts.ts'
import type { ServiceKeeper } from './service-keeper.ts'
import type { Lane } from './service-lane.ts'
import type { ServiceOrder } from './service-message.ts'

export interface ServiceOrdersOptions {
  keeper: ServiceKeeper
  now: () => number
  wait: (ms: number) => Promise<void>
  tell: (id: number, news: OrderNews) => void
  log: (severity: 'info' | 'warning', event: string, text: string) => void
}

export class ServiceOrders {
  readonly #options: ServiceOrdersOptions

  constructor(options: ServiceOrdersOptions) {
    this.#options = options
  }

  /** Carries one order out; told under its id, with its end last. */
  async obey(id: number, { verb, service }: ServiceOrder): Promise<void> {
    const { keeper, tell, log } = this.#options
    const lanes = keeper.lanes.filter(({ config }) => service === null || config.name === service)
    log('info', 'services', `an operator asks: ${verb} ${service ?? 'all'}`)
    const step = (sentence: string): void => tell(id, { type: 'step', sentence })
    const refused = this.#refusal(verb, lanes)
    if (refused !== null) return tell(id, { type: 'end', failed: refused })
    const failed = await Promise.all(lanes.map((lane) => this.#one(verb, lane, step)))
    const whys = failed.filter((why) => why !== null)
    if (whys.length > 0) log('warning', 'services', `${verb}: ${whys.join('; ')}`)
    tell(id, { type: 'end', failed: whys.length === 0 ? null : whys.join('; ') })
  }

  /** Before anything is touched. */
  #refusal(verb: ServiceVerb, lanes: readonly Lane[]): string | null {
    if (lanes.length === 0) return 'there is no such service'
    const [only] = lanes
    if (lanes.length > 1 || only === undefined || verb === 'sync-state') return null
    if (only.config.mode === 'manual') {
      return `${only.config.name} is left to you by the configuration (mode: manual)`
    }
    const elsewhere = only.config.mode === 'active' && !this.#options.keeper.serving
    if (elsewhere && (verb === 'start' || verb === 'restart')) {
      return `${only.config.name} runs only where the floating IPs are, and this node does not serve`
    }
    return null
  }

  /** @returns what went wrong, with its name; null when it is as ordered */
  async #one(
    verb: ServiceVerb,
    { config }: Lane,
    step: (sentence: string) => void,
  ): Promise<string | null> {
    const { keeper, now, wait } = this.#options
    const { name, mode, startLimitMs, stopLimitMs } = config
    if (mode === 'manual') return null
    const before = keeper.lifeOf(name)?.startedAtMs
    keeper.order(name, verb === 'sync-state' ? 'start' : verb)
    if (verb === 'monitor' || verb === 'unmonitor') {
      step(`${name} is ${verb === 'monitor' ? '' : 'not '}monitored`)
      return null
    }
    const wanted = keeper.wantedOf(name)
    const reached = (): boolean => {
      const life = keeper.lifeOf(name)
      if (wanted === 'stopped') return life?.process === 'stopped'
      return keeper.isUp(name) && (verb !== 'restart' || life?.startedAtMs !== before)
    }
    // A restart, or a chain of services that wait for each other, takes both.
    const endMs = now() + startLimitMs + stopLimitMs
    while (!reached()) {
      const life = keeper.lifeOf(name)
      if (now() > endMs || (wanted === 'running' && life?.exhausted === true)) {
        return `${name} is not ${wanted}: ${life?.why ?? `it is ${life?.process ?? 'unknown'}`}`
      }
      await Promise.race([keeper.nextChange(), wait(endMs - now())])
    }
    step(`${name} is ${wanted}`)
    return null
  }
}
