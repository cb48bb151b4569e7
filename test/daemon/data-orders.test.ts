/**
 * Goal: what an operator wants done with a store is done as for one that returns, told step by step, and
 * never beside something else that is being done with it. Method: a pretend store in the real parts.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { type DataOrder, DataOrders } from '../../src/daemon/data-orders.ts'
import type { OrderNews } from '../../src/daemon/order-posts.ts'
import {
  type RejoinRecord,
  StoreRejoin,
  type StoreRejoinOptions,
} from '../../src/daemon/store-rejoin.ts'
import { AHEAD, FAULT, PretendStore, turns } from '../helpers/pretend-store.ts'

let store: PretendStore
let told: string[]
let logged: string[]
let done: RejoinRecord[]
let trouble: string[]
let mayRejoin: boolean
let follows: boolean
let still: boolean
let rejoin: StoreRejoin
let orders: DataOrders

beforeEach(() => {
  store = new PretendStore('redis')
  told = []
  logged = []
  done = []
  trouble = []
  mayRejoin = true
  follows = false
  still = true
  const archives: StoreRejoinOptions['archives'] = {
    setAside: (of, _comparison, limitMs) => of.archive('/archive/redis', limitMs),
    around: (_name, _comparison, write) => write('/archive/redis'),
  }
  rejoin = new StoreRejoin({
    keeper: { whenStill: async (_wanted, _store, work) => (still ? work() : null) },
    archives,
    now: () => 1000,
    done: (record) => done.push(record),
    trouble: (_store, text) => trouble.push(text),
  })
  orders = new DataOrders({
    ...{ stores: [store], rejoin, archives },
    mayRejoin: () => mayRejoin,
    follows: () => follows,
    tell: (id, news) => told.push(`${id} ${wordsOf(news)}`),
    log: (severity, _event, text) => logged.push(`${severity} ${text}`),
  })
})

function wordsOf(news: OrderNews): string {
  return news.type === 'step' ? news.sentence : `end: ${news.failed ?? 'done'}`
}

const order = (change: Partial<DataOrder> = {}): DataOrder => ({
  ...{ action: 'rejoin', store: 'redis', copy: false },
  ...change,
})

describe('rejoin', () => {
  test('compares, sets aside and links, and says each', async () => {
    store.comparison = AHEAD
    await orders.obey(7, order())
    expect(told).toEqual([
      '7 redis: compared: 3 are only here',
      '7 redis: 3 set aside',
      '7 end: done',
    ])
    expect(store.asked).toEqual(['redis compare', 'redis monitor', 'redis archive', 'redis rejoin'])
    expect(done).toMatchObject([{ store: 'redis', way: 'resumed' }])
    expect(logged).toEqual(['info an operator asks: rejoin redis'])
  })

  test('with a copy sets everything aside and copies, also what cannot be compared', async () => {
    store.faults['compare'] = FAULT
    follows = true
    await orders.obey(1, order({ copy: true }))
    expect(told).toEqual(['1 redis: copying', '1 end: done'])
    expect(store.asked).toEqual(['redis compare', 'redis copy'])
    expect(done).toMatchObject([
      {
        way: 'copied',
        comparison: { verdict: 'unknown', sentence: 'It could not be compared: it will not' },
      },
    ])
  })

  test('of one that follows does nothing', async () => {
    follows = true
    await orders.obey(1, order())
    expect([told, store.asked]).toEqual([['1 redis follows the peer already', '1 end: done'], []])
  })

  test('without anybody to follow fails before anything is asked', async () => {
    mayRejoin = false
    await orders.obey(1, order({ copy: true }))
    expect([told, store.asked]).toEqual([
      ['1 end: has nobody to follow: the peer does not serve'],
      [],
    ])
  })

  test('that fails says why, and what its return waits for', async () => {
    store.faults['rejoin'] = FAULT
    await orders.obey(1, order())
    expect(told.at(-1)).toBe('1 end: could not be linked to the peer: it will not')
    expect(rejoin.waiting(store)).toBe('could not be linked to the peer: it will not')
    expect(logged.at(-1)).toBe(
      'warning rejoin redis: redis could not be linked to the peer: it will not',
    )
  })

  test('fails when the role changed meanwhile, which for a try of our own is no trouble', async () => {
    still = false
    await orders.obey(1, order())
    expect(told.at(-1)).toBe('1 end: is not linked: the role changed meanwhile')
    rejoin.hurry()
    await rejoin.consider(store)
    expect([trouble, rejoin.waiting(store)]).toEqual([[], null])
    await orders.obey(2, order({ copy: true }))
    expect(told.at(-1)).toBe('2 end: could not be copied anew: the role changed')
  })

  test('waits for a try that is under way, and is not done beside what another asked for', async () => {
    const release = store.hold('compare')
    const automatic = rejoin.consider(store)
    await turns()
    expect(rejoin.waiting(store)).toBe('is being compared and linked')
    const first = orders.obey(1, order({ copy: true }))
    await turns()
    expect(told).toEqual([])
    const releaseCopy = store.hold('copy')
    release()
    await automatic
    await turns()
    expect(rejoin.waiting(store)).toBe('is being copied anew from the peer')
    await orders.obey(2, order())
    await rejoin.consider(store)
    releaseCopy()
    await first
    expect(told).toEqual([
      '1 redis: copying',
      '2 end: it is being copied anew from the peer at this moment; wait for its end',
      '1 end: done',
    ])
    expect(rejoin.waiting(store)).toBeNull()
  })

  test('of a store that is not known fails', async () => {
    await orders.obey(1, order({ store: 'mysql' }))
    expect(told).toEqual(['1 end: is not known to this agent'])
  })
})

describe('archive', () => {
  test('sets aside and names every file', async () => {
    await orders.obey(1, order({ action: 'archive' }))
    expect(told).toEqual([
      '1 redis: compared: the peer has it all',
      '1 redis: 3 set aside',
      '1 wrote /archive/redis',
      '1 end: done',
    ])
    expect(store.asked).toEqual(['redis compare', 'redis archive'])
  })

  test('needs no peer, and says why it failed', async () => {
    store.faults = { compare: FAULT, archive: { ...FAULT, message: 'the disk is full' } }
    mayRejoin = false
    await orders.obey(1, order({ action: 'archive' }))
    expect(told).toEqual(['1 end: could not be set aside: the disk is full'])
  })
})

describe('a return that fails again and again', () => {
  test('sets the same content aside once, and again when it changed', async () => {
    store.comparison = { verdict: 'unknown', ours: null, sentence: 'cannot be told' }
    store.faults['rejoin'] = FAULT
    const archived = (): number => store.asked.filter((call) => call === 'redis archive').length
    for (let turn = 0; turn < 3; turn += 1) await orders.obey(turn, order())
    expect(archived()).toBe(1)
    store.report = { ...store.report, position: { history: 'a', offset: 8 } }
    await orders.obey(3, order())
    expect(archived()).toBe(2)
    delete store.faults['rejoin']
    await orders.obey(4, order())
    expect(archived()).toBe(2)
    // Linked: what comes after is another matter.
    await orders.obey(5, order())
    expect(archived()).toBe(3)
  })
})
