/**
 * The main thread's side of the services: it tells them the role and knows what they told last.
 */
import { Worker } from 'node:worker_threads'
import type { PairConfig } from '../config/config.ts'
import type {
  CallSnapshot,
  LoadBalancerSnapshot,
  MoveStep,
  OutsideSnapshot,
  ServiceSnapshot,
} from '../control/snapshot.ts'
import type { DrainWord } from '../core/drain.ts'
import type { State } from '../core/state.ts'
import { endWorker } from './end-worker.ts'
import type { Severity } from './message.ts'
import type { OrderNews } from './order-posts.ts'
import { ServiceCues } from './service-cues.ts'
import type {
  DrainOrder,
  FromServices,
  ServiceOrder,
  ServicesThreadData,
  ToServices,
  Watched,
} from './service-message.ts'

/** For services to end that must not run where the floating IPs are not. */
const STOP_LIMIT_MS = 15_000

export interface ServicesDoors {
  /** `unfit` is another. */
  fitnessChanged: () => void
  /** What became of an operator's order. */
  orderNews: (id: number, news: OrderNews) => void
  /** For the peer: what an operator wants of the pair. */
  drainWord: (word: DrainWord) => void
  /** One thing was done. */
  step: (step: Omit<MoveStep, 'number'>) => void
  log: (severity: Severity, event: string, text: string) => void
  died: (message: string) => void
}

export function watchesNothing(config: PairConfig): boolean {
  const { services, outsideChecks, callCheck, loadBalancers } = config
  const many = services.length + outsideChecks.length + loadBalancers.length
  return many === 0 && callCheck === null
}

export class Services {
  readonly #doors: ServicesDoors
  readonly #worker: Worker
  readonly #cues: ServiceCues
  #looksAfter: boolean
  #views: readonly ServiceSnapshot[] = []
  #unfit: readonly string[] = []
  #outside: readonly OutsideSnapshot[] = []
  #loadBalancers: readonly LoadBalancerSnapshot[] = []
  #drained = false
  #call: CallSnapshot | null = null
  #upEarly = false

  /** @param start  `storesReady`: the stores take writes already */
  constructor(
    config: PairConfig,
    start: { stateDir: string; storesReady: boolean },
    doors: ServicesDoors,
  ) {
    this.#doors = doors
    this.#cues = new ServiceCues(config.node, {
      suspicionMs: config.policy.timing.suspicionMs,
      hasStores: config.stores.length > 0,
      storesReady: start.storesReady,
    })
    this.#looksAfter = config.services.length > 0
    const data: ServicesThreadData = {
      watched: watchedOf(config),
      loadBalancers: config.loadBalancers,
      stateDir: start.stateDir,
    }
    this.#worker = new Worker(new URL('./services-thread.js', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    })
    this.#worker.on('message', (message: FromServices) => this.#hear(message))
    this.#worker.on('error', (error) => doors.died(error.message))
  }

  /** There are services that follow the role. */
  get looksAfter(): boolean {
    return this.#looksAfter
  }

  get views(): readonly ServiceSnapshot[] {
    return this.#views
  }

  /** Why the services keep this node from serving; empty when they do not. */
  get unfit(): readonly string[] {
    return this.#unfit
  }

  /** What clients of the peer find; empty while this node serves. */
  get outside(): readonly OutsideSnapshot[] {
    return this.#outside
  }

  get loadBalancers(): readonly LoadBalancerSnapshot[] {
    return this.#loadBalancers
  }

  /** An operator wants no new calls to come to the pair. */
  get drained(): boolean {
    return this.#drained
  }

  /** The newest test call since this node serves. */
  get call(): CallSnapshot | null {
    return this.#call
  }

  /**
   * To be told after every step.
   *
   * @param announced  an operator's move to this node is about to be asked for
   */
  noteState(state: Readonly<State>, announced: boolean): void {
    for (const cue of this.#cues.after(state, announced)) {
      if (cue.type === 'comes') this.#upEarly = false
      this.#tell(cue)
    }
  }

  /** What is started before this node serves: null while nothing is, else whether all of it is up. */
  get early(): boolean | null {
    return this.#cues.comes ? this.#upEarly : null
  }

  /** The stores take writes: services may be told that they are active. */
  storesReady(): void {
    for (const cue of this.#cues.storesReady()) this.#tell(cue)
  }

  /** The peer told what it knows. */
  hearDrainWord(word: DrainWord): void {
    this.#tell({ type: 'drain-word', word })
  }

  /** A store follows the peer anew: what it held before may be gone. */
  storeLinked(store: string): void {
    this.#tell({ type: 'store-linked', store })
  }

  order(id: number, order: ServiceOrder | DrainOrder): void {
    this.#tell({ type: 'order', id, order })
  }

  /** The configuration changed: to be told of under this id. */
  configure(id: number, watched: Watched): void {
    this.#looksAfter = watched.services.length > 0
    this.#tell({ type: 'configure', id, watched })
  }

  /** What belongs where the floating IPs are ends first; what else runs is for the next agent to take over. */
  stop(planned: boolean): Promise<boolean> {
    const order: ToServices = { type: 'stop', planned }
    return endWorker(this.#worker, order, STOP_LIMIT_MS)
  }

  #tell(message: ToServices): void {
    this.#worker.postMessage(message)
  }

  #hear(message: FromServices): void {
    const { fitnessChanged, orderNews, step, log, drainWord } = this.#doors
    switch (message.type) {
      case 'looked':
        this.#views = message.services
        this.#outside = message.outside
        this.#loadBalancers = message.loadBalancers
        this.#drained = message.drained
        this.#call = message.call
        return
      case 'fitness':
        this.#unfit = message.whys
        fitnessChanged()
        return
      case 'drain-word':
        drainWord(message.word)
        return
      case 'up-early':
        this.#upEarly = message.on
        return
      case 'order-news':
        orderNews(message.id, message.news)
        return
      case 'step':
        step(message.step)
        log('info', 'service', message.step.sentence)
        return
      case 'log':
        log(message.severity, message.event, message.text)
        return
      case 'stopped':
        return
    }
  }
}

export function watchedOf({ services, outsideChecks, callCheck }: Watched): Watched {
  return { services, outsideChecks, callCheck }
}
