/**
 * Goal: the stores follow the role as one, and an order that came later makes an earlier one void.
 * Method: pretend stores that write down what they were asked; time is turns of promises.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { STORE_LIMITS, StoreKeeper, type StoreNews } from '../../src/daemon/store-keeper.ts'
import { FAULT, PretendStore, REPORT, turns } from '../helpers/pretend-store.ts'

let asked: string[]
let one: PretendStore
let two: PretendStore
let told: StoreNews[]
let sick: Set<unknown>
let nowMs: number
/** Time goes on with every wait, unless a test stops it here. */
let stopped: Promise<void> | null
let keeper: StoreKeeper

beforeEach(() => {
  asked = []
  one = new PretendStore('one', asked)
  two = new PretendStore('two', asked)
  told = []
  sick = new Set()
  nowMs = 0
  stopped = null
  keeper = new StoreKeeper({
    stores: [one, two],
    limits: STORE_LIMITS,
    // Steps are for the operator who watches; what became of all is told beside them.
    tell: (news) => {
      if (news.type !== 'step') told.push(news)
    },
    now: () => nowMs,
    wait: async (ms) => {
      if (stopped !== null) return stopped
      nowMs += ms
      await turns(1)
    },
    isSick: (store) => sick.has(store),
    peerFollowed: () => true,
    proves: () => true,
    peerApplied: () => true,
  })
})

describe('a promotion', () => {
  test('applies what was received first, then lets applications write, and tells', async () => {
    await keeper.promote()
    expect(asked.filter((line) => line.startsWith('one'))).toEqual(['one drain', 'one promote'])
    const positions = new Map([one, two].map(({ name, report }) => [name, report.position]))
    expect(told).toEqual([{ type: 'promoted', durationMs: 0, positions }])
    expect(keeper.wanted).toBe('writable')
  })

  test('of a store that will not is tried again, said once, and told when it worked', async () => {
    one.faults['promote'] = FAULT
    const done = keeper.promote()
    await turns()
    expect(told.map(({ type }) => type)).toEqual(['trouble'])
    one.faults = {}
    await done
    expect(told.map(({ type }) => type)).toEqual(['trouble', 'promoted'])
  })

  test('of a store that hangs does not keep it from being ended for a handover', async () => {
    one.freezesAtOnce = false
    two.report = { ...REPORT, role: 'writable' }
    one.faults = { promote: FAULT, freeze: FAULT }
    let goOn = (): void => undefined
    stopped = new Promise((resolve) => {
      goOn = resolve
    })
    const promoting = keeper.promote()
    await turns()
    sick.add(one)
    await keeper.freeze(500)
    await keeper.demote()
    goOn()
    await promoting
    expect(asked).toContain('one kill')
    expect(told.map(({ type }) => type)).toEqual(['trouble', 'trouble', 'frozen', 'demoted'])
  })

  test('goes on when a freeze was taken back', async () => {
    one.faults = { promote: FAULT }
    const promoting = keeper.promote()
    await turns()
    const freezing = keeper.freeze(500)
    one.faults = {}
    await freezing
    asked.length = 0
    await keeper.unfreeze()
    await promoting
    expect(asked).toContain('one promote')
    expect(told.at(-1)?.type).toBe('promoted')
  })

  test('ends when the node is to be demoted meanwhile, and is not told', async () => {
    const release = one.hold('drain')
    const promoting = keeper.promote()
    await turns()
    const demoting = keeper.demote()
    release()
    await Promise.all([promoting, demoting])
    expect(told).toEqual([{ type: 'demoted' }])
    expect(asked.filter((line) => line.startsWith('one')).at(-3)).toBe('one demote')
  })
})

