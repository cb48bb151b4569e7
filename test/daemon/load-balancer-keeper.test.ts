/**
 * Goal: load-balancers have of the pair what they are to have: told at once, told again when they forgot, left
 * alone by a node that does not serve; an operator's word holds on both nodes and through every change.
 * Method: two keepers that hear each other, over one pretended dispatcher, on a clock of the test's.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import type { LoadBalancerConfig } from '../../src/config/config.ts'
import { type DrainWord, NO_WORD, type SeenState } from '../../src/core/drain.ts'
import { LoadBalancerKeeper } from '../../src/daemon/load-balancer-keeper.ts'
import type { OrderNews } from '../../src/daemon/order-posts.ts'
import type { LoadBalancer } from '../../src/resources/load-balancer.ts'

const CONFIG: LoadBalancerConfig = {
  ...{ name: 'edge1', kind: 'kamailio', address: '192.0.2.10', port: 5064 },
  ...{ set: 1, destination: 'sip:192.0.2.50' },
}

let nowMs = 0
let sleeping: { atMs: number; wake: () => void }[] = []

async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve()
}

async function pass(ms: number): Promise<void> {
  const endMs = nowMs + ms
  await settle()
  for (;;) {
    const next = sleeping.toSorted((one, other) => one.atMs - other.atMs)[0]
    if (next === undefined || next.atMs > endMs) break
    sleeping = sleeping.filter((one) => one !== next)
    nowMs = next.atMs
    next.wake()
    await settle()
  }
  nowMs = endMs
}

/** The dispatcher in front of the pair; what it was told, by whom. */
class Dispatcher {
  state: SeenState | 'dead' = 'active'
  readonly told: string[] = []

  door(node: string): LoadBalancer {
    return {
      look: async () =>
        this.state === 'dead' ? { ok: false, message: 'silent' } : { ok: true, seen: this.state },
      tell: async (state) => {
        if (this.state === 'dead') return 'silent'
        this.state = state
        this.told.push(`${node}: ${state}`)
        return null
      },
    }
  }

  /** Reads its list again, or starts anew. */
  forget(): void {
    this.state = 'active'
  }
}

class Node {
  readonly keeper: LoadBalancerKeeper
  readonly news: OrderNews[] = []
  /** What is on its disk. */
  disk: DrainWord
  full = false
  peer: Node | null = null
  logged: string[] = []

  constructor(name: string, dispatcher: Dispatcher, disk: DrainWord = NO_WORD) {
    this.disk = disk
    this.keeper = new LoadBalancerKeeper({
      balancers: [{ config: CONFIG, balancer: dispatcher.door(name) }],
      word: disk,
      keep: async (word) => {
        if (this.full) return 'the disk is full'
        this.disk = word
        return null
      },
      send: (word) => void this.peer?.keeper.hear(word),
      now: () => nowMs,
      wait: (ms) =>
        new Promise((wake) => {
          sleeping.push({ atMs: nowMs + ms, wake })
        }),
      changed: () => undefined,
      log: (severity, event, text) => this.logged.push(`${severity} ${event}: ${text}`),
      news: (_id, news) => this.news.push(news),
    })
    this.keeper.start()
  }

  get seen() {
    const [snapshot] = this.keeper.snapshots
    return [snapshot?.wanted, snapshot?.seen, snapshot?.trouble]
  }

  get failed(): string | null | undefined {
    const end = this.news.find((news) => news.type === 'end')
    return end?.type === 'end' ? end.failed : undefined
  }
}

let dispatcher: Dispatcher
let sp1: Node
let sp2: Node

function link(): void {
  sp1.peer = sp2
  sp2.peer = sp1
}

beforeEach(() => {
  nowMs = 0
  sleeping = []
  dispatcher = new Dispatcher()
  sp1 = new Node('sp1', dispatcher)
  sp2 = new Node('sp2', dispatcher)
  link()
})

describe('the node that serves', () => {
  test('says so at once, also to probes that found nobody a moment ago', async () => {
    dispatcher.state = 'down'
    await pass(1)
    sp1.keeper.serve(true)
    await pass(1)
    expect(dispatcher.told).toEqual(['sp1: active'])
    expect([sp1.seen, sp2.seen[0]]).toEqual([['active', 'active', null], null])
  })

  test('leaves it to their own probes after that, and tells an operator', async () => {
    sp1.keeper.serve(true)
    await pass(1)
    dispatcher.state = 'down'
    await pass(20_000)
    expect(dispatcher.told).toEqual([])
    expect(sp1.seen).toEqual(['active', 'down', 'its own probes get no answer from sip:192.0.2.50'])
  })

  test('says it again where somebody drained it, within five seconds', async () => {
    sp1.keeper.serve(true)
    await pass(1)
    dispatcher.state = 'drained'
    await pass(5_000)
    expect(dispatcher.told).toEqual(['sp1: active'])
  })

  test('that cannot serve well drains, once nobody took its place for a while, and takes it back', async () => {
    sp1.keeper.serve(true)
    sp1.keeper.stand({ unfit: true, released: false })
    await pass(4_900)
    expect(dispatcher.told).toEqual([])
    await pass(5_100)
    expect(dispatcher.told).toEqual(['sp1: drained'])
    sp1.keeper.stand({ unfit: false, released: false })
    await pass(5_000)
    expect(dispatcher.told).toEqual(['sp1: drained', 'sp1: active'])
  })

  test.each([
    [true, ['sp1: drained']],
    [false, []],
  ])(
    'drains as its last word when its agent ends as planned (%s); a standby says nothing',
    async (planned, told) => {
      sp1.keeper.serve(true)
      await pass(1)
      await Promise.all([sp1.keeper.stop(planned), sp2.keeper.stop(true)])
      expect(dispatcher.told).toEqual(told)
    },
  )
})

