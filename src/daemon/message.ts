/**
 * What do heart and control thread say to each other?
 *
 * The heart (main thread) decides and keeps time; the control thread answers operators, writes the
 * log and the history. Neither ever waits for the other.
 */
import type { LossSnapshot, Snapshot, Transition } from '../control/snapshot.ts'
import type { NodeName } from '../core/policy.ts'
import type { Slice } from '../record/recorder.ts'
import type { FactPart } from '../wire/fact-list.ts'
import type { PairKey } from '../wire/key.ts'
import type { DataOrder } from './data-orders.ts'
import type { OrderNews } from './order-posts.ts'
import type { DrainOrder, ServiceOrder, Watched } from './service-message.ts'

export type Severity = 'info' | 'warning' | 'error'

export type FromHeart =
  | { type: 'snapshot'; id: number; snapshot: Snapshot }
  | { type: 'transition'; transition: Transition }
  /** What a takeover may have lost of a store, or was found to have. */
  | { type: 'lost'; loss: LossSnapshot }
  | { type: 'log'; severity: Severity; event: string; text: string }
  /** Whether this node may serve changed; comes back when the peer knows our clients. */
  | { type: 'fitness' }
  | { type: 'data-news'; id: number; news: OrderNews }
  | { type: 'service-news'; id: number; news: OrderNews }
  /** Of the takeover of this term, so long after it began. */
  | { type: 'taken-step'; term: number; step: { afterMs: number; sentence: string } }
  /** An operator wants the configuration to be read again, by signal. */
  | { type: 'reload' }
  /** Where a record begins and ends in the ring; null while there is none. */
  | { type: 'record'; id: number; slice: Slice | null }
  /** The key file was read again. */
  | { type: 'keys'; keys: readonly PairKey[] }
  /** The peer told a part of what it runs with, or of its alarms; proven and new. */
  | { type: 'facts'; part: FactPart }
  /** As planned, this node serves nobody and decides nothing from now on: nobody has to watch over it. */
  | { type: 'at-rest' }
  /** The agent is going down; finish what is in hand. */
  | { type: 'stopping'; text: string }

export type ToHeart =
  | { type: 'snapshot'; id: number }
  /** What happened from about this moment on. */
  | { type: 'record'; id: number; fromMs: number }
  /** For a store; told of by `data-news` with the same id. */
  | { type: 'data'; id: number; order: DataOrder }
  /** For the services; told of by `service-news` with the same id. */
  | { type: 'service'; id: number; order: ServiceOrder | DrainOrder }
  /** Services and checks as configured now; told of by `service-news` with the same id. */
  | { type: 'configure'; id: number; watched: Watched }
  /** A move to this node is about to be asked for; null: that is over. */
  | { type: 'announce-move'; node: NodeName | null }
  | { type: 'ask'; node: NodeName; force: boolean }
  /** `force`: this node releases at once, whether or not anybody can take its place. */
  | { type: 'maintenance'; on: boolean; force: boolean }
  | { type: 'fitness' }
  | { type: 'listening'; ok: boolean }
  /** A part of the gate was removed by somebody, could not be put back, or is in force again. */
  | { type: 'gate-place'; place: string; now: 'removed' | 'lost' | 'in-force' }
  /** To be sent to the peer beside the heartbeats: lists of connections, of facts. */
  | { type: 'beside'; datagrams: readonly Uint8Array[] }
  /** Open since takeovers before this start. */
  | { type: 'losses'; losses: readonly LossSnapshot[] }
  | { type: 'stopped' }
