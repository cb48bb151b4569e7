// Goal: what only we hold is counted to the byte or called unknown, never called shared. Method: the
// table by hand, and then random lives of two servers by a model that keeps the very bytes.
import { describe, expect, test } from 'vitest'
import { compareHistories, sharedUpTo } from '../../src/resources/redis-history.ts'

const line = (
  history: string,
  offset: number,
  formerHistory: string | null = null,
  formerEnd: number | null = null,
) => ({
  history,
  offset,
  formerHistory,
  formerEnd,
})

describe('comparing histories', () => {
  test.each([
    ['we followed and have all', line('R', 100), line('R', 100), 'same', 0],
    ['we followed and lag', line('R', 90), line('R', 100), 'same', 0],
    ['they lost a tail of the common history', line('R', 100), line('R', 90), 'ahead', 10],
    ['they were promoted and had all', line('R', 100), line('P', 150, 'R', 101), 'same', 0],
    ['they were promoted one byte short', line('R', 101), line('P', 150, 'R', 101), 'ahead', 1],
    ['they were promoted, we lag behind that', line('R', 80), line('P', 150, 'R', 101), 'same', 0],
    ['we were promoted and wrote', line('R', 120, 'P', 101), line('P', 300), 'ahead', 20],
    ['we were promoted and did not write', line('R', 100, 'P', 101), line('P', 300), 'same', 0],
    ['we were promoted beyond what they kept', line('R', 100, 'P', 101), line('P', 95), 'ahead', 5],
    ['both were promoted', line('R', 140, 'O', 101), line('P', 300, 'O', 121), 'ahead', 40],
    [
      'both were promoted, we late',
      line('R', 140, 'O', 131),
      line('P', 300, 'O', 121),
      'ahead',
      20,
    ],
    ['nothing in common', line('R', 100), line('P', 100), 'unknown', null],
    [
      'no former one on either side is nothing in common',
      line('R', 5),
      line('P', 5),
      'unknown',
      null,
    ],
  ] as const)('%s', (_, ours, theirs, verdict, bytes) => {
    const found = compareHistories(ours, theirs, false)
    expect([found.verdict, found.ours]).toEqual([verdict, bytes])
  })

  test('an empty store of unknown history has nothing to lose, one that is known to be ahead has', () => {
    expect(compareHistories(line('R', 100), line('P', 100), true).verdict).toBe('same')
    expect(compareHistories(line('R', 100), line('R', 90), true).verdict).toBe('ahead')
  })

  test('never calls shared what is not, in any life of two servers', () => {
    let known = 0
    for (let seed = 1; seed <= 3000; seed += 1) {
      const [ours, theirs] = liveAnyLife(seed)
      const shared = sharedUpTo(ours.line, theirs.line)
      if (shared === null) continue
      known += 1
      // They hold every byte that we are said to share, and the same ones.
      expect(theirs.bytes.slice(0, shared)).toEqual(ours.bytes.slice(0, shared))
      expect(Math.min(theirs.bytes.length, ours.bytes.length)).toBeGreaterThanOrEqual(shared)
    }
    expect(known).toBeGreaterThan(1000)
  })
})

interface Model {
  line: ReturnType<typeof line>
  /** Each byte has a name of its own. */
  bytes: number[]
}

/** Two servers that write, follow each other, are cut off and promoted, as the real ones count it. */
function liveAnyLife(seed: number): [Model, Model] {
  let state = seed * 2_654_435_761
  const random = (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) | 0
    return ((state ^ (state >>> 13)) >>> 0) % below
  }
  let names = 0
  const fresh = (): Model => ({ line: line(`H${names++}`, 0), bytes: [] })
  const both: [Model, Model] = [fresh(), fresh()]
  const follows: [boolean, boolean] = [false, false]
  let writes = 0
  for (let turn = 0; turn < 12; turn += 1) {
    const who = random(2) as 0 | 1
    const other = (1 - who) as 0 | 1
    const self = both[who]
    const act = random(4)
    if (act === 0 && !follows[who]) {
      for (let count = 1 + random(3); count > 0; count -= 1) self.bytes.push(writes++)
      self.line.offset = self.bytes.length
      if (follows[other] && random(3) > 0) both[other] = copyOf(self, both[other])
    } else if (act === 1 && !follows[other]) {
      // Follows: takes over everything, and the history with it.
      both[who] = copyOf(both[other], self)
      follows[who] = true
    } else if (act === 2 && follows[who]) {
      // Promoted: a new history, the former one up to here.
      self.line = line(`H${names++}`, self.line.offset, self.line.history, self.line.offset + 1)
      follows[who] = false
    }
  }
  return both
}

function copyOf(source: Model, before: Model): Model {
  const { history, offset } = source.line
  const kept = before.line.history === history ? before.line : line(history, offset)
  return { line: { ...kept, history, offset }, bytes: [...source.bytes] }
}
