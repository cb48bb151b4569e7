/**
 * What does an application see of its data during the demo? One writes to Redis through the floating IP
 * all the time; what was acknowledged must be there in the end, and must not have stopped for long.
 *
 * Without redis-server on this machine the demo goes without it and says so.
 */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { controlClient } from '../control/client.ts'
import type { StatusDocument } from '../control/schema.ts'
import type { LabNode } from '../lab/node.ts'
import type { Nodes, PairDriver } from '../lab/pair.ts'
import { type LabNodeName, NODE_NAMES } from '../lab/plan.ts'
import { labNowMs } from '../lab/prober.ts'
import { LabRedis } from '../lab/redis.ts'
import { lostOf, StoreClient, stallOf, type Write } from '../lab/store-client.ts'
import type { Lab } from '../lab/topology.ts'
import type { Paint } from './paint.ts'

export const WRITES_PER_SECOND = 200
/** What Redis had not sent on when the power went; it replicates asynchronously. */
const ON_THE_WIRE_MS = 250
const STATUS_LIMIT_MS = 2_000
const FOLLOWS_WITHIN_MS = 40_000

/** What is promised of the writes during one act. */
export interface StoreDemand {
  stallMs: number
  /** Writes acknowledged shortly before the power went may be lost, not a single other one. */
  powerCut: boolean
}

/** One act as the application saw it. */
export interface StoreSeen {
  title: string
  fromMs: number
  acknowledged: number
  stallMs: number
  /** The last acknowledgement before the longest stall. */
  stallFromMs: number
  /** The longest silence of an address that never moves: what the machine itself did meanwhile. */
  controlMs: number
  demand: StoreDemand
}

/** A Redis server on each node and an application that writes to it. */
export class DemoStore {
  readonly #lab: Lab
  readonly #nodes: Nodes
  readonly #redis: Readonly<Record<LabNodeName, LabRedis>>
  readonly #seen: StoreSeen[] = []
  #client: StoreClient | null = null

  constructor(lab: Lab, nodes: Nodes) {
    this.#lab = lab
    this.#nodes = nodes
    this.#redis = { sp1: new LabRedis(nodes.sp1), sp2: new LabRedis(nodes.sp2) }
  }

  /** Says why there can be none; null when there can. */
  static missing(): string | null {
    const programs = ['redis-server', 'redis-cli']
    const places = (process.env['PATH'] ?? '').split(':')
    const wanted = programs.find((name) => !places.some((place) => existsSync(`${place}/${name}`)))
    return wanted === undefined ? null : `${wanted} is not installed (apt-get install redis-server)`
  }

  /** The pair's driver, with the server started before the agent. */
  driver(pair: PairDriver): PairDriver {
    return {
      ...pair,
      settlesWithinMs: 3 * pair.settlesWithinMs,
      start: async (node: LabNode) => {
        await this.#redis[node.name].start()
        await pair.start(node)
      },
    }
  }

  /** Begins to write, once one server takes writes and the other follows it. */
  async start(): Promise<void> {
    await this.whole()
    const what = { kind: 'redis', number: 1, perSecond: WRITES_PER_SECOND } as const
    this.#client = await StoreClient.start(this.#lab, what)
  }

  /** @throws Error when the pair of servers does not become one in time */
  async whole(): Promise<void> {
    const endMs = labNowMs() + FOLLOWS_WITHIN_MS
    for (;;) {
      const stores = await Promise.all(NODE_NAMES.map((name) => this.of(name)))
      const writable = stores.some((store) => store?.role === 'writable')
      if (writable && stores.some((store) => store?.following === true)) return
      if (labNowMs() > endMs) throw new Error('the Redis server of the standby does not follow')
      await sleep(50)
    }
  }

