/**
 * Goal: two nodes keep book of what a takeover may have lost: the bound on the one that took over, the
 * exact figure on both once the other was compared, and nothing for a planned move. Method: two posts
 * that hand each other their words, a clock that the test moves.
 */
import { describe, expect, it } from 'vitest'
import type { LossSnapshot } from '../../src/control/snapshot.ts'
import type { Taking } from '../../src/daemon/loss-ledger.ts'
import { StorePost } from '../../src/daemon/store-post.ts'
import type { StoreView } from '../../src/daemon/store-watch.ts'
import type { StorePosition, StoreReport } from '../../src/resources/replicated-store.ts'
import { AHEAD, PretendStore, REPORT, SAME } from '../helpers/pretend-store.ts'

interface Side {
  readonly post: StorePost
  readonly told: LossSnapshot[]
  readonly boot: string
  section: Uint8Array
  madeMs: number
}

/** Two nodes; `nowMs` is the clock of both. */
class Pair {
  nowMs = 1_000
  readonly sp1: Side
  readonly sp2: Side
  readonly semiSync: boolean

  constructor(semiSync = false) {
    this.semiSync = semiSync
    this.sp1 = this.side('sp1', 'a1')
    this.sp2 = this.side('sp2', 'b1')
  }

  side(node: 'sp1' | 'sp2', boot: string): Side {
    const told: LossSnapshot[] = []
    const side = {
      told,
      boot,
      section: new Uint8Array(0),
      madeMs: 0,
      post: new StorePost({
        node,
        stores: [{ name: 'store', kind: 'redis', semiSync: this.semiSync }],
        holdsMs: 2_000,
        now: () => this.nowMs,
        send: (section, madeMs) => Object.assign(side, { section, madeMs }),
        lost: (loss) => told.push(loss),
        peerPromoted: () => undefined,
      }),
    }
    return side
  }

  look(side: Side, changes: Partial<StoreReport> | null): void {
    const report = changes === null ? null : { ...REPORT, ...changes }
    const view: StoreView = {
      ...{ store: new PretendStore(), report, lookedMs: this.nowMs, begunMs: this.nowMs },
      ...{ fault: null, misses: 0, sick: false },
    }
    side.post.looked(view)
  }

  /** What one says arrives at the other, at once. */
  tell(from: Side, to: Side): void {
    const { section, boot } = from
    to.post.hear({ bytes: section, sentMs: from.madeMs, boot, term: 0 })
  }

  /** sp1 serves, and was seen to write 1 000 units a second. */
  serving(): void {
    this.look(this.sp1, { role: 'writable', following: false, position: at(9_750) })
    this.nowMs += 250
    this.look(this.sp1, {
      role: 'writable',
      following: false,
      position: at(10_000),
      logBytes: 4_000,
    })
    this.tell(this.sp1, this.sp2)
  }

  takeOver(changes: Partial<Taking> = {}, positions = drained(9_700)): void {
    this.sp2.post.taking({
      ...{ atMs: this.nowMs, term: 8, unplanned: true, peerBoot: 'a1', inSync: null },
      ...changes,
    })
    this.sp2.post.promoted(positions, 3)
  }
}

const at = (offset: number, history = 'a'): StorePosition => ({ history, offset })
const drained = (offset: number, history = 'a') => new Map([['store', at(offset, history)]])
const BOUND = {
  ...{ by: 'sp2', store: 'store', kind: 'redis', term: 8, atMs: 2_050, most: 1_900, overMs: 800 },
  ...{ confirmedSafe: false, settled: false, exact: null },
}
const comparison = (changes: Partial<typeof AHEAD>) => ({
  ...{ store: 'store', atMs: 0, archive: null, way: 'copied' as const },
  comparison: { ...AHEAD, ...changes },
})

