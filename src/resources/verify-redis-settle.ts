/**
 * Does a key that looked different really differ, or did it only change between two looks?
 *
 * The active is read, then the standby once it has everything the active had, then the active again. A
 * key that was the same before and after on the active must be so on the standby. Only what differs in
 * three such looks, each time in the same way, counts; what changes faster than it can be read so is told
 * as that. A key may end on one node a little before the other, by the nodes' clocks: not a difference.
 */
import { askReplication } from './redis-ask.ts'
import type { RedisLine } from './redis-line.ts'
import { Limit, pause, StoreFailure } from './store-result.ts'
import { type KeyWord, readWord } from './verify-redis-value.ts'

export interface RedisSides {
  active: RedisLine
  standby: RedisLine
}

export type Verdict = 'same' | 'differs' | 'active-only' | 'standby-only' | 'unsettled'

const ROUNDS_MAX = 25
/** As many as it takes to be certain of one that stands still, however slow the servers are. */
const ROUNDS_MIN = 5
const ROUNDS_AGREE = 3
/** What is not clear by then changes all the time. */
const SETTLE_MS = 3_000
const CATCH_UP_MS = 5_000
const ROUND_PAUSE_MS = 20
/** Between the clocks of two nodes, and for what one asks after the other. */
const CLOCK_MS = 1_000

/** @throws StoreFailure */
export async function settle(sides: RedisSides, keys: readonly Buffer[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = keys.map(() => 'unsettled')
  const agreed = new Map<number, { word: string; times: number }>()
  let open = keys.map((_, index) => index)
  const startedMs = performance.now()
  for (let round = 0; round < ROUNDS_MAX && open.length > 0; round += 1) {
    if (round >= ROUNDS_MIN && performance.now() - startedMs > SETTLE_MS) break
    if (round > 0) await pause(ROUND_PAUSE_MS * Math.min(round, 10))
    const looks = await lookAt(
      sides,
      open.map((index) => keys[index] as Buffer),
    )
    open = open.filter((index, at) => {
      const look = looks[at]
      if (look === undefined) return true
      const verdict = judge(look)
      if (verdict === 'same') {
        verdicts[index] = 'same'
        return false
      }
      if (verdict === 'unsettled') {
        agreed.delete(index)
        return true
      }
      const word = JSON.stringify([look.before, look.standby])
      const known = agreed.get(index)
      const times = known?.word === word ? known.times + 1 : 1
      agreed.set(index, { word, times })
      if (times < ROUNDS_AGREE) return true
      verdicts[index] = verdict
      return false
    })
  }
  return verdicts
}

export interface Look {
  /** On the active, before and after the standby was read. */
  before: KeyWord
  standby: KeyWord
  after: KeyWord
  /** Wall clock of each server, ms since 1970. */
  clocks: { active: number; standby: number }
}

/** Pure: of one look. */
export function judge({ before, standby, after, clocks }: Look): Verdict {
  const was = JSON.stringify(before)
  const is = JSON.stringify(standby)
  if (is === was || is === JSON.stringify(after)) return 'same'
  if (was !== JSON.stringify(after)) return 'unsettled'
  if (standby === null) return ended(before, clocks.standby) ? 'same' : 'active-only'
  if (before === null) return ended(standby, clocks.active) ? 'same' : 'standby-only'
  return 'differs'
}

function ended(key: KeyWord, clockMs: number): boolean {
  return key?.expiresAtMs != null && key.expiresAtMs <= clockMs + CLOCK_MS
}

async function lookAt({ active, standby }: RedisSides, keys: readonly Buffer[]): Promise<Look[]> {
  const read = (line: RedisLine): Promise<KeyWord[]> =>
    Promise.all(keys.map((key) => readWord(line, key)))
  const before = await read(active)
  await catchUp({ active, standby })
  const there = await read(standby)
  const after = await read(active)
  const clocks = { active: await clockOf(active), standby: await clockOf(standby) }
  return keys.map((_, index) => ({
    before: before[index] ?? null,
    standby: there[index] ?? null,
    after: after[index] ?? null,
    clocks,
  }))
}

/** Waits until the standby has what the active has now. */
async function catchUp({ active, standby }: RedisSides): Promise<void> {
  const limit = new Limit(CATCH_UP_MS)
  const { history, offset } = await askReplication(active, limit)
  for (;;) {
    const { history: theirs, following } = await askReplication(standby, limit)
    if (following === null || theirs !== history) {
      const why = 'the standby does not follow the active any more'
      throw new StoreFailure('HA_STORE_REFUSED', `${standby.label}: ${why}`)
    }
    if (following.offset >= offset) return
    await pause(1)
  }
}

async function clockOf(line: RedisLine): Promise<number> {
  const [seconds, micros] = (await line.bytes(['TIME'], new Limit(CATCH_UP_MS))) as [Buffer, Buffer]
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}