  /** As the agent of a node sees it; null without an answer. */
  async of(name: LabNodeName): Promise<StatusDocument['stores'][number] | null> {
    const asked = await controlClient(this.#nodes[name].directories.run).status(STATUS_LIMIT_MS)
    return asked.ok ? (asked.value.stores[0] ?? null) : null
  }

  /** Remembers one act. @returns its line */
  note(
    { title, window, controlMs }: { title: string; window: Window; controlMs: number },
    demand: StoreDemand,
    paint: Paint,
  ): string {
    const writes = this.#client?.acknowledged() ?? []
    const acknowledged = within(writes, window).length
    const stallMs = stallOf(writes, window.fromMs, window.toMs)
    const stallFromMs = beforeStall(writes, window, stallMs)
    const { fromMs } = window
    const seen = { title, fromMs, acknowledged, stallMs, stallFromMs, controlMs, demand }
    this.#seen.push(seen)
    const verdict = inTime(seen) ? paint('kept', 'good') : paint('too long', 'bad')
    return (
      `writes: ${acknowledged} acknowledged, longest stall ${paint(`${stallMs.toFixed(0)} ms`, 'title')} ` +
      `(promised: at most ${demand.stallMs} ms): ${verdict}`
    )
  }

  /** Ends the writing and looks for every acknowledged write in the server that takes them now. */
  async end(): Promise<StoreEnd> {
    const writes = (await this.#client?.stop()) ?? []
    const views = await Promise.all(NODE_NAMES.map((name) => this.of(name)))
    const holder = NODE_NAMES.find((_, index) => views[index]?.role === 'writable') ?? 'sp1'
    const lost = new Set(await lostOf(writes, this.#redis[holder]))
    const losses = writes.filter(({ key }) => lost.has(key))
    return { seen: this.#seen, writes: writes.length, losses }
  }
}

interface Window {
  fromMs: number
  toMs: number
}

export interface StoreEnd {
  seen: readonly StoreSeen[]
  /** Acknowledged in all. */
  writes: number
  losses: readonly Write[]
}

/** Whether every promise about the data was kept. */
export function storeKept({ seen, losses }: StoreEnd): boolean {
  return seen.every(inTime) && losses.every((loss) => mayBeLost(loss, seen))
}

/** The table at the end. */
export function storeSummary(end: StoreEnd, paint: Paint): string {
  const { seen, losses, writes } = end
  const width = Math.max(...seen.map(({ title }) => title.length))
  const lines = seen.map((one, index) => {
    const toMs = seen[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY
    const fromMs = index === 0 ? 0 : one.fromMs
    const lost = losses.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    const kept = inTime(one) && lost.every((loss) => mayBeLost(loss, seen))
    return [
      one.title.padEnd(width),
      `${one.stallMs.toFixed(0)} ms`.padStart(7),
      `<= ${one.demand.stallMs} ms`.padEnd(10),
      String(one.acknowledged).padStart(12),
      String(lost.length).padStart(4),
      kept ? paint('kept', 'good') : paint('BROKEN', 'bad'),
    ].join('  ')
  })
  const head = `${'Writes to Redis through the floating IP'.padEnd(width)}    stall  promised    acknowledged  lost`
  const note =
    losses.length === 0
      ? `Not one of ${writes} acknowledged writes is missing.`
      : `${losses.length} of ${writes} acknowledged writes are missing: Redis replicates asynchronously, and the ` +
        `power cut may take the last ${ON_THE_WIRE_MS} ms.`
  return `${paint(head, 'title')}\n${lines.join('\n')}\n${note}\n\n`
}

function inTime({ stallMs, controlMs, demand }: StoreSeen): boolean {
  return stallMs - controlMs <= demand.stallMs
}

function mayBeLost({ atMs }: Write, seen: readonly StoreSeen[]): boolean {
  return seen.some(
    ({ stallFromMs, demand }) =>
      demand.powerCut && atMs > stallFromMs - ON_THE_WIRE_MS && atMs <= stallFromMs,
  )
}

function beforeStall(writes: readonly Write[], window: Window, stallMs: number): number {
  const index = writes.findIndex(
    ({ atMs }, at) => atMs >= window.fromMs && atMs - (writes[at - 1]?.atMs ?? 0) >= stallMs,
  )
  return writes[index - 1]?.atMs ?? window.fromMs
}

function within(writes: readonly Write[], { fromMs, toMs }: Window): readonly Write[] {
  return writes.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
}
