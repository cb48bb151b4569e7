/**
 * Who follows the role on this node? Its stores and its services, each in a thread of its own; here they are
 * told, and what they tell is brought together.
 *
 * Lives beside the heart: nothing here waits for any of them.
 */
import type { PairConfig } from '../config/config.ts'
import type { LossSnapshot, MoveStep, Snapshot, Transition } from '../control/snapshot.ts'
import type { DrainWord } from '../core/drain.ts'
import type { Heartbeat } from '../core/heartbeat.ts'
import type { NodeName } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import type { ToldStepKind } from '../wire/told-step.ts'
import type { DataOrder } from './data-orders.ts'
import { EarlyStart } from './early-start.ts'
import type { ServedBefore } from './last-served.ts'
import type { Happening } from './loop.ts'
import type { FromHeart, Severity } from './message.ts'
import { MoveSteps } from './move-steps.ts'
import type { DrainOrder, ServiceOrder, Watched } from './service-message.ts'
import { Services, watchesNothing } from './services.ts'
import { noStores, type StoreDoor, Stores } from './stores.ts'

export interface FollowersOptions {
  config: PairConfig
  stateDir: string
  before: ServedBefore
  state: () => Readonly<State>
  now: () => number
  take: (happening: Happening) => void
  /** Gate, stores, announcement or services took a step. */
  stepped: (step: Pick<MoveStep, 'atMs' | 'sentence'>) => void
  tell: (message: FromHeart) => void
  /** For the peer: what an operator wants of the pair. */
  drainWord: (word: DrainWord) => void
  /** The stores take writes. */
  storesPromoted: () => void
  fail: (code: string, message: string) => void
}

/** What of a snapshot is theirs. */
export type FollowersSnapshot = Pick<
  Snapshot,
  | 'stores'
  | 'storesUnfit'
  | 'services'
  | 'servicesUnfit'
  | 'outside'
  | 'call'
  | 'loadBalancers'
  | 'drained'
  | 'steps'
  | 'servesInFull'
  | 'peerSteps'
  | 'peerStoresPromotedMs'
  | 'early'
>

export class Followers {
  readonly #options: FollowersOptions
  readonly #moves: MoveSteps
  readonly #early: EarlyStart
  /** Null for a pair without replicated stores. */
  readonly #stores: Stores | null
  /** Null where no service is looked after. */
  #services: Services | null
  /** The stores take writes since this node serves. */
  #storesReady = false

