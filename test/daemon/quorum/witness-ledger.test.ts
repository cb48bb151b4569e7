/**
 * Goal: with a store that only compares and swaps, two nodes never have its lease at once, whatever the network
 * and their clocks do. Method: thousands of random worlds in virtual time, with delays beyond every limit, lost
 * requests and answers, restarts, nodes that stop wanting, clocks that run apart by up to M / L. And a ledger
 * that does not wait is caught by the same worlds.
 */
import { describe, expect, it } from 'vitest'
import { WitnessLedger } from '../../../src/daemon/quorum/witness-ledger.ts'
import { Random } from '../../../src/sim/random.ts'
import type { WitnessEntry, WitnessReading } from '../../../src/wire/witness-record.ts'

const TIMES = { leaseMs: 600, marginMs: 200, heartbeatMs: 100 }
const LIMIT_MS = TIMES.leaseMs / 4
const NODES = ['sp1', 'sp2'] as const

/** What etcd does: one record, compared and swapped. */
class Store {
  #revision = 0
  reading: WitnessReading = { revision: '0', text: '', entry: null }

  swap(seen: WitnessReading, entry: WitnessEntry): void {
    const { revision, text } = this.reading
    if (seen.revision !== revision || seen.text !== text) return
    this.#revision += 1
    this.reading = { revision: String(this.#revision), text: JSON.stringify(entry), entry }
  }

  /** Its disk is lost. */
  forget(): void {
    this.#revision = 0
    this.reading = { revision: '0', text: '', entry: null }
  }
}

interface Span {
  by: number
  fromMs: number
  toMs: number
}

interface World {
  spans: Span[]
  overlaps: number
}

/** One random world of a minute; `waits` false leaves out what protects. */
function run(seed: number, waits: boolean): World {
  const draw = new Random(seed)
  const store = new Store()
  const spans: Span[] = []
  const queue: { atMs: number; act: () => void }[] = []
  let nowMs = 0
  const at = (atMs: number, act: () => void): void => {
    queue.push({ atMs, act })
  }
  const trouble = draw.chance(0.5) ? 0.3 : 0.05
  const delay = (): number => (draw.chance(trouble) ? draw.between(0, 3_000) : draw.between(0, 20))
  const rates = draw.chance(0.5) ? [1, 1.3] : [1.3, 1]

  NODES.forEach((node, by) => {
    const rate = rates[by] ?? 1
    const local = (): number => 5_000 * by + rate * nowMs
    const real = (localMs: number): number => (localMs - 5_000 * by) / rate
    const fresh = (start: number): WitnessLedger => {
      const times = waits ? TIMES : { leaseMs: TIMES.leaseMs, marginMs: -TIMES.leaseMs }
      return new WitnessLedger({ ...times, node, boot: `${node}-${start}` })
    }
    let starts = 0
    let ledger = fresh(starts)
    let attempt: number | null = null
    let attempts = 0
    let lease: Span | null = null
    let busy = false

    const giveUp = (): void => {
      attempt = null
      if (lease !== null) lease.toMs = Math.min(lease.toMs, nowMs)
      lease = null
    }
    const ask = (): void => {
      if (busy) return
      const mine = attempt
      const asked = ledger
      const request = mine === null ? { kind: 'read' as const } : ledger.request(mine, local())
      busy = true
      let over = false
      at(nowMs + LIMIT_MS / rate, () => {
        if (!over) busy = false
        over = true
      })
      if (draw.chance(trouble)) return
      at(nowMs + delay(), () => {
        if (request.kind === 'swap') store.swap(request.seen, request.entry)
        const { reading } = store
        if (draw.chance(trouble)) return
        at(nowMs + delay(), () => {
          if (over) return
          over = true
          busy = false
          if (ledger !== asked) return
          ledger.note(reading, local())
          if (mine === null || mine !== attempt) return
          const verdict = ledger.judge(mine)
          if (verdict.kind !== 'granted') return
          const untilMs = real(verdict.sentAtMs + TIMES.leaseMs)
          if (untilMs <= nowMs) return
          if (lease === null || lease.toMs <= nowMs) {
            lease = { by, fromMs: nowMs, toMs: untilMs }
            spans.push(lease)
          } else lease.toMs = Math.max(lease.toMs, untilMs)
        })
      })
    }
    const tick = (): void => {
      if (draw.chance(0.01)) {
        giveUp()
        starts += 1
        ledger = fresh(starts)
      } else if (attempt !== null && draw.chance(0.02)) giveUp()
      // Both want it most of the time: the worst that can be asked of a witness.
      if (attempt === null && draw.chance(0.2)) {
        attempts += 1
        attempt = attempts
      }
      ask()
      const pause = draw.chance(0.02) ? draw.between(0, 2_000) : 0
      at(nowMs + TIMES.heartbeatMs / rate + pause, tick)
    }
    at(draw.between(0, 100), tick)
  })
  at(draw.between(10_000, 50_000), () => store.forget())

  while (nowMs < 60_000) {
    queue.sort((a, b) => b.atMs - a.atMs)
    const next = queue.pop()
    if (next === undefined) break
    nowMs = next.atMs
    next.act()
  }
  const overlaps = spans.filter((one) =>
    spans.some(
      (other) => other.by !== one.by && one.fromMs < other.toMs && other.fromMs < one.toMs,
    ),
  ).length
  return { spans, overlaps }
}

describe('the lease of a store that compares and swaps', () => {
  const WORLDS = 300

  it('is never with two nodes, and comes to both', () => {
    const total = { spans: [0, 0], overlaps: 0 }
    for (let seed = 1; seed <= WORLDS; seed += 1) {
      const { spans, overlaps } = run(seed, true)
      total.overlaps += overlaps
      for (const { by } of spans) total.spans[by] = (total.spans[by] ?? 0) + 1
    }
    expect(total.overlaps).toBe(0)
    expect(Math.min(...total.spans)).toBeGreaterThan(WORLDS)
  })

  it('would be with two nodes at once if nobody waited', () => {
    let caught = 0
    for (let seed = 1; seed <= 40; seed += 1) caught += run(seed, false).overlaps
    expect(caught).toBeGreaterThan(0)
  })
})

describe('one node and the record', () => {
  const READ = (revision: string, entry: WitnessEntry | null = null): WitnessReading => ({
    revision,
    text: entry === null ? '' : JSON.stringify(entry),
    entry,
  })
  const ledgerOf = (): WitnessLedger => new WitnessLedger({ ...TIMES, node: 'sp1', boot: 'b1' })
  const THEIRS: WitnessEntry = { node: 'sp2', boot: 'other', number: 4 }

  it('is read first, and swapped when it stood for L + M since the first reading', () => {
    const ledger = ledgerOf()
    expect(ledger.request(1, 1_000)).toEqual({ kind: 'read' })
    ledger.note(READ('7', THEIRS), 1_010)
    expect(ledger.judge(1)).toEqual({ kind: 'refused' })
    ledger.note(READ('7', THEIRS), 1_700)
    expect(ledger.request(1, 1_809)).toEqual({ kind: 'read' })
    expect(ledger.request(1, 1_810)).toEqual({
      kind: 'swap',
      seen: READ('7', THEIRS),
      entry: { node: 'sp1', boot: 'b1', number: 1 },
      sentAtMs: 1_810,
    })
  })

  it('counts anew from every change, also one of the text alone', () => {
    const ledger = ledgerOf()
    ledger.note(READ('7', THEIRS), 0)
    ledger.note(READ('7', { ...THEIRS, number: 5 }), 700)
    expect(ledger.request(1, 1_499)).toEqual({ kind: 'read' })
    expect(ledger.request(1, 1_500).kind).toBe('swap')
  })

  it('is renewed at once by who holds it, and not by the next attempt', () => {
    const ledger = ledgerOf()
    ledger.note(READ('0'), 0)
    const first = ledger.request(1, 800)
    if (first.kind !== 'swap') throw new Error('no swap')
    ledger.note(READ('1', first.entry), 805)
    expect(ledger.judge(1)).toEqual({ kind: 'granted', sentAtMs: 800 })
    expect(ledger.request(1, 900).kind).toBe('swap')
    // It bears our name, and still: what was granted in an earlier attempt is given back.
    expect(ledger.request(2, 1_000)).toEqual({ kind: 'read' })
    expect(ledger.judge(2)).toEqual({ kind: 'refused' })
  })

  it('is known again after an answer was lost, from the moment of that request', () => {
    const ledger = ledgerOf()
    ledger.note(READ('3', THEIRS), 0)
    const lost = ledger.request(1, 800)
    const next = ledger.request(1, 950)
    if (lost.kind !== 'swap' || next.kind !== 'swap') throw new Error('no swap')
    ledger.note(READ('4', lost.entry), 955)
    expect(ledger.judge(1)).toEqual({ kind: 'granted', sentAtMs: 800 })
    expect(ledger.holds(1)).toBe(true)
    expect(ledger.request(1, 960).kind).toBe('swap')
  })

  it('is lost when another took it', () => {
    const ledger = ledgerOf()
    ledger.note(READ('0'), 0)
    const own = ledger.request(1, 800)
    if (own.kind !== 'swap') throw new Error('no swap')
    ledger.note(READ('1', own.entry), 805)
    ledger.judge(1)
    ledger.note(READ('2', THEIRS), 1_900)
    expect(ledger.judge(1)).toEqual({ kind: 'lost', to: 'sp2' })
    expect(ledger.judge(1)).toEqual({ kind: 'refused' })
    expect(ledger.request(1, 1_950)).toEqual({ kind: 'read' })
  })
})
