/**
 * Do the load-balancers have of this pair what they should? Looked at in intervals, told at once when it is
 * another, and again whenever they forgot.
 *
 * What they are to have is decided in `core/drain.ts`. Both nodes look, so that a standby knows before its
 * takeover that it is not heard; only one of them tells. Nobody outside this thread waits for any of them.
 */
import type { LoadBalancerConfig } from '../config/config.ts'
import type { LoadBalancerSnapshot } from '../control/snapshot.ts'
import {
  type DrainWord,
  mustTell,
  newerWord,
  nextWord,
  type SeenState,
  type Standing,
  type Wish,
  wishOf,
} from '../core/drain.ts'
import type { LoadBalancer } from '../resources/load-balancer.ts'
import type { OrderNews } from './order-posts.ts'

export interface LoadBalancerKeeperOptions {
  balancers: readonly { config: LoadBalancerConfig; balancer: LoadBalancer }[]
  word: DrainWord
  /** Keeps a word. @returns why it could not; null when it is on disk */
  keep: (word: DrainWord) => Promise<string | null>
  /** Tells the peer. */
  send: (word: DrainWord) => void
  now: () => number
  wait: (ms: number) => Promise<void>
  /** Something changed that is shown. */
  changed: () => void
  log: (severity: 'info' | 'warning', event: string, text: string) => void
  news: (id: number, news: OrderNews) => void
}

/** A dispatcher that read its list again has forgotten us for so long at most. */
const LOOK_MS = 5_000
/** After a question that was not answered. */
const AGAIN_MS = 1_000
const LIMIT_MS = 2_000
/** A lost datagram is no trouble yet. */
const MISSES = 2
/** Somebody else may take the place within this; after it calls had better go to another pair. */
const GRACE_MS = 5_000
/** For the last word of an agent that ends. */
const LAST_WORD_MS = 1_000
const ORDER_LIMIT_MS = 10_000
const ORDER_LOOK_MS = 500

interface Lane {
  config: LoadBalancerConfig
  balancer: LoadBalancer
  seen: SeenState | null
  trouble: string | null
  misses: number
  /** The wish that was told, or found fulfilled, last. */
  told: Wish | null
  /** Looks now instead of later. */
  wake: () => void
}

export class LoadBalancerKeeper {
  readonly #options: LoadBalancerKeeperOptions
  readonly #lanes: readonly Lane[]
  #word: DrainWord
  #serving = false
  /** Since when it is so; null when it is not. */
  #unfitSinceMs: number | null = null
  #releasedSinceMs: number | null = null
  #stopped = false

