/**
 * Goal: all stores stand still and the peer has everything, or it is said why not; each works for as long as it
 * can, and no process is ended for nothing. Method: pretend stores that write down what they were asked.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { type FreezeEnd, StoreFreeze } from '../../src/daemon/store-freeze.ts'
import type { StoreFault } from '../../src/resources/replicated-store.ts'
import { PretendStore, REPORT, turns } from '../helpers/pretend-store.ts'

const SILENT: StoreFault = { code: 'HA_STORE_TIMEOUT', message: 'no answer' }
const LIMIT_MS = 500

let asked: string[]
/** Waits for what is running. */
let slow: PretendStore
let quick: PretendStore
let sick: Set<unknown>
let leftBehind: Set<unknown>
/** What the peer has applied, and when it looked. */
let peerApplied: (name: string, sinceMs: number) => boolean
let wanted: boolean
let nowMs: number

beforeEach(() => {
  asked = []
  slow = new PretendStore('slow', asked)
  slow.freezesAtOnce = false
  quick = new PretendStore('quick', asked)
  for (const store of [slow, quick]) store.report = { ...REPORT, role: 'writable' }
  sick = new Set()
  leftBehind = new Set()
  peerApplied = () => true
  wanted = true
  nowMs = 0
})

function freeze(): Promise<FreezeEnd | null> {
  return new StoreFreeze({
    stores: [quick, slow],
    limitMs: LIMIT_MS,
    now: () => nowMs,
    wait: async (ms) => {
      nowMs += ms
      await turns(1)
    },
    inTurn: (_store, work) => work(),
    wanted: () => wanted,
    isSick: (store) => sick.has(store),
    peerFollowed: (store) => !leftBehind.has(store),
    proves: ({ name }) => name === 'slow',
    peerApplied: ({ name }, sinceMs) => peerApplied(name, sinceMs),
    end: async (store) => {
      const killed = await store.kill()
      return killed.ok ? null : killed.fault
    },
    step: () => {},
  }).run()
}

const frozen = (...stores: PretendStore[]): FreezeEnd => ({
  type: 'frozen',
  positions: new Map(stores.map(({ name, report }) => [name, report.position])),
  applied: new Set(),
})

describe('well stores', () => {
  test('stand still one after the other, those last that do so at once, and the peer has it all', async () => {
    expect(await freeze()).toEqual(frozen(slow, quick))
    expect(asked.slice(0, 2)).toEqual(['slow freeze', 'quick freeze'])
    expect(asked.slice(2).toSorted()).toEqual(['quick peerReached', 'slow peerReached'])
  })

  test('are held up at none that stands still at once when a slow one refuses', async () => {
    slow.faults['freeze'] = { code: 'HA_STORE_REFUSED', message: 'a statement runs for 3 s' }
    const why = 'slow could not be frozen: a statement runs for 3 s'
    expect(await freeze()).toEqual({ type: 'not-frozen', why })
    expect(asked).toEqual(['slow freeze'])
  })

  test('of which one does not reach the peer keep the role here', async () => {
    quick.faults['peerReached'] = { code: 'HA_STORE_TIMEOUT', message: '12 behind after 400 ms' }
    const why = 'quick did not reach the peer in time: 12 behind after 400 ms'
    expect(await freeze()).toEqual({ type: 'not-frozen', why })
  })

  test('are asked nothing more once something else was ordered', async () => {
    const release = slow.hold('freeze')
    const freezing = freeze()
    await turns()
    wanted = false
    release()
    expect(await freezing).toBeNull()
    expect(asked).toEqual(['slow freeze'])
  })
})