describe('a start of the agent', () => {
  test('leaves a store that follows the peer as it is, and demotes every other', async () => {
    two.report = { ...REPORT, following: false }
    await keeper.demoteAtStart()
    expect(asked.filter((line) => line.startsWith('one'))).toEqual(['one monitor'])
    expect(asked.filter((line) => line.startsWith('two'))).toEqual([
      'two monitor',
      'two demote',
      'two unfreeze',
      'two dropClients',
    ])
    expect(told).toEqual([{ type: 'demoted' }])
  })

  test('demotes a store that takes writes, and one that does not say what it is', async () => {
    one.report = { ...REPORT, role: 'writable' }
    two.faults['monitor'] = FAULT
    await keeper.demoteAtStart()
    expect(asked.filter((line) => line.endsWith(' demote')).toSorted()).toEqual([
      'one demote',
      'two demote',
    ])
  })
})

describe('a store that takes writes although it is to be read-only', () => {
  beforeEach(() => {
    one.report = { ...REPORT, role: 'writable' }
  })

  test('is demoted again, once at a time', async () => {
    const release = one.hold('monitor')
    const again = [keeper.demoteAgain(one), keeper.demoteAgain(one)]
    release()
    await Promise.all(again)
    expect(asked).toEqual(['one monitor', 'one demote', 'one unfreeze', 'one dropClients'])
    await keeper.demoteAgain(one)
    expect(asked.filter((line) => line === 'one demote')).toHaveLength(2)
  })

  test('is left alone when it is so no longer, or when it is to take writes by then', async () => {
    one.report = REPORT
    await keeper.demoteAgain(one)
    expect(asked).toEqual(['one monitor'])
    one.report = { ...REPORT, role: 'writable' }
    await keeper.promote()
    await keeper.demoteAgain(one)
    expect(asked).not.toContain('one demote')
  })
})

describe('a demotion', () => {
  test('makes every store read-only, drops its clients, and tells', async () => {
    await keeper.demote()
    expect(asked.toSorted()).toEqual([
      'one demote',
      'one dropClients',
      'one unfreeze',
      'two demote',
      'two dropClients',
      'two unfreeze',
    ])
    expect(told).toEqual([{ type: 'demoted' }])
  })

  test('ends the process of a store that cannot be made read-only', async () => {
    one.faults['demote'] = { code: 'HA_STORE_TIMEOUT', message: 'no answer within 2000 ms' }
    await keeper.demote()
    expect(asked).toContain('one kill')
    expect(told.at(-1)).toEqual({ type: 'demoted' })
  })

  test('takes a store that nobody can reach for one that nobody can write to', async () => {
    one.faults['demote'] = { code: 'HA_STORE_UNREACHABLE', message: 'refused' }
    await keeper.demote()
    expect(asked).not.toContain('one kill')
    expect(told).toEqual([{ type: 'demoted' }])
  })
})

