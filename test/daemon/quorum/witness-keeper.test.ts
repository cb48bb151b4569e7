/**
 * Goal: the heart waits for no answer, a call that fails is tried elsewhere at once, who does not want the lease
 * only reads, and trouble is told when it lasts longer than a lease. Method: a store of values, virtual time.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Happening } from '../../../src/daemon/loop.ts'
import { type WitnessDoor, WitnessKeeper } from '../../../src/daemon/quorum/witness-keeper.ts'
import { WitnessLedger } from '../../../src/daemon/quorum/witness-ledger.ts'
import type { WitnessAnswer, WitnessReading } from '../../../src/wire/witness-record.ts'

const TIMING = { heartbeatMs: 100, leaseMs: 600, marginMs: 200 }
const LIMIT_MS = 150

/** Endpoints that answer after 5 ms, fail after the limit, or are one store that all of them serve. */
class PretendStore implements WitnessDoor {
  readonly size = 2
  readonly durations: number[] = []
  readonly asked: string[] = []
  reading: WitnessReading = { revision: '0', text: '', entry: null }
  /** Endpoints that do not answer. */
  readonly dead = new Set<number>()
  #next = 0
  #revision = 0

  get reports() {
    return [0, 1].map((index) => ({
      url: `e${index}`,
      answers: !this.dead.has(index),
      why: this.dead.has(index) ? 'dead' : null,
    }))
  }

  read(): Promise<WitnessAnswer> {
    return this.#call('read', () => ({ ...this.#answer(), swapped: false }))
  }

  swap(seen: WitnessReading, entry: WitnessReading['entry']): Promise<WitnessAnswer> {
    return this.#call('swap', () => {
      const swapped = seen.revision === this.reading.revision
      if (swapped) this.put(entry)
      return { ...this.#answer(), swapped }
    })
  }

  async lookAtOthers(): Promise<void> {}

  put(entry: WitnessReading['entry']): void {
    this.#revision += 1
    this.reading = { revision: String(this.#revision), text: JSON.stringify(entry), entry }
  }

  #answer() {
    return { ok: true as const, reading: this.reading, cluster: 'c', swapped: false }
  }

  async #call(what: string, act: () => WitnessAnswer): Promise<WitnessAnswer> {
    const index = this.#next
    this.asked.push(`${what} e${index}`)
    if (this.dead.has(index)) {
      await new Promise((resolve) => setTimeout(resolve, LIMIT_MS))
      this.#next = 1 - index
      return { ok: false, why: `e${index}: no answer` }
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
    return act()
  }
}

let store: PretendStore
let keeper: WitnessKeeper
let taken: Happening[]
let said: string[]

beforeEach(() => {
  vi.useFakeTimers()
  vi.setSystemTime(10_000)
  store = new PretendStore()
  taken = []
  said = []
  keeper = new WitnessKeeper({
    ledger: new WitnessLedger({ ...TIMING, node: 'sp1', boot: 'b1' }),
    store,
    timing: TIMING,
    now: Date.now,
    take: (happening) => taken.push(happening),
    log: (_severity, text) => said.push(text),
  })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Beats and, where there is an attempt, asks. */
async function pass(ms: number, attempt: number | null): Promise<void> {
  for (let passed = 0; passed < ms; passed += TIMING.heartbeatMs) {
    keeper.beat()
    if (attempt !== null) keeper.ask(attempt)
    await vi.advanceTimersByTimeAsync(TIMING.heartbeatMs)
  }
}

const granted = (): number => taken.filter((one) => 'granted' in one && one.granted).length

describe('the keeper of the witness', () => {
  it('only reads while nobody wants the lease, and swaps at once when the record stood long enough', async () => {
    await pass(900, null)
    expect(new Set(store.asked)).toEqual(new Set(['read e0']))
    expect(taken).toEqual([])
    await pass(100, 7)
    expect(store.asked.at(-1)).toBe('swap e0')
    expect(taken).toEqual([expect.objectContaining({ type: 'witness', attempt: 7, granted: true })])
    expect(keeper.snapshot).toMatchObject({ holder: 'sp1', held: true, renewals: 1 })
  })

  it('tells the moment of sending, not that of the answer', async () => {
    await pass(900, null)
    keeper.ask(7)
    await vi.advanceTimersByTimeAsync(20)
    expect(taken).toEqual([expect.objectContaining({ sentAtMs: 10_900 })])
  })

  it('says no while the record is younger than L + M, and while another renews it', async () => {
    const renew = setInterval(() => store.put({ node: 'sp2', boot: 'b2', number: 1 }), 100)
    await pass(2_000, 7)
    expect(granted()).toBe(0)
    expect(taken.length).toBeGreaterThan(10)
    expect(store.asked.join()).not.toContain('swap')
    clearInterval(renew)
    await pass(1_000, 7)
    expect(granted()).toBeGreaterThan(0)
  })

  it('asks the other endpoint at once when one does not answer: the lease goes on', async () => {
    await pass(900, null)
    await pass(300, 7)
    const before = granted()
    store.dead.add(0)
    keeper.ask(7)
    await vi.advanceTimersByTimeAsync(LIMIT_MS + 10)
    expect(store.asked.slice(-2)).toEqual(['swap e0', 'swap e1'])
    expect(granted()).toBe(before + 1)
    expect(said).toEqual([])
  })

  it('never has two calls under way, and answers the newest attempt', async () => {
    store.dead.add(0)
    store.dead.add(1)
    for (const attempt of [1, 2, 3, 4]) keeper.ask(attempt)
    expect(store.asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(4 * LIMIT_MS + 1)
    expect(store.asked).toHaveLength(4)
    expect(keeper.snapshot.held).toBe(false)
  })

  it('speaks of trouble once, when it lasts longer than a lease, and when it is over', async () => {
    store.dead.add(0)
    store.dead.add(1)
    await pass(600, null)
    expect(keeper.snapshot.trouble).toBeNull()
    await pass(1_000, null)
    expect(keeper.snapshot.trouble).toMatch(/^e[01]: no answer$/)
    store.dead.clear()
    await pass(400, null)
    expect(keeper.snapshot).toMatchObject({ trouble: null, silentSinceMs: null })
    expect(said).toEqual([expect.stringContaining('no answer'), 'it answers again'])
  })

  it('says when the record was taken from it', async () => {
    await pass(900, null)
    await pass(200, 7)
    store.put({ node: 'sp2', boot: 'b2', number: 1 })
    await pass(100, 7)
    expect(taken.at(-1)).toMatchObject({ attempt: 7, granted: false })
    expect(keeper.snapshot).toMatchObject({ holder: 'sp2', held: false, lost: { to: 'sp2' } })
    expect(said).toEqual(['its record was taken by sp2 while we held it'])
  })
})
