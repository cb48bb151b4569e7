/**
 * Where do two copies of a table differ? Chunk by chunk along the key, then down to the rows.
 *
 * Knows no server: a side answers for one copy, at a moment that is the same for both. The ends of chunks
 * are looked up on one side only, and their first and last are open, so that no row of the other falls
 * between two. The sides are asked one after the other, and after each chunk the machine is left to others.
 */
import { PAUSE_FACTOR } from './verify-tally.ts'

export interface ChunkRange<Key> {
  after: Key | null
  upTo: Key | null
}

export interface ChunkSummary {
  rows: number
  /** Equal when the rows are. */
  word: string
}

export interface ChunkRow<Key> {
  key: Key
  word: string
}

/** One copy of the table. */
export interface ChunkSide<Key> {
  summary(range: ChunkRange<Key>): Promise<ChunkSummary>
  /** Key of the row so many places into the range; null when it has fewer. */
  boundary(range: ChunkRange<Key>, rows: number): Promise<Key | null>
  /** Each row, by a text that is its key's alone. */
  rows(range: ChunkRange<Key>): Promise<ReadonlyMap<string, ChunkRow<Key>>>
}

export interface ChunkSides<Key> {
  ours: ChunkSide<Key>
  theirs: ChunkSide<Key>
  /** The one that chunks are measured by. */
  leader: 'ours' | 'theirs'
}

export interface RowDifference<Key> {
  key: Key
  onlyOn: 'ours' | 'theirs' | null
}

export interface ChunkWork<Key> {
  /** Both copies at one moment, which may be another one for each chunk. */
  sides: () => Promise<ChunkSides<Key>>
  found: (difference: RowDifference<Key>) => void
  /** A chunk is done up to this key; null: the table is. @returns false to stop */
  done: (rows: number, upTo: Key | null) => boolean
  pause: (ms: number) => Promise<void>
  now: () => number
}

/** So long one look at one side should take: what else waits for it waits no longer. */
const CHUNK_MS = 50
const ROWS_FIRST = 1_000
const ROWS_MIN = 500
export const ROWS_MAX = 20_000
/** So many rows of each side are held in memory to be told apart. */
const LEAF_ROWS_MAX = 2 * ROWS_MAX

/** @returns whether it came to the end of the table */
export async function compareChunks<Key>(work: ChunkWork<Key>, from: Key | null): Promise<boolean> {
  let after = from
  let size = ROWS_FIRST
  for (;;) {
    const sides = await work.sides()
    const startedMs = work.now()
    const upTo = await sides[sides.leader].boundary({ after, upTo: null }, size)
    const range = { after, upTo }
    const ours = await sides.ours.summary(range)
    const theirs = await sides.theirs.summary(range)
    const spentMs = Math.max(0.1, work.now() - startedMs)
    if (!alike(ours, theirs)) await locate(sides, { range, ours, theirs }, work)
    if (!work.done(Math.max(ours.rows, theirs.rows), upTo)) return false
    if (upTo === null) return true
    after = upTo
    size = nextSize(size, spentMs)
    await work.pause(PAUSE_FACTOR * (work.now() - startedMs))
  }
}

/** Towards the wanted time, at most twice as many, so that one lucky look does not make a long one. */
export function nextSize(size: number, spentMs: number): number {
  const wanted = Math.round((size * 2 * CHUNK_MS) / spentMs)
  return Math.min(ROWS_MAX, Math.max(ROWS_MIN, Math.min(wanted, size * 2)))
}

interface Differing<Key> {
  range: ChunkRange<Key>
  ours: ChunkSummary
  theirs: ChunkSummary
}

async function locate<Key>(
  sides: ChunkSides<Key>,
  { range, ours, theirs }: Differing<Key>,
  work: ChunkWork<Key>,
): Promise<void> {
  const larger = ours.rows >= theirs.rows ? 'ours' : 'theirs'
  const rows = Math.max(ours.rows, theirs.rows)
  if (rows <= LEAF_ROWS_MAX) return compareRows(sides, range, work)
  // One side has far more than the other: half of the larger one at a time.
  const middle = await sides[larger].boundary(range, Math.ceil(rows / 2))
  if (middle === null) return compareRows(sides, range, work)
  for (const half of [
    { after: range.after, upTo: middle },
    { after: middle, upTo: range.upTo },
  ]) {
    const part = {
      range: half,
      ours: await sides.ours.summary(half),
      theirs: await sides.theirs.summary(half),
    }
    if (!alike(part.ours, part.theirs)) await locate(sides, part, work)
  }
}

async function compareRows<Key>(
  sides: ChunkSides<Key>,
  range: ChunkRange<Key>,
  work: ChunkWork<Key>,
): Promise<void> {
  const ours = await sides.ours.rows(range)
  const theirs = await sides.theirs.rows(range)
  for (const [name, { key, word }] of ours) {
    const other = theirs.get(name)
    if (other?.word === word) continue
    work.found({ key, onlyOn: other === undefined ? 'ours' : null })
  }
  for (const [name, { key }] of theirs) {
    if (!ours.has(name)) work.found({ key, onlyOn: 'theirs' })
  }
}

export function alike(one: ChunkSummary, other: ChunkSummary): boolean {
  return one.rows === other.rows && one.word === other.word
}
