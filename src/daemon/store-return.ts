/**
 * What belongs to the return of a store? The parts that compare, set aside and link, that know who served
 * last, and that obey an operator, put together once for the thread of the stores.
 */
import { join } from 'node:path'
import type { ReplicatedStore } from '../resources/replicated-store.ts'
import { ArchiveKeeper } from './archive-keeper.ts'
import { DataOrders } from './data-orders.ts'
import { LastServed } from './last-served.ts'
import type { StoreKeeper } from './store-keeper.ts'
import type { FromStores, StoresThreadData } from './store-message.ts'
import { type RejoinRecord, StoreRejoin } from './store-rejoin.ts'

export interface StoreReturnDoors {
  data: StoresThreadData
  stores: readonly ReplicatedStore[]
  keeper: StoreKeeper
  now: () => number
  wait: (ms: number) => Promise<void>
  tell: (message: FromStores) => void
  log: (severity: 'info' | 'warning' | 'error', event: string, text: string) => void
  done: (record: RejoinRecord) => void
  /** Applications do not write here, and there is an active store to follow. */
  mayRejoin: () => boolean
  follows: (store: ReplicatedStore) => boolean
}

export interface StoreReturn {
  lastServed: LastServed
  rejoin: StoreRejoin
  orders: DataOrders
}

export function storeReturn(doors: StoreReturnDoors): StoreReturn {
  const { data, stores, keeper, now, wait, tell, log, done, mayRejoin, follows } = doors
  const nowIso = (): string => new Date().toISOString()
  const lastServed = new LastServed({
    stateDir: data.stateDir,
    before: data.before,
    nowIso,
    wait,
    caughtUp: () => tell({ type: 'caught-up' }),
    trouble: (message) => {
      if (message === null) log('info', 'last-served', 'who serves is on disk now')
      else
        log('error', 'last-served', `who serves cannot be written down: ${message}; trying again`)
    },
  })
  const archives = new ArchiveKeeper({
    root: join(data.stateDir, 'archive'),
    kept: (name) => data.stores.find((store) => store.name === name)?.archivesKept ?? 1,
    nowIso,
    told: (severity, text) => log(severity, 'archive', text),
  })
  const rejoin = new StoreRejoin({
    keeper,
    archives,
    now,
    done: (record) => {
      done(record)
      logReturn(record, log)
    },
    trouble: (store, text) => log('error', 'store-rejoin', `${store.name} ${text}`),
  })
  const orders = new DataOrders({
    ...{ stores, rejoin, archives, log, mayRejoin, follows },
    tell: (id, news) => tell({ type: 'data-news', id, news }),
  })
  return { lastServed, rejoin, orders }
}

function logReturn(record: RejoinRecord, log: StoreReturnDoors['log']): void {
  const { store, comparison, archive, way } = record
  const kept = archive === null ? '' : `; set aside: ${archive.paths.join(', ')}`
  log(
    archive === null ? 'info' : 'warning',
    'store-rejoined',
    `${store} follows the peer (${way}): ${comparison.sentence}${kept}`,
  )
}