  constructor(options: LoadBalancerKeeperOptions) {
    this.#options = options
    this.#word = options.word
    this.#lanes = options.balancers.map((each) => ({
      ...each,
      ...{ seen: null, trouble: null, misses: 0, told: null, wake: () => undefined },
    }))
  }

  start(): void {
    for (const lane of this.#lanes) void this.#watch(lane)
    void this.#remind()
  }

  /**
   * An agent that is asked to end and serves until then says that nobody does any more. One that breaks leaves
   * that to the peer, which takes over and may not reach every load-balancer.
   */
  async stop(planned: boolean): Promise<void> {
    this.#stopped = true
    if (!this.#serving || !planned) return
    await Promise.all(
      this.#lanes.map(async ({ config, balancer }) => {
        const why = await balancer.tell('drained', LAST_WORD_MS)
        if (why !== null) this.#options.log('warning', 'load-balancer', `${config.name}: ${why}`)
      }),
    )
  }

  get drained(): boolean {
    return this.#word.drained
  }

  get snapshots(): LoadBalancerSnapshot[] {
    const wish = this.#wish()
    return this.#lanes.map(({ config, seen, trouble }) => ({
      ...{ name: config.name, kind: config.kind, set: config.set },
      destination: config.destination,
      ...{ wanted: wish?.state ?? null, why: wish?.why ?? null, seen, trouble },
    }))
  }

  /** The node serves and its stores take writes, or it serves no longer. */
  serve(on: boolean): void {
    if (on === this.#serving) return
    this.#serving = on
    for (const lane of this.#lanes) lane.told = null
    this.#all()
  }

  /** How this node stands otherwise, see `Standing`. */
  stand({ unfit, released }: { unfit: boolean; released: boolean }): void {
    const since = (on: boolean, before: number | null): number | null =>
      on ? (before ?? this.#options.now()) : null
    this.#unfitSinceMs = since(unfit, this.#unfitSinceMs)
    this.#releasedSinceMs = since(released, this.#releasedSinceMs)
  }

  /** What the peer knows; what it does not know yet is told. */
  async hear(theirs: DrainWord): Promise<void> {
    const ours = this.#word
    const { log, keep, send } = this.#options
    const counts = newerWord(ours, theirs)
    if (counts.count === ours.count && counts.drained === ours.drained) {
      if (theirs.count !== ours.count || theirs.drained !== ours.drained) send(ours)
      return
    }
    this.#word = counts
    log('info', 'drain', `the peer says: the pair is ${counts.drained ? '' : 'not '}to be drained`)
    this.#all()
    const why = await keep(counts)
    if (why !== null) log('warning', 'drain', `that is lost when this agent ends: ${why}`)
  }

  /** Carries an operator's order out; told under its id, with its end last. */
  async obey(id: number, drained: boolean): Promise<void> {
    const { keep, send, news, log, now, wait } = this.#options
    const step = (sentence: string): void => news(id, { type: 'step', sentence })
    const end = (failed: string | null): void => news(id, { type: 'end', failed })
    log('info', 'drain', `an operator asks: drain ${drained ? 'on' : 'off'}`)
    const word = nextWord(this.#word, drained)
    const why = await keep(word)
    if (why !== null) return end(`it cannot be kept: ${why}`)
    this.#word = newerWord(this.#word, word)
    step(`kept on this node: the pair is ${drained ? '' : 'not '}to be drained`)
    const endMs = now() + ORDER_LIMIT_MS
    const left = new Set(this.#lanes)
    for (;;) {
      send(this.#word)
      this.#all()
      await wait(ORDER_LOOK_MS)
      for (const lane of left) {
        if (lane.seen === null || (lane.seen === 'drained') !== drained) continue
        left.delete(lane)
        step(`${lane.config.name} ${drained ? 'sends no new calls' : 'may send calls'}`)
      }
      if (left.size === 0) return end(null)
      if (now() > endMs) break
    }
    const whys = [...left].map(({ config, trouble, seen }) => {
      const found = trouble ?? `it has the pair as ${seen ?? 'unknown'}; no node serves?`
      return `${config.name}: ${found}`
    })
    end(
      `it is tried on, but within ${ORDER_LIMIT_MS / 1000} s not all were seen to know it: ${whys.join('; ')}`,
    )
  }

  #standing(): Standing {
    const stands = (sinceMs: number | null): boolean =>
      sinceMs !== null && this.#options.now() - sinceMs >= GRACE_MS
    return {
      serving: this.#serving,
      unfit: stands(this.#unfitSinceMs),
      released: stands(this.#releasedSinceMs),
      word: this.#word,
    }
  }

  #wish(): Wish | null {
    return wishOf(this.#standing())
  }

  #all(): void {
    this.#options.changed()
    for (const lane of this.#lanes) lane.wake()
  }

  /** The peer may have been down when it was told. */
  async #remind(): Promise<void> {
    while (!this.#stopped) {
      if (this.#word.count > 0) this.#options.send(this.#word)
      await this.#options.wait(LOOK_MS)
    }
  }

  async #watch(lane: Lane): Promise<void> {
    while (!this.#stopped) {
      const woken = new Promise<void>((resolve) => {
        lane.wake = resolve
      })
      await this.#turn(lane)
      const pauseMs = lane.misses === 0 ? LOOK_MS : AGAIN_MS
      await Promise.race([this.#options.wait(pauseMs), woken])
    }
  }

  async #turn(lane: Lane): Promise<void> {
    const { balancer } = lane
    const looked = await balancer.look(LIMIT_MS)
    // What it was when we asked may be another by now.
    const wish = this.#wish()
    if (this.#stopped) return
    if (!looked.ok) return this.#note(lane, null, looked.message)
    const first = lane.told?.state !== wish?.state || lane.told?.why !== wish?.why
    if (wish === null || !mustTell(wish, looked.seen, first)) {
      if (wish === null || wish.state === looked.seen) lane.told = wish
      return this.#note(lane, looked.seen, this.#contradiction(lane, wish, looked.seen))
    }
    const why = await balancer.tell(wish.state, LIMIT_MS)
    if (why !== null) return this.#note(lane, looked.seen, why)
    const again = first ? '' : ' again'
    lane.told = wish
    this.#options.log(
      'info',
      'load-balancer',
      `${lane.config.name} was told${again}: ${wish.state} (${WHYS[wish.why]})`,
    )
    this.#note(lane, wish.state, null)
  }

  #contradiction({ config }: Lane, wish: Wish | null, seen: SeenState): string | null {
    if (wish?.state !== 'active' || seen !== 'down') return null
    return `its own probes get no answer from ${config.destination}`
  }

  #note(lane: Lane, seen: SeenState | null, trouble: string | null): void {
    lane.misses = seen === null ? lane.misses + 1 : 0
    // One that was not answered once keeps its last word.
    const early = seen === null && lane.misses < MISSES
    const before = JSON.stringify([lane.seen, lane.trouble])
    if (!early) Object.assign(lane, { seen, trouble })
    if (JSON.stringify([lane.seen, lane.trouble]) !== before) this.#options.changed()
  }
}

const WHYS: Readonly<Record<Wish['why'], string>> = {
  serves: 'this node serves',
  operator: 'an operator wants it',
  unfit: 'this node cannot serve well and nobody takes its place',
  released: 'this node is in maintenance and nobody took its place',
}
