/**
 * What do the heart and the thread of the stores say to each other?
 *
 * The heart orders and goes on; the thread tells the end. Neither ever waits for the other.
 */

import type { StoreConfig } from '../config/config.ts'
import type { StoreSnapshot } from '../control/snapshot.ts'
import type { Severity } from './message.ts'

/** What the main thread hands over at start. */
export interface StoresThreadData {
  stores: readonly StoreConfig[]
  /** Archives of what would be lost are kept below it. */
  stateDir: string
  /** How long the server may hold writes back by itself before it goes on alone. */
  semiSyncTimeoutMs: number
}

export type ToStores =
  | { type: 'promote' }
  | { type: 'demote' }
  | { type: 'freeze'; limitMs: number }
  | { type: 'unfreeze' }
  | { type: 'confirm'; alone: boolean }
  /** The peer serves, so there is somebody to follow; or it does not. */
  | { type: 'peer-serves'; serves: boolean }
  | { type: 'stop' }

export type FromStores =
  | { type: 'promoted'; durationMs: number }
  | { type: 'demoted' }
  /** Offsets of the frozen stores, by name. */
  | { type: 'frozen'; offsets: ReadonlyMap<string, number> }
  | { type: 'looked'; stores: readonly StoreSnapshot[] }
  | { type: 'health'; healthy: boolean }
  | { type: 'log'; severity: Severity; event: string; text: string }
  /** They cannot be kept at all. */
  | { type: 'failed'; why: string }
  | { type: 'stopped' }
