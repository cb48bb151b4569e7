/**
 * What one load-balancer has of this pair as a resource: how is it told, and looked at, once?
 *
 * Started: it may send calls here. Stopped: it sends none. Where its own probes get no answer it is failed. Nothing
 * is told beside an agent, which does that by itself; to look is always allowed.
 */
import type { LoadBalancer } from '../resources/load-balancer.ts'
import { refuseBesideAgent } from './agent-lock.ts'
import type { Io } from './command.ts'
import { OCF, type OcfCode, sayOcf } from './ocf.ts'

export const BALANCER_ACTIONS = ['start', 'stop', 'monitor', 'validate-all', 'meta-data'] as const

export type BalancerAction = Exclude<(typeof BALANCER_ACTIONS)[number], 'meta-data'>

const LIMIT_MS = 5_000

export interface BalancerResourceOptions {
  balancer: LoadBalancer
  runDir: string
  io: Io
  lockFile(path: string): boolean
}

export class BalancerResource {
  readonly #options: BalancerResourceOptions

  constructor(options: BalancerResourceOptions) {
    this.#options = options
  }

  async act(action: BalancerAction): Promise<OcfCode> {
    switch (action) {
      case 'start':
        return this.#tell('active')
      case 'stop':
        return this.#tell('drained')
      case 'monitor':
        return this.#monitor()
      case 'validate-all':
        return OCF.success
    }
  }

  async #tell(state: 'active' | 'drained'): Promise<OcfCode> {
    const { balancer, io } = this.#options
    const beside = await refuseBesideAgent(this.#options, 'tells the load-balancers')
    if (beside !== null) return beside
    const why = await balancer.tell(state, LIMIT_MS)
    return why === null ? OCF.success : sayOcf(io, OCF.generic, why)
  }

  async #monitor(): Promise<OcfCode> {
    const { balancer, io } = this.#options
    const looked = await balancer.look(LIMIT_MS)
    if (!looked.ok) return sayOcf(io, OCF.generic, looked.message)
    if (looked.seen === 'drained') return OCF.notRunning
    if (looked.seen === 'active') return OCF.success
    return sayOcf(io, OCF.generic, 'its own probes get no answer from this pair')
  }
}
