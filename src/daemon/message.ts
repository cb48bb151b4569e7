/**
 * What do heart and control thread say to each other?
 *
 * The heart (main thread) decides and keeps time; the control thread answers operators, writes the
 * log and the history. Neither ever waits for the other.
 */
import type { LossSnapshot, Snapshot, Transition } from '../control/snapshot.ts'
import type { NodeName } from '../core/policy.ts'
import type { PairKey } from '../wire/key.ts'
import type { DataNews, DataOrder } from './data-orders.ts'

export type Severity = 'info' | 'warning' | 'error'

export type FromHeart =
  | { type: 'snapshot'; id: number; snapshot: Snapshot }
  | { type: 'transition'; transition: Transition }
  /** What a takeover may have lost of a store, or was found to have. */
  | { type: 'lost'; loss: LossSnapshot }
  | { type: 'log'; severity: Severity; event: string; text: string }
  /** Whether this node may serve changed; comes back when the peer knows our clients. */
  | { type: 'fitness' }
  | { type: 'data-news'; id: number; news: DataNews }
  /** The key file was read again. */
  | { type: 'keys'; keys: readonly PairKey[] }
  /** The agent is going down; finish what is in hand. */
  | { type: 'stopping'; text: string }

export type ToHeart =
  | { type: 'snapshot'; id: number }
  /** For a store; told of by `data-news` with the same id. */
  | { type: 'data'; id: number; order: DataOrder }
  | { type: 'ask'; node: NodeName; force: boolean }
  /** `force`: this node releases at once, whether or not anybody can take its place. */
  | { type: 'maintenance'; on: boolean; force: boolean }
  | { type: 'fitness' }
  | { type: 'listening'; ok: boolean }
  /** A part of the gate was removed by somebody, could not be put back, or is in force again. */
  | { type: 'gate-place'; place: string; now: 'removed' | 'lost' | 'in-force' }
  /** Lists of the clients' connections, to be sent to the peer. */
  | { type: 'connections'; datagrams: readonly Uint8Array[] }
  /** Open since takeovers before this start. */
  | { type: 'losses'; losses: readonly LossSnapshot[] }
  | { type: 'stopped' }