describe('a freeze', () => {
  beforeEach(async () => {
    await keeper.promote()
    asked.length = 0
    told.length = 0
  })

  test('is told when all stores stand still and the peer has everything', async () => {
    await keeper.freeze(500)
    const reached = asked.indexOf('one peerReached')
    expect(reached).toBeGreaterThan(asked.indexOf('two freeze'))
    const positions = new Map([
      ['one', one.report.position],
      ['two', two.report.position],
    ])
    expect(told).toEqual([{ type: 'frozen', positions, applied: new Set() }])
  })

  test('of which one store will not stand still is taken back from all, and says why', async () => {
    two.faults['freeze'] = { code: 'HA_STORE_REFUSED', message: 'a statement runs for 3 s' }
    await keeper.freeze(500)
    expect(asked).not.toContain('one peerReached')
    expect(asked.filter((line) => line.endsWith('unfreeze')).toSorted()).toEqual([
      'one unfreeze',
      'two unfreeze',
    ])
    expect(told).toEqual([
      { type: 'not-frozen', why: 'two could not be frozen: a statement runs for 3 s' },
    ])
  })

  test('ends what hangs, says so, and asks nobody whether one that cannot be reached was ended', async () => {
    sick.add(one)
    one.freezesAtOnce = false
    two.report = { ...REPORT, role: 'writable' }
    one.faults = {
      freeze: { code: 'HA_STORE_TIMEOUT', message: 'no answer' },
      kill: { code: 'HA_STORE_REFUSED', message: 'its process is not known' },
    }
    await keeper.freeze(500)
    expect(told).toEqual([
      {
        type: 'trouble',
        store: 'one',
        text: 'does not stand still, its process is ended before the peer takes over: no answer',
      },
      {
        type: 'not-frozen',
        why: 'one neither stands still nor could be ended: its process is not known',
      },
    ])
    one.faults['freeze'] = { code: 'HA_STORE_UNREACHABLE', message: 'nobody listens' }
    await keeper.freeze(500)
    expect(told.at(-1)).toMatchObject({ type: 'frozen', applied: new Set(['one']) })
  })

  test('that was given up meanwhile is not told when its slow end comes, also not as a later one', async () => {
    sick.add(one)
    one.faults['freeze'] = { code: 'HA_STORE_TIMEOUT', message: 'no answer' }
    const release = one.hold('kill')
    const first = keeper.freeze(500)
    await turns()
    const givenUp = keeper.unfreeze()
    await turns()
    const second = keeper.freeze(500)
    await turns()
    const tellings = told.filter(({ type }) => type === 'frozen').length
    release()
    await Promise.all([first, givenUp, second])
    expect([tellings, told.filter(({ type }) => type === 'frozen').length]).toEqual([0, 1])
    expect(keeper.frozen).toBe(true)
  })

  test('is not told of a node that was demoted meanwhile, and not taken back', async () => {
    const release = one.hold('freeze')
    const freezing = keeper.freeze(500)
    await turns()
    const demoting = keeper.demote()
    release()
    await Promise.all([freezing, demoting])
    expect(told).toEqual([{ type: 'demoted' }])
    expect(asked.indexOf('one unfreeze')).toBeGreaterThan(asked.indexOf('one demote'))
  })
})

test('behind a store that hangs, what was frozen is given free once', async () => {
  await keeper.promote()
  const release = one.hold('freeze')
  const first = keeper.freeze(500)
  await turns()
  const ends = [keeper.unfreeze(), keeper.unfreeze(), keeper.unfreeze()]
  release()
  await Promise.all([first, ...ends])
  expect(asked.filter((line) => line === 'one unfreeze')).toHaveLength(1)
  expect(keeper.frozen).toBe(false)
})

test('a store is promoted again once at a time', async () => {
  await keeper.promote()
  asked.length = 0
  const release = one.hold('promote')
  const both = [keeper.promoteAgain(one), keeper.promoteAgain(one)]
  release()
  expect(await Promise.all(both)).toEqual([true, false])
  expect(asked).toEqual(['one drain', 'one promote'])
})

test('a node that is read-only is never given free', async () => {
  await keeper.demote()
  asked.length = 0
  await keeper.unfreeze()
  expect(asked).toEqual([])
})

test('a store whose server was started again is promoted again, but only while the node serves and is not frozen', async () => {
  await keeper.promote()
  asked.length = 0
  await keeper.promoteAgain(one)
  expect(asked).toEqual(['one drain', 'one promote'])
  await keeper.freeze(500)
  asked.length = 0
  await keeper.promoteAgain(one)
  expect(asked).toEqual([])
  await keeper.unfreeze()
  await keeper.demote()
  asked.length = 0
  await keeper.promoteAgain(one)
  expect(asked).toEqual([])
})

test('work that an order made void is left out', async () => {
  await keeper.demote()
  const release = one.hold('drain')
  const linked = keeper.promote()
  const late = keeper.whenStill('read-only', one, async () => 'linked')
  release()
  await linked
  expect(await late).toBeNull()
  await keeper.demote()
  expect(await keeper.whenStill('read-only', one, async () => 'linked')).toBe('linked')
})