describe('a sick store', () => {
  test('that stands still is handed over like a well one', async () => {
    for (const store of [slow, quick]) sick.add(store)
    expect(await freeze()).toEqual(frozen(slow, quick))
    expect(asked).not.toContain('slow kill')
  })

  test('that does not stand still is ended while those that stand still at once go on working', async () => {
    for (const store of [slow, quick]) sick.add(store)
    slow.faults['freeze'] = SILENT
    expect(await freeze()).toEqual({ ...frozen(quick), applied: new Set(['slow']) })
    expect(asked.filter((line) => line.startsWith('slow'))).toEqual(['slow freeze', 'slow kill'])
    const ended = asked.indexOf('slow kill')
    expect(asked.slice(0, ended)).not.toContain('quick freeze')
    expect(asked.slice(ended + 1)).toEqual(['quick freeze', 'quick peerReached'])
  })

  test('that does not answer is ended when the slow ones stand still', async () => {
    sick.add(quick)
    quick.faults['monitor'] = SILENT
    peerApplied = () => false
    expect(await freeze()).toEqual(frozen(slow))
    // Nobody asks how far one is that proves nothing.
    expect(nowMs).toBe(0)
    expect(asked).toEqual([
      'quick monitor',
      'slow freeze',
      'slow peerReached',
      'quick kill',
      'slow peerReached',
    ])
  })

  test('that answers and does not stand still all the same is ended last', async () => {
    sick.add(quick)
    quick.faults['freeze'] = SILENT
    expect(await freeze()).toEqual(frozen(slow))
    expect(asked.slice(-2)).toEqual(['slow peerReached', 'quick kill'])
  })

  test('gets a third of the time at most, so that enough is left for the others', async () => {
    sick.add(slow)
    const limits: number[] = []
    slow.freeze = async (limitMs?: number) => {
      limits.push(limitMs ?? 0)
      return { ok: true, value: REPORT.position, durationMs: 1 }
    }
    await freeze()
    expect(limits).toEqual([LIMIT_MS / 3])
  })

  test('that was ended is waited for until the peer says what it has, by a look from after that, and not for ever', async () => {
    sick.add(slow)
    slow.faults['freeze'] = SILENT
    const asks: number[] = []
    peerApplied = (_name, sinceMs) => {
      asks.push(sinceMs)
      return asks.length > 3
    }
    nowMs = 7
    expect(await freeze()).toMatchObject({ applied: new Set(['slow']) })
    expect(new Set(asks)).toEqual(new Set([7]))
    peerApplied = () => false
    const beginMs = nowMs
    expect(await freeze()).toMatchObject({ type: 'frozen', applied: new Set() })
    // A part of the limit is left for those that stand still at once.
    expect(nowMs - beginMs).toBeLessThan(LIMIT_MS * 0.9)
  })

  test('that could not be ended keeps the role here', async () => {
    sick.add(slow)
    slow.faults = {
      freeze: SILENT,
      kill: { code: 'HA_STORE_REFUSED', message: 'its process is not known' },
    }
    const why = 'slow neither stands still nor could be ended: its process is not known'
    expect(await freeze()).toEqual({ type: 'not-frozen', why })
    expect(asked).not.toContain('quick freeze')
  })
})

describe('no process is ended', () => {
  beforeEach(() => {
    sick.add(slow)
    slow.faults['freeze'] = SILENT
  })

  test("while the peer's copy may lack what it holds", async () => {
    leftBehind.add(slow)
    const why = "slow hangs, and the peer's copy did not follow, so it stays: no answer"
    expect(await freeze()).toEqual({ type: 'not-frozen', why })
    expect(asked).not.toContain('slow kill')
  })

  test('while the peer does not follow another store, or that one does not answer', async () => {
    quick.faults['peerReached'] = { code: 'HA_STORE_TIMEOUT', message: '12 behind' }
    const why = 'quick is not followed by the peer: 12 behind'
    expect(await freeze()).toEqual({ type: 'not-frozen', why })
    quick.faults = { monitor: SILENT }
    expect(await freeze()).toEqual({
      type: 'not-frozen',
      why: 'quick does not answer: no answer',
    })
    expect(asked).not.toContain('slow kill')
    expect(asked).not.toContain('quick freeze')
  })

  test('while another is read-only here, or is not well and was not followed either', async () => {
    quick.report = { ...REPORT, role: 'read-only' }
    expect(await freeze()).toEqual({ type: 'not-frozen', why: 'quick is read-only here' })
    quick.report = { ...REPORT, role: 'writable' }
    sick.add(quick)
    leftBehind.add(quick)
    const why = "quick is not well, and the peer's copy did not follow"
    expect(await freeze()).toEqual({ type: 'not-frozen', why })
    expect(asked).not.toContain('slow kill')
  })

  test('when no time is left for what comes after it', async () => {
    const release = quick.hold('peerReached')
    const freezing = freeze()
    await turns()
    nowMs = LIMIT_MS * 0.9
    release()
    const why = 'slow hangs, too late to end it: no answer'
    expect(await freezing).toEqual({ type: 'not-frozen', why })
    expect(asked).not.toContain('slow kill')
  })

  test('once something else was ordered', async () => {
    const release = quick.hold('peerReached')
    const freezing = freeze()
    await turns()
    wanted = false
    release()
    expect(await freezing).toBeNull()
    expect(asked).not.toContain('slow kill')
  })
})