describe('a takeover', () => {
  it('notes the bound, and keeps it until it is settled', () => {
    const pair = new Pair()
    pair.serving()
    pair.nowMs += 800
    pair.takeOver()
    expect(pair.sp2.told).toEqual([BOUND])
    expect(pair.sp2.post.lossOf('store')).toEqual(BOUND)
  })

  it('is settled on both nodes when the old active has compared', () => {
    const pair = new Pair()
    pair.serving()
    pair.nowMs += 800
    pair.takeOver()
    pair.tell(pair.sp2, pair.sp1)
    pair.sp1.post.rejoined(comparison({ ours: 1_200 }))
    const settled = { ...BOUND, settled: true, exact: 1_200 }
    expect(pair.sp1.told).toEqual([{ ...settled, atMs: null, overMs: null }])
    pair.tell(pair.sp1, pair.sp2)
    expect(pair.sp2.told.slice(1)).toEqual([settled])
    expect(pair.sp2.post.lossOf('store')).toBe(null)
    // Nothing more is said, however often the words go to and fro.
    for (let round = 0; round < 3; round += 1) {
      pair.look(pair.sp2, { role: 'writable', following: false })
      pair.tell(pair.sp2, pair.sp1)
      pair.look(pair.sp1, {})
      pair.tell(pair.sp1, pair.sp2)
    }
    expect([pair.sp1.told.length, pair.sp2.told.length]).toEqual([1, 2])
  })

  it('is settled by a start of the old active that lost count, from the length of its log', () => {
    const pair = new Pair()
    pair.serving()
    pair.nowMs += 800
    pair.takeOver()
    const back = pair.side('sp1', 'a2')
    pair.tell(pair.sp2, back)
    pair.look(back, { following: false, position: at(0, 'z'), logBytes: 4_500 })
    // Linking it begins the log anew; that look is not the one that counts.
    pair.look(back, { following: false, position: at(0, 'z'), logBytes: 90 })
    back.post.rejoined(comparison({ verdict: 'unknown', ours: null }))
    expect(back.told.map(({ exact, settled }) => [exact, settled])).toEqual([[800, true]])
    pair.tell(back, pair.sp2)
    expect(pair.sp2.told[1]).toMatchObject({ settled: true, exact: 800, most: 1_900 })
  })

  it('keeps what the old start said, although a new one speaks already', () => {
    const pair = new Pair()
    pair.serving()
    const back = pair.side('sp1', 'a2')
    pair.look(back, { position: at(0, 'z') })
    pair.tell(back, pair.sp2)
    pair.nowMs += 800
    pair.takeOver()
    expect(pair.sp2.told).toEqual([BOUND])
  })

  it('is answered also when the question comes after the comparison', () => {
    const pair = new Pair()
    pair.serving()
    pair.nowMs += 800
    pair.takeOver()
    pair.sp1.post.rejoined(comparison({ ours: 7 }))
    expect(pair.sp1.told).toEqual([])
    pair.tell(pair.sp2, pair.sp1)
    expect(pair.sp1.told).toMatchObject([{ exact: 7 }])
    // Asked again and again until its answer has arrived.
    pair.look(pair.sp2, { role: 'writable', following: false })
    pair.tell(pair.sp2, pair.sp1)
    expect(pair.sp1.told.length).toBe(1)
  })

  it('is unknown when nothing was heard of the peer, or its store was never seen', () => {
    const pair = new Pair()
    pair.takeOver({ peerBoot: null })
    expect(pair.sp2.told).toMatchObject([{ most: null, overMs: null, settled: false }])
    const other = new Pair()
    other.look(other.sp1, null)
    other.tell(other.sp1, other.sp2)
    other.takeOver()
    expect(other.sp2.told).toMatchObject([{ most: null }])
  })

  it('goes by the last position that was told when later looks failed', () => {
    const pair = new Pair()
    pair.serving()
    pair.nowMs += 400
    pair.look(pair.sp1, null)
    pair.tell(pair.sp1, pair.sp2)
    pair.nowMs += 400
    pair.takeOver()
    expect(pair.sp2.told).toEqual([BOUND])
  })

  it('of a peer whose store was no further than ours and took no writes lacks nothing', () => {
    const pair = new Pair()
    pair.look(pair.sp1, { position: at(9_700) })
    pair.tell(pair.sp1, pair.sp2)
    pair.takeOver()
    expect(pair.sp2.told).toEqual([])
  })

  it('once more, after a moment without the role, changes nothing: the peer did not serve since', () => {
    const pair = new Pair()
    pair.serving()
    pair.nowMs += 800
    pair.takeOver()
    pair.nowMs += 60_000
    pair.sp2.post.demoting()
    pair.nowMs += 2_000
    pair.takeOver({ term: 10 }, drained(99_000, 'b'))
    expect([pair.sp2.told, pair.sp2.post.lossOf('store')]).toEqual([[BOUND], BOUND])
  })

  it('by a node that served itself until a moment ago lacks nothing, however long the peer is gone', () => {
    const pair = new Pair()
    pair.look(pair.sp1, { position: at(9_700) })
    pair.tell(pair.sp1, pair.sp2)
    pair.takeOver({ unplanned: false })
    pair.nowMs += 60_000
    pair.sp2.post.demoting()
    pair.takeOver({ term: 10 })
    expect(pair.sp2.told).toEqual([])
  })

  it('loses nothing confirmed where writes wait for both nodes and the pair is in sync', () => {
    const pair = new Pair(true)
    pair.serving()
    pair.nowMs += 800
    pair.takeOver({ inSync: true })
    expect(pair.sp2.told).toEqual([{ ...BOUND, most: 0, confirmedSafe: true }])
  })

  it('after a restart of the new active is still open, and not forgotten for a mere "unknown"', () => {
    const pair = new Pair()
    pair.sp2.post.restore([BOUND as LossSnapshot, { ...(BOUND as LossSnapshot), by: 'sp1' }])
    pair.takeOver({ peerBoot: null, term: 10 })
    expect(pair.sp2.told).toEqual([])
    expect(pair.sp2.post.lossOf('store')).toEqual(BOUND)
  })
})

