/**
 * What does an operator want done with a store, and what became of it? On the thread of the stores.
 *
 * The ways are those of a returning store (`store-rejoin.ts`), asked for by a person: now, with every
 * step told, and with a whole copy where the store cannot find back by itself. Whether the request fits
 * the role was asked before (`data-operation.ts`); what changed since is a failure with its reason here.
 */
import type { ReplicatedStore } from '../resources/replicated-store.ts'
import type { ArchiveKeeper } from './archive-keeper.ts'
import type { OrderNews } from './order-posts.ts'
import { ARCHIVE_MS, COMPARE_MS, type StoreRejoin } from './store-rejoin.ts'

export interface DataOrder {
  action: 'archive' | 'rejoin'
  store: string
  /** Rejoin: everything is set aside and copied anew. */
  copy: boolean
}

export interface DataOrdersOptions {
  stores: readonly ReplicatedStore[]
  rejoin: Pick<StoreRejoin, 'now' | 'exclusively'>
  archives: Pick<ArchiveKeeper, 'setAside'>
  /** Applications do not write here, and there is an active store to follow. */
  mayRejoin: () => boolean
  follows: (store: ReplicatedStore) => boolean
  tell: (id: number, news: OrderNews) => void
  log: (severity: 'info' | 'warning', event: string, text: string) => void
}

export class DataOrders {
  readonly #options: DataOrdersOptions

  constructor(options: DataOrdersOptions) {
    this.#options = options
  }

  /** Carries one order out; told under its id, with its end last. */
  async obey(id: number, order: DataOrder): Promise<void> {
    const { tell, log } = this.#options
    const what = `${order.action} ${order.store}${order.copy ? ', copied anew' : ''}`
    log('info', 'data', `an operator asks: ${what}`)
    const failed = await this.#carryOut(order, (sentence) => tell(id, { type: 'step', sentence }))
    if (failed !== null) log('warning', 'data', `${what}: ${order.store} ${failed}`)
    tell(id, { type: 'end', failed })
  }

  /** @returns what went wrong, a clause that continues the name of the store; null when it is done */
  async #carryOut(order: DataOrder, tell: (sentence: string) => void): Promise<string | null> {
    const { stores, mayRejoin, follows, rejoin } = this.#options
    const store = stores.find(({ name }) => name === order.store)
    if (store === undefined) return 'is not known to this agent'
    if (order.action === 'archive') return this.#archive(store, tell)
    if (!mayRejoin()) return 'has nobody to follow: the peer does not serve'
    if (!order.copy && follows(store)) {
      tell(`${store.name} follows the peer already`)
      return null
    }
    return rejoin.now(store, order.copy, (progress) => tell(`${store.name}: ${progress}`))
  }

  #archive(store: ReplicatedStore, tell: (sentence: string) => void): Promise<string | null> {
    const { rejoin, archives } = this.#options
    return rejoin.exclusively(store, 'is being set aside', async () => {
      const compared = await store.compare(COMPARE_MS)
      if (compared.ok) tell(`${store.name}: compared: ${compared.value.sentence}`)
      const made = await archives.setAside(store, compared.ok ? compared.value : null, ARCHIVE_MS)
      if (!made.ok) return `could not be set aside: ${made.fault.message}`
      tell(`${store.name}: ${made.value.sentence}`)
      for (const path of made.value.paths) tell(`wrote ${path}`)
      return null
    })
  }
}
