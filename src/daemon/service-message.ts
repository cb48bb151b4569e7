/**
 * What do the heart and the thread of the services say to each other?
 *
 * The heart tells the role and goes on. Neither ever waits for the other.
 */
import type { PairConfig } from '../config/config.ts'
import type { ServiceVerb } from '../control/service-schema.ts'
import type {
  CallSnapshot,
  LoadBalancerSnapshot,
  MoveStep,
  OutsideSnapshot,
  ServiceSnapshot,
} from '../control/snapshot.ts'
import type { DrainWord } from '../core/drain.ts'
import type { Severity } from './message.ts'
import type { OrderNews } from './order-posts.ts'

/** What of a configuration is looked after here, and may change while the agent runs. */
export type Watched = Pick<PairConfig, 'services' | 'outsideChecks' | 'callCheck'>

/** What the main thread hands over at start. */
export interface ServicesThreadData {
  watched: Watched
  loadBalancers: PairConfig['loadBalancers']
  stateDir: string
}

export interface ServiceOrder {
  verb: ServiceVerb
  /** Null: all. */
  service: string | null
}

/** Whether the load-balancers shall send calls to this pair. */
export interface DrainOrder {
  verb: 'drain'
  on: boolean
}

export type ToServices =
  /** The node begins to serve, or serves no longer. */
  | { type: 'serve'; on: boolean }
  /** The role is about to move to this node, or is not any more. */
  | { type: 'comes'; on: boolean }
  /** The stores take writes too, or the node is known not to serve. */
  | { type: 'role'; role: 'active' | 'standby' }
  | { type: 'peer-serves'; on: boolean }
  /** It follows the peer anew: what it held before may be gone. */
  | { type: 'store-linked'; store: string }
  | { type: 'order'; id: number; order: ServiceOrder | DrainOrder }
  /** The configuration changed; told of by `order-news` with the same id. */
  | { type: 'configure'; id: number; watched: Watched }
  /** How this node stands as far as load-balancers are concerned, see `Standing`. */
  | { type: 'stand'; unfit: boolean; released: boolean }
  /** What the peer knows an operator to want of the pair. */
  | { type: 'drain-word'; word: DrainWord }
  /** `planned`: nobody takes the place of a node that serves until now. */
  | { type: 'stop'; planned: boolean }

export type FromServices =
  | {
      type: 'looked'
      services: readonly ServiceSnapshot[]
      outside: readonly OutsideSnapshot[]
      loadBalancers: readonly LoadBalancerSnapshot[]
      drained: boolean
      call: CallSnapshot | null
    }
  /** Why this node should not serve; none when it may. */
  | { type: 'fitness'; whys: readonly string[] }
  /** For the peer. */
  | { type: 'drain-word'; word: DrainWord }
  /** Whether all services that are started before this node serves are up. */
  | { type: 'up-early'; on: boolean }
  | { type: 'order-news'; id: number; news: OrderNews }
  | { type: 'step'; step: Omit<MoveStep, 'number'> }
  | { type: 'log'; severity: Severity; event: string; text: string }
  | { type: 'stopped' }
