/**
 * What happens to the applications' writes when the pair moves, loses a node, or loses its crosslink?
 *
 * Each case is one run on a pair that is whole: applications write to both stores through the floating
 * IP, the thing happens, and what was acknowledged is looked for in the store that serves in the end. Every
 * case leaves the pair whole again. What is required of the figures is `store-requirement.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { heal, setCable } from './faults.ts'
import { type LabNodeName, otherNode } from './plan.ts'
import { lostOf, monotonicMs, nextAfter, stallOf, type Write } from './store-client.ts'
import type { StorePair } from './store-pair.ts'

export const STORE_RATE = 500
/** Writers get into their stride, and their server too. */
const WARM_UP_MS = 1_500
/** After a move or a failover is over. */
const AFTERWARDS_MS = 1_000
/** So long writes may stay away before a run goes on without them. */
const WRITES_WITHIN_MS = 15_000
const LOOK_MS = 50

export type StoreCase = 'move' | 'power-cut' | 'crosslink-cut'

/** One figure for each store. */
export interface PerStore {
  redis: number
  mariadb: number
}

export interface StoreRun {
  case: StoreCase
  semiSync: boolean
  run: number
  from: LabNodeName
  /** Who serves in the end. */
  to: LabNodeName
  /** Longest time without an acknowledged write. */
  stallMs: PerStore
  /** From the beginning to the first acknowledged write after it. */
  writableMs: PerStore
  acknowledged: PerStore
  lost: PerStore
  /** How the old active's Redis came to follow: full copies and resumptions; null where it did not move. */
  resync: { full: number; partial: number } | null
  /** Crosslink cut under semi-sync: until the active said that it confirms alone, and together again. */
  aloneMs: number | null
  togetherMs: number | null
  trouble: string[]
}

/** A planned move away from whoever serves. */
export async function moveCase(pair: StorePair, run: number): Promise<StoreRun> {
  const from = await pair.whole()
  const to = otherNode(from)
  const before = await syncCounts(pair, to)
  const clients = await pair.startClients(STORE_RATE)
  await sleep(WARM_UP_MS)
  const beginMs = monotonicMs()
  const said = await pair.makeStandby(from)
  const trouble = said.ok ? [] : [`make-standby: ${said.message}`]
  const serving = await pair.whole()
  await sleep(AFTERWARDS_MS)
  const endMs = monotonicMs()
  const after = await syncCounts(pair, to)
  const resync = { full: after.full - before.full, partial: after.partial - before.partial }
  const writes = { redis: await clients.redis.stop(), mariadb: await clients.mariadb.stop() }
  const figures = await figuresOf(pair, serving, writes, beginMs, endMs)
  return { ...blank(pair, 'move', run, from), ...figures, to: serving, resync, trouble }
}

/** The power of the active is cut; it boots again when the other one has taken over. */
export async function powerCutCase(pair: StorePair, run: number): Promise<StoreRun> {
  const from = await pair.whole()
  const to = otherNode(from)
  const clients = await pair.startClients(STORE_RATE)
  await sleep(WARM_UP_MS)
  const beginMs = monotonicMs()
  await pair.nodes[from].powerOff()
  await untilWritten(clients, monotonicMs())
  await sleep(AFTERWARDS_MS)
  const endMs = monotonicMs()
  const writes = { redis: await clients.redis.stop(), mariadb: await clients.mariadb.stop() }
  const figures = await figuresOf(pair, to, writes, beginMs, endMs)
  await pair.comeBack(from)
  const serving = await pair.whole()
  const trouble = serving === to ? [] : [`${from} took the role back`]
  return { ...blank(pair, 'power-cut', run, from), ...figures, to: serving, trouble }
}

