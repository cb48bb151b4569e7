/**
 * Goal: nothing is linked before it was compared, and nothing is lost that was not set aside.
 * Method: a pretend store that writes down the order of what it was asked.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { type RejoinRecord, StoreRejoin } from '../../src/daemon/store-rejoin.ts'
import { AHEAD, FAULT, PretendStore } from '../helpers/pretend-store.ts'

let store: PretendStore
let done: RejoinRecord[]
let trouble: string[]
let nowMs: number
let stillWanted: boolean
let rejoin: StoreRejoin

beforeEach(() => {
  store = new PretendStore('redis')
  done = []
  trouble = []
  nowMs = 1000
  stillWanted = true
  rejoin = new StoreRejoin({
    keeper: { whenStill: async (_wanted, _store, work) => (stillWanted ? work() : null) },
    archives: {
      setAside: (of, _comparison, limitMs) => of.archive(`/archive/${of.name}`, limitMs),
      around: (name, _comparison, write) => write(`/archive/${name}`),
    },
    now: () => nowMs,
    done: (record) => done.push(record),
    trouble: (_store, text) => trouble.push(text),
  })
})

describe('a store that comes back', () => {
  test('with nothing of its own is linked at once', async () => {
    await rejoin.consider(store)
    expect(store.asked).toEqual(['redis compare', 'redis rejoin'])
    expect(done).toMatchObject([{ store: 'redis', archive: null, way: 'resumed' }])
  })

  test.each(['ahead', 'unknown'] as const)(
    'and is %s has it set aside before it is linked',
    async (verdict) => {
      store.comparison = { ...AHEAD, verdict }
      await rejoin.consider(store)
      expect(store.asked).toEqual([
        'redis compare',
        'redis monitor',
        'redis archive',
        'redis rejoin',
      ])
      expect(done[0]?.archive?.paths).toEqual(['/archive/redis'])
    },
  )

  test('is not linked when it could not be set aside', async () => {
    store.comparison = AHEAD
    store.faults['archive'] = { ...FAULT, message: 'the disk is full' }
    for (let tries = 0; tries < 3; tries += 1) {
      await rejoin.consider(store)
      nowMs += 1_000
    }
    expect(store.asked).not.toContain('redis rejoin')
    // A first failure right after a switchover is nothing to talk of.
    expect(trouble).toEqual([
      'is not linked: what only it holds could not be set aside: the disk is full',
    ])
  })

  test('is not linked when it was promoted meanwhile, which is no trouble', async () => {
    stillWanted = false
    await rejoin.consider(store)
    expect([store.asked, done, trouble]).toEqual([['redis compare'], [], []])
  })

  test('that fails is tried again after longer and longer pauses', async () => {
    store.faults['compare'] = FAULT
    const triedMs: number[] = []
    for (; nowMs < 20_000; nowMs += 50) {
      const before = store.asked.length
      await rejoin.consider(store)
      if (store.asked.length > before) triedMs.push(nowMs - 1000)
    }
    expect(triedMs).toEqual([0, 250, 750, 1750, 3750, 7750, 15750])
  })

  test('is tried again at once when what it waited for has come', async () => {
    store.faults['compare'] = FAULT
    await rejoin.consider(store)
    nowMs += 10
    await rejoin.consider(store)
    expect(store.asked).toEqual(['redis compare'])
    store.faults = {}
    rejoin.hurry()
    await rejoin.consider(store)
    expect(store.asked.slice(1)).toEqual(['redis compare', 'redis rejoin'])
  })

  test('is looked at by one try at a time', async () => {
    const release = store.hold('compare')
    const first = rejoin.consider(store)
    await rejoin.consider(store)
    release()
    await first
    expect(store.asked).toEqual(['redis compare', 'redis rejoin'])
  })
})