describe('the node that does not serve', () => {
  test('looks and says nothing', async () => {
    dispatcher.state = 'drained'
    await pass(60_000)
    expect([dispatcher.told, sp1.seen]).toEqual([[], [null, 'drained', null]])
  })

  test('drains once after it gave up and nobody came', async () => {
    sp1.keeper.serve(true)
    await pass(1)
    sp1.keeper.serve(false)
    sp1.keeper.stand({ unfit: false, released: true })
    await pass(10_000)
    expect(dispatcher.told).toEqual(['sp1: drained'])
    // Whoever changes it now serves.
    dispatcher.state = 'active'
    await pass(30_000)
    expect(dispatcher.told).toEqual(['sp1: drained'])
  })
})

describe('an operator drains the pair', () => {
  test('on the node that serves: done when it is so, on both disks', async () => {
    sp1.keeper.serve(true)
    await pass(1)
    void sp1.keeper.obey(1, true)
    await pass(1_000)
    expect(sp1.failed).toBeNull()
    expect(sp1.news.flatMap((news) => (news.type === 'step' ? news.sentence : []))).toEqual([
      'kept on this node: the pair is to be drained',
      'edge1 sends no new calls',
    ])
    expect([sp1.disk, sp2.disk]).toEqual([
      { count: 1, drained: true },
      { count: 1, drained: true },
    ])
    void sp1.keeper.obey(2, false)
    await pass(1_000)
    expect(dispatcher.told).toEqual(['sp1: drained', 'sp1: active'])
  })

  test('on the other node, which has the one that serves tell it', async () => {
    sp1.keeper.serve(true)
    await pass(1)
    void sp2.keeper.obey(1, true)
    await pass(2_000)
    expect([sp2.failed, dispatcher.told]).toEqual([null, ['sp1: drained']])
  })

  test('and it holds through reload, change of role and new agents', async () => {
    sp1.keeper.serve(true)
    void sp1.keeper.obey(1, true)
    await pass(1_000)
    dispatcher.forget()
    await pass(5_000)
    expect(dispatcher.told).toEqual(['sp1: drained', 'sp1: drained'])
    sp1.keeper.serve(false)
    sp2.keeper.serve(true)
    dispatcher.forget()
    await pass(5_000)
    expect(dispatcher.told.slice(2)).toEqual(['sp2: drained'])
    await sp2.keeper.stop(true)
    sp2 = new Node('sp2', dispatcher, sp2.disk)
    link()
    sp2.keeper.serve(true)
    dispatcher.forget()
    await pass(5_000)
    expect([dispatcher.state, sp2.seen[0]]).toEqual(['drained', 'drained'])
  })

  test('and a node that was down, or lost its disk, learns of it', async () => {
    sp1.keeper.serve(true)
    sp1.peer = null
    void sp1.keeper.obey(1, true)
    await pass(1_000)
    expect(sp2.keeper.drained).toBe(false)
    link()
    await pass(5_000)
    expect([sp2.keeper.drained, sp2.disk]).toEqual([true, { count: 1, drained: true }])
  })

  test('and an old word of the peer changes nothing, but is answered', async () => {
    void sp1.keeper.obey(1, true)
    await pass(1)
    void sp1.keeper.obey(2, false)
    await pass(1)
    sp2.peer = null
    await sp1.keeper.hear({ count: 1, drained: true })
    expect([sp1.keeper.drained, sp2.keeper.drained]).toEqual([false, false])
    expect(sp2.disk.count).toBe(2)
  })

  test('but not where it cannot be kept', async () => {
    sp1.keeper.serve(true)
    await pass(1)
    sp1.full = true
    void sp1.keeper.obey(1, true)
    await pass(1_000)
    expect(sp1.failed).toBe('it cannot be kept: the disk is full')
    expect([sp1.keeper.drained, dispatcher.told]).toEqual([false, []])
  })

  test('and is told what was not seen to know it, while it is tried on', async () => {
    sp1.keeper.serve(true)
    await pass(1)
    dispatcher.state = 'dead'
    void sp1.keeper.obey(1, true)
    await pass(11_000)
    expect(sp1.failed).toBe(
      'it is tried on, but within 10 s not all were seen to know it: edge1: silent',
    )
    dispatcher.forget()
    await pass(1_000)
    expect(dispatcher.told).toEqual(['sp1: drained'])
  })

  test('and is told that nobody is there to say it', async () => {
    void sp1.keeper.obey(1, true)
    await pass(11_000)
    expect(sp1.failed).toMatch(/edge1: it has the pair as active; no node serves\?$/)
    expect(sp1.disk.drained).toBe(true)
  })
})

test('a load-balancer that does not answer is in trouble the second time, and asked more often', async () => {
  sp1.keeper.serve(true)
  await pass(1)
  dispatcher.state = 'dead'
  await pass(5_000)
  expect(sp1.seen).toEqual(['active', 'active', null])
  await pass(1_000)
  expect(sp1.seen).toEqual(['active', null, 'silent'])
  dispatcher.state = 'drained'
  await pass(1_000)
  expect(sp1.seen).toEqual(['active', 'active', null])
})