describe('a planned move', () => {
  it('lacks nothing: the stores were frozen and seen here before', () => {
    const pair = new Pair()
    pair.serving()
    pair.sp1.post.frozen(drained(10_000))
    pair.tell(pair.sp1, pair.sp2)
    pair.nowMs += 100
    pair.takeOver({ unplanned: false }, drained(10_000))
    expect(pair.sp2.told).toEqual([])
  })

  it('of a store that had to be ended may lack its last writes', () => {
    const pair = new Pair()
    pair.serving()
    pair.sp1.post.frozen(new Map())
    pair.tell(pair.sp1, pair.sp2)
    pair.nowMs += 800
    pair.takeOver({ unplanned: false })
    expect(pair.sp2.told).toEqual([BOUND])
  })

  it('by a peer that lost the role without handing over lacks what was on the wire', () => {
    const pair = new Pair()
    pair.serving()
    pair.look(pair.sp1, { following: false, position: at(10_020) })
    pair.tell(pair.sp1, pair.sp2)
    pair.nowMs += 800
    pair.takeOver({ unplanned: false }, drained(10_000))
    expect(pair.sp2.told).toEqual([{ ...BOUND, most: 20, overMs: 0 }])
  })

  it('back to the peer closes what was open, for it can never be compared', () => {
    const pair = new Pair()
    pair.serving()
    pair.nowMs += 800
    pair.takeOver()
    pair.sp1.post.frozen(drained(11_000))
    pair.tell(pair.sp1, pair.sp2)
    pair.takeOver({ unplanned: false, term: 10 }, drained(11_000))
    expect(pair.sp2.told.slice(1)).toEqual([{ ...BOUND, settled: true }])
  })

  it('that is taken back leaves the store as one that takes writes', () => {
    const pair = new Pair()
    pair.serving()
    pair.sp1.post.frozen(drained(10_000))
    pair.sp1.post.frozen(new Map())
    pair.tell(pair.sp1, pair.sp2)
    pair.nowMs += 800
    pair.takeOver()
    expect(pair.sp2.told).toEqual([BOUND])
  })

  it('between two nodes of which none served is no loss', () => {
    const pair = new Pair()
    pair.look(pair.sp1, { position: at(50, 'x') })
    pair.tell(pair.sp1, pair.sp2)
    pair.takeOver({ unplanned: false })
    expect(pair.sp2.told).toEqual([])
  })
})

describe('what is shown of the peer', () => {
  it('is how far the one that follows is behind, and when that was so', () => {
    const pair = new Pair()
    pair.look(pair.sp2, { position: at(9_900) })
    pair.serving()
    expect(pair.sp2.post.peerOf('store')).toEqual({
      ...{ role: 'writable', following: false, offset: 10_000, behind: 100, lookedMs: 1_250 },
    })
    pair.tell(pair.sp2, pair.sp1)
    expect(pair.sp1.post.peerOf('store')).toEqual({
      ...{ role: 'read-only', following: true, offset: 9_900, behind: 100, lookedMs: 1_000 },
    })
  })

  it('has no distance across histories, and nothing before a word came', () => {
    const pair = new Pair()
    expect(pair.sp2.post.peerOf('store')).toBe(null)
    pair.look(pair.sp2, { position: at(9_900, 'other') })
    pair.serving()
    expect(pair.sp2.post.peerOf('store')?.behind).toBe(null)
  })

  it('is not shown as nearer than it is while words are made of a comparison', () => {
    const pair = new Pair()
    pair.look(pair.sp2, { position: at(10_500) })
    pair.serving()
    expect(pair.sp2.post.peerOf('store')?.behind).toBe(0)
    pair.sp2.post.rejoined({ ...comparison({}), comparison: SAME })
    expect(pair.sp2.told).toEqual([])
  })
})

describe('that the peer has applied all it received', () => {
  it('is known by a look of its own that began after the moment in question', () => {
    const pair = new Pair()
    const appliedSince = (sinceMs: number) => pair.sp1.post.peerApplied('store', sinceMs)
    const told = (changes: Partial<StoreReport> | null) => {
      pair.look(pair.sp2, changes)
      pair.tell(pair.sp2, pair.sp1)
    }
    const follows = { role: 'read-only', following: true, applies: true } as const
    expect(appliedSince(0)).toBe(false)
    told({ ...follows, backlog: 0 })
    expect([appliedSince(pair.nowMs), appliedSince(pair.nowMs + 1)]).toEqual([true, false])
    pair.nowMs += 300
    for (const more of [
      { ...follows, backlog: 3 },
      // Where that cannot be told, and where what comes is only kept.
      { ...follows, backlog: null },
      { ...follows, backlog: 0, applies: false },
      { ...follows, backlog: 0, role: 'writable' } as const,
      null,
    ]) {
      told(more)
      expect([more, appliedSince(0)]).toEqual([more, false])
    }
    // Its link ends with the store that was ended; what it received it still applies.
    told({ ...follows, following: false, backlog: 0 })
    expect(appliedSince(pair.nowMs)).toBe(true)
  })
})