/** The crosslink is gone for a while, and with it replication; heartbeats go over the LAN. */
export async function crosslinkCutCase(
  pair: StorePair,
  run: number,
  forMs: number,
): Promise<StoreRun> {
  const from = await pair.whole()
  const clients = await pair.startClients(STORE_RATE)
  await sleep(WARM_UP_MS)
  const beginMs = monotonicMs()
  await setCable(pair.lab, 'crosslink', 'down')
  const aloneMs = await untilSync(pair, from, false, forMs)
  await sleep(Math.max(0, forMs - (monotonicMs() - beginMs)))
  const healedMs = monotonicMs()
  await heal(pair.lab)
  const serving = await pair.whole()
  const togetherMs = pair.semiSync ? monotonicMs() - healedMs : null
  await sleep(AFTERWARDS_MS)
  const endMs = monotonicMs()
  const writes = { redis: await clients.redis.stop(), mariadb: await clients.mariadb.stop() }
  const figures = await figuresOf(pair, serving, writes, beginMs, endMs)
  const trouble = serving === from ? [] : [`the role moved to ${serving}`]
  return {
    ...blank(pair, 'crosslink-cut', run, from),
    ...{ ...figures, to: serving, aloneMs, togetherMs, trouble },
  }
}

/**
 * Waits until the active says, or says no longer, that it confirms together with the standby.
 *
 * @returns how long that took, ms; null when it did not come about, or nothing is confirmed together
 */
export async function untilSync(
  pair: StorePair,
  active: LabNodeName,
  sync: boolean,
  withinMs: number,
): Promise<number | null> {
  if (!pair.semiSync) return null
  const beginMs = monotonicMs()
  while (monotonicMs() - beginMs < withinMs) {
    const local = (await pair.statusOf(active))?.local
    if (local !== undefined && local.sync === sync && local.sole === !sync) {
      return monotonicMs() - beginMs
    }
    await sleep(LOOK_MS)
  }
  return null
}

type Clients = Awaited<ReturnType<StorePair['startClients']>>

/** Waits until both stores take writes again, for a while. */
export async function untilWritten(clients: Clients, fromMs: number): Promise<void> {
  const endMs = monotonicMs() + WRITES_WITHIN_MS
  while (monotonicMs() < endMs) {
    const both = [clients.redis, clients.mariadb]
    if (both.every((client) => nextAfter(client.acknowledged(), fromMs) !== null)) return
    await sleep(LOOK_MS)
  }
}

async function figuresOf(
  pair: StorePair,
  holder: LabNodeName,
  writes: Readonly<Record<keyof PerStore, readonly Write[]>>,
  beginMs: number,
  endMs: number,
): Promise<Pick<StoreRun, 'stallMs' | 'writableMs' | 'acknowledged' | 'lost'>> {
  const of = (figure: (writes: readonly Write[]) => number): PerStore => ({
    redis: figure(writes.redis),
    mariadb: figure(writes.mariadb),
  })
  return {
    stallMs: of((all) => stallOf(all, beginMs, endMs)),
    writableMs: of((all) => afterTheGap(all, beginMs, endMs) - beginMs),
    acknowledged: of((all) => all.length),
    lost: {
      redis: (await lostOf(writes.redis, pair.redis[holder])).length,
      mariadb: (await lostOf(writes.mariadb, pair.mariadb[holder])).length,
    },
  }
}

/** Moment of the write that ended the longest silence: the one before may still be of the old active. */
function afterTheGap(writes: readonly Write[], beginMs: number, endMs: number): number {
  const stallMs = stallOf(writes, beginMs, endMs)
  let lastMs = beginMs
  for (const { atMs } of writes) {
    if (atMs < beginMs) continue
    if (atMs - lastMs >= stallMs) return atMs
    lastMs = atMs
  }
  return endMs
}

async function syncCounts(pair: StorePair, node: LabNodeName) {
  const info = await pair.redis[node].ask('INFO', 'stats')
  const count = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN)
  return { full: count('sync_full'), partial: count('sync_partial_ok') }
}

function blank(
  pair: StorePair,
  name: StoreCase,
  run: number,
  from: LabNodeName,
): Pick<
  StoreRun,
  'case' | 'semiSync' | 'run' | 'from' | 'resync' | 'aloneMs' | 'togetherMs' | 'trouble'
> {
  const nothing = { resync: null, aloneMs: null, togetherMs: null, trouble: [] }
  return { case: name, semiSync: pair.semiSync, run, from, ...nothing }
}