  constructor(options: FollowersOptions) {
    this.#options = options
    const { config } = options
    this.#moves = new MoveSteps({
      awaits: () => this.#awaited(),
      stepped: options.stepped,
      taken: (term, step) => options.tell({ type: 'taken-step', term, step }),
    })
    this.#early = new EarlyStart(config.node)
    this.#stores = config.stores.length === 0 ? null : this.#startStores()
    this.#services = watchesNothing(config) ? null : this.#startServices(config)
  }

  get hasStores(): boolean {
    return this.#stores !== null
  }

  /** What the heart asks of the stores. */
  get stores(): StoreDoor {
    const { take, state } = this.#options
    return this.#stores ?? noStores(take, state)
  }

  get healthy(): boolean {
    return !this.#stores?.unfit.length && !this.#services?.unfit.length
  }

  get snapshot(): FollowersSnapshot {
    return {
      stores: this.#stores?.views ?? [],
      storesUnfit: this.#stores?.unfit ?? [],
      services: this.#services?.views ?? [],
      servicesUnfit: this.#services?.unfit ?? [],
      outside: this.#services?.outside ?? [],
      call: this.#services?.call ?? null,
      loadBalancers: this.#services?.loadBalancers ?? [],
      drained: this.#services?.drained ?? false,
      steps: this.#moves.steps,
      servesInFull: this.#moves.complete,
      peerSteps: this.#moves.peer,
      peerStoresPromotedMs: this.#stores?.peerPromotedMs ?? null,
      early: { own: this.#services?.early ?? null, peer: this.#early.peerUp },
    }
  }

  /** To be told after every step of the core. */
  noteState(state: Readonly<State>): void {
    this.#stores?.noteState(state)
    this.#services?.noteState(state, this.#early.announced)
  }

  noteTransition(transition: Transition): void {
    this.#moves.note(transition)
    if (transition.to !== 'active') this.#storesReady = false
  }

  /** The gate was opened. */
  gateOpen(): void {
    this.#moves.gateOpen(this.#options.state().term, this.#options.now())
  }

  /** The floating IPs were announced for the first time since then. */
  announced(): void {
    this.#moves.did('announced', this.#options.now())
  }

  /** What a heartbeat carries that is sent now. */
  appended(nowMs: number): Uint8Array | undefined {
    const stores = this.#stores?.mail.appended(nowMs)
    const early = this.#early.appended(this.#services?.early ?? null, stores)
    return this.#moves.appended(nowMs, early)
  }

  /** What came with one of the peer. */
  hear(bytes: Buffer, heartbeat: Heartbeat, sentMs: number | null): void {
    const state = this.#options.state()
    this.#stores?.mail.hear(bytes, heartbeat, sentMs, state)
    this.#moves.hear(bytes, heartbeat, state)
    this.#early.hear(bytes, heartbeat, state)
  }

  orderData(id: number, order: DataOrder): void {
    this.#stores?.order(id, order)
  }

  orderService(id: number, order: ServiceOrder | DrainOrder): void {
    this.#services?.order(id, order)
  }

  /** A move of the role is about to be asked for, or that is over: whose services start already. */
  announceMove(target: NodeName | null): void {
    this.#early.announce(target)
  }

  /** The configuration of the services changed: told of under this id. */
  configure(id: number, watched: Watched): void {
    const { config } = this.#options
    const nothing = { services: [], outsideChecks: [], callCheck: null }
    // The first ones come by the way of all others, so that each is told of.
    this.#services ??= this.#startServices({ ...config, ...nothing })
    this.#services.configure(id, watched)
  }

  hearDrainWord(word: DrainWord): void {
    this.#services?.hearDrainWord(word)
  }

  /** Losses that were open when the agent ended. */
  restore(losses: readonly LossSnapshot[]): void {
    this.#stores?.restore(losses)
  }

  /** @param planned  nobody takes the place of a node that serves until now */
  async stop(planned: boolean): Promise<void> {
    await Promise.all([this.#stores?.stop(), this.#services?.stop(planned)])
  }

  #awaited(): readonly ToldStepKind[] {
    return [
      'gate-open',
      'announced',
      ...(this.#stores === null ? [] : (['all-writable'] as const)),
      ...(this.#services?.looksAfter === true ? (['all-serving'] as const) : []),
    ]
  }

  #startServices(config: PairConfig): Services {
    const { stateDir, tell, fail, drainWord } = this.#options
    const start = { stateDir, storesReady: this.#storesReady }
    return new Services(config, start, {
      fitnessChanged: () => tell({ type: 'fitness' }),
      orderNews: (id, news) => tell({ type: 'service-news', id, news }),
      drainWord: (word) => drainWord(word),
      step: (step) => this.#moves.add(step),
      log: (severity, event, text) => this.#log(severity, event, text),
      died: (message) => fail('HA_SERVICES_DIED', message),
    })
  }

  #startStores(): Stores {
    const { config, stateDir, before, state, take, tell, fail, storesPromoted } = this.#options
    return new Stores({
      ...{ configs: config.stores, stateDir, before, policy: config.policy, state, take },
      promoted: (durationMs) => {
        const text = `they take writes, ${Math.round(durationMs)} ms after the order`
        this.#log('info', 'stores', text)
        this.#storesReady = true
        storesPromoted()
        this.#services?.storesReady()
      },
      step: (step: Omit<MoveStep, 'number'>) => this.#moves.add(step),
      lost: (loss) => tell({ type: 'lost', loss }),
      linked: (store) => this.#services?.storeLinked(store),
      fitnessChanged: () => tell({ type: 'fitness' }),
      dataNews: (id, news) => tell({ type: 'data-news', id, news }),
      log: (severity, event, text) => this.#log(severity, event, text),
      died: (message) => fail('HA_STORES_FAILED', message),
    })
  }

  #log(severity: Severity, event: string, text: string): void {
    this.#options.tell({ type: 'log', severity, event, text })
  }
}
