/**
 * What do the heart and the thread of the stores say to each other?
 *
 * The heart orders and goes on; the thread tells the end. Neither ever waits for the other.
 */

import type { StoreConfig } from '../config/config.ts'
import type { LossSnapshot, MoveStep, StoreSnapshot } from '../control/snapshot.ts'
import type { NodeName } from '../core/policy.ts'
import type { DataOrder } from './data-orders.ts'
import type { ServedBefore } from './last-served.ts'
import type { Taking } from './loss-ledger.ts'
import type { Severity } from './message.ts'
import type { OrderNews } from './order-posts.ts'
import type { PeerMail } from './store-mail.ts'

/** What the main thread hands over at start. */
export interface StoresThreadData {
  node: NodeName
  stores: readonly StoreConfig[]
  /** Archives of what would be lost are kept below it. */
  stateDir: string
  /** How long the server may hold writes back by itself before it goes on alone. */
  semiSyncTimeoutMs: number
  before: ServedBefore
}

export type ToStores =
  | { type: 'promote'; taking: Taking }
  | { type: 'demote' }
  /** The number comes back with `frozen`, so that the end of a freeze that was given up is known as such. */
  | {
      type: 'freeze'
      limitMs: number
      number: number
      /** This node has confirmed what the peer lacks. */
      sole: boolean
    }
  | { type: 'unfreeze' }
  /** The number comes back with every look that knows of the order. */
  | { type: 'confirm'; alone: boolean; number: number }
  /** Where the data is, now: the peer waits for it. */
  | { type: 'look' }
  /**
   * The peer is heard or not; it says that it serves, or does not; that is proven to be so now, and no
   * recording, so there is somebody to follow.
   */
  | { type: 'peer-serves'; serves: boolean; heard: boolean; proven: boolean }
  /** What came with the peer's heartbeats about its stores. */
  | { type: 'peer-words'; mail: PeerMail }
  /** Open since takeovers before this start. */
  | { type: 'losses'; losses: readonly LossSnapshot[] }
  /** An operator wants something done; told of by `data-news` with the same id. */
  | { type: 'data'; id: number; order: DataOrder }
  | { type: 'stop' }

export type FromStores =
  | { type: 'promoted'; durationMs: number }
  | { type: 'demoted' }
  /** Offsets of the frozen stores, by name; of the others see `StoreNews`. */
  | {
      type: 'frozen'
      offsets: ReadonlyMap<string, number>
      applied: ReadonlySet<string>
      number: number
    }
  | { type: 'data-news'; id: number; news: OrderNews }
  /** The stores may have lacked what the peer confirmed; they have it now, or are the newest. */
  | { type: 'caught-up' }
  | { type: 'looked'; stores: readonly StoreSnapshot[]; confirmNumber: number }
  /** To be carried by our heartbeats from now on. */
  | { type: 'words'; section: Uint8Array; madeMs: number }
  /** What a takeover may have lost, or was found to have. */
  | { type: 'lost'; loss: LossSnapshot }
  | { type: 'step'; step: Omit<MoveStep, 'number'> }
  | { type: 'peer-promoted'; durationMs: number | null }
  /** It follows the peer anew: what it held before may be gone. */
  | { type: 'linked'; store: string }
  /** Why this node should not serve; none when it may. */
  | { type: 'fitness'; whys: readonly string[] }
  | { type: 'log'; severity: Severity; event: string; text: string }
  /** They cannot be kept at all. */
  | { type: 'failed'; why: string }
  | { type: 'stopped' }
