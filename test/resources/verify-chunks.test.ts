/**
 * Goal: whatever two copies of a table hold, exactly the rows that differ are found, in whatever chunks.
 * Method: copies that are sorted lists in memory, many of them by chance, compared with what a plain
 * comparison of both lists gives.
 */
import { describe, expect, it } from 'vitest'
import {
  type ChunkRange,
  type ChunkRow,
  type ChunkSide,
  compareChunks,
  nextSize,
  ROWS_MAX,
} from '../../src/resources/verify-chunks.ts'

/** Word of each row by its key. */
type Copy = ReadonlyMap<number, string>

interface Watched extends ChunkSide<number> {
  asked: string[]
  /** Most rows that were held in memory at once. */
  listedMax: number
}

function sideOf(name: string, copy: Copy, asked: string[]): Watched {
  const keys = [...copy.keys()].sort((one, other) => one - other)
  const within = ({ after, upTo }: ChunkRange<number>): number[] =>
    keys.filter((key) => (after === null || key > after) && (upTo === null || key <= upTo))
  const side: Watched = {
    asked,
    listedMax: 0,
    summary: async (range) => {
      asked.push(name)
      const rows = within(range)
      return { rows: rows.length, word: rows.map((key) => `${key}:${copy.get(key)}`).join() }
    },
    boundary: async (range, rows) => within(range)[rows - 1] ?? null,
    rows: async (range) => {
      const rows = within(range)
      side.listedMax = Math.max(side.listedMax, rows.length)
      return new Map(
        rows.map((key): [string, ChunkRow<number>] => [
          String(key),
          { key, word: copy.get(key) ?? '' },
        ]),
      )
    },
  }
  return side
}

async function compare(
  ours: Copy,
  theirs: Copy,
  changes: { stopAfter?: number; from?: number } = {},
) {
  const asked: string[] = []
  const sides = {
    ours: sideOf('ours', ours, asked),
    theirs: sideOf('theirs', theirs, asked),
    leader: 'ours' as const,
  }
  const found: string[] = []
  const reached: (number | null)[] = []
  let pausedMs = 0
  let clockMs = 0
  let rows = 0
  const ended = await compareChunks<number>(
    {
      sides: async () => sides,
      found: ({ key, onlyOn }) => found.push(`${key} ${onlyOn ?? 'both'}`),
      done: (compared, upTo) => {
        rows += compared
        reached.push(upTo)
        return reached.length !== changes.stopAfter
      },
      pause: async (ms) => {
        pausedMs += ms
      },
      now: () => {
        clockMs += 1
        return clockMs
      },
    },
    changes.from ?? null,
  )
  return { ended, found: found.sort(), reached, pausedMs, rows, asked, sides }
}

/** The same by the definition. */
function plainly(ours: Copy, theirs: Copy): string[] {
  const found: string[] = []
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const [own, other] = [ours.get(key), theirs.get(key)]
    if (own === other) continue
    found.push(`${key} ${own === undefined ? 'theirs' : other === undefined ? 'ours' : 'both'}`)
  }
  return found.sort()
}

const rowsTo = (last: number): Map<number, string> =>
  new Map(Array.from({ length: last }, (_, index) => [index + 1, 'x']))

describe('two copies of a table', () => {
  it('that are the same are gone through once, and nothing is found', async () => {
    const { ended, found, rows, reached, sides } = await compare(rowsTo(5_000), rowsTo(5_000))
    expect({ ended, found, rows, last: reached.at(-1) }).toEqual({
      ...{ ended: true, found: [], rows: 5_000, last: null },
    })
    expect(sides.ours.listedMax).toBe(0)
  })

  it('are told apart to the row, also before the first and after the last of ours', async () => {
    const ours = rowsTo(5_000)
    const theirs = rowsTo(5_000)
    theirs.set(0, 'x').set(9_999, 'x').set(1_000, 'y').set(1_001, 'y')
    theirs.delete(2_500)
    const { found } = await compare(ours, theirs)
    expect(found).toEqual(['0 theirs', '1000 both', '1001 both', '2500 ours', '9999 theirs'])
  })

  it('of which one is empty, or both are, come to an end', async () => {
    expect((await compare(new Map(), new Map())).found).toEqual([])
    expect((await compare(rowsTo(3), new Map())).found).toEqual(['1 ours', '2 ours', '3 ours'])
    expect((await compare(new Map(), rowsTo(2))).found).toEqual(['1 theirs', '2 theirs'])
  })

  it('are found to differ exactly where they do, whatever they hold', async () => {
    let seed = 42
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }
    for (let round = 0; round < 60; round += 1) {
      const ours = new Map<number, string>()
      const theirs = new Map<number, string>()
      const span = 1 + random(4_000)
      for (let key = 0; key < span; key += 1) {
        const kind = random(40)
        if (kind !== 1) ours.set(key, 'x')
        if (kind !== 2) theirs.set(key, kind === 3 ? 'y' : 'x')
      }
      const { found } = await compare(ours, theirs)
      expect(found).toEqual(plainly(ours, theirs))
    }
  })

  it('are halved where one has far more rows than fit, instead of being held in memory', async () => {
    const ours = new Map([
      [1, 'x'],
      [1_000_000, 'x'],
    ])
    const theirs = rowsTo(90_000)
    const { found, sides } = await compare(ours, theirs)
    expect(found).toHaveLength(90_000)
    expect(sides.theirs.listedMax).toBeLessThanOrEqual(2 * ROWS_MAX)
  })

  it('are gone through from where an earlier run was stopped', async () => {
    const ours = rowsTo(5_000)
    const theirs = rowsTo(5_000)
    theirs.set(10, 'y').set(4_990, 'y')
    const first = await compare(ours, theirs, { stopAfter: 2 })
    expect([first.ended, first.found]).toEqual([false, ['10 both']])
    const from = first.reached.at(-1) ?? 0
    const second = await compare(ours, theirs, { from })
    expect([second.ended, second.found]).toEqual([true, ['4990 both']])
    expect(first.rows + second.rows).toBe(5_000)
  })

  it('are never asked at the same time, and left alone three times as long as they were asked', async () => {
    const { asked, pausedMs, reached } = await compare(rowsTo(3_500), rowsTo(3_500))
    expect(asked).toEqual(reached.flatMap(() => ['ours', 'theirs']))
    // Each chunk takes the two ticks of this clock between its looks, and no pause after the last.
    expect(pausedMs).toBe((reached.length - 1) * 2 * 3)
  })
})

describe('the size of the next chunk', () => {
  it('nears what takes 50 ms of each side, in steps that no lucky look makes large', () => {
    expect(nextSize(1_000, 100)).toBe(1_000)
    expect(nextSize(4_000, 400)).toBe(1_000)
    expect(nextSize(1_000, 1)).toBe(2_000)
    expect(nextSize(2_000, 100_000)).toBe(500)
    expect(nextSize(ROWS_MAX, 1)).toBe(ROWS_MAX)
  })
})
