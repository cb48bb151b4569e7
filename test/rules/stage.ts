/**
 * How does a claim build its situation? One node, event by event, with a peer that exists only as
 * the heartbeats it is said to send.
 *
 * A stage drives whichever `step` it is handed: that of the real core, or of one with a rule taken
 * out. Everything else (clock, disk, ping nodes, address probes, stores) answers as the claim says.
 */
import { strict as assert } from 'node:assert'
import type { Effect, EffectType } from '../../src/core/effect.ts'
import type { Event } from '../../src/core/event.ts'
import type { Heartbeat, Position } from '../../src/core/heartbeat.ts'
import type { Policy, Timing } from '../../src/core/policy.ts'
import type { State } from '../../src/core/state.ts'
import type { Claim, Program } from './claim.ts'

export type Happening = Event extends infer E ? (E extends Event ? Omit<E, 'nowMs'> : never) : never

export interface Done {
  atMs: number
  effect: Effect
}

/** What surrounds the node while time passes. */
export interface Surrounding {
  /** What the peer says on every tick; null when it is silent. */
  hear?: Partial<Heartbeat> | null
  /** Ping nodes that answer, by number, or by number of the round; all three when left out. */
  pong?: readonly number[] | ((round: number) => readonly number[])
  /** What becomes of address probes. */
  probe?: 'clear' | 'answered' | 'lost'
  /** Called after everything else of a tick. */
  each?: () => void
}

export interface StageOptions extends Partial<Omit<Policy, 'timing' | 'data'>> {
  data?: Partial<Policy['data']>
  hard?: { term: number; sole: boolean }
  /** Null: no store was looked at yet. */
  position?: Position | null
}

export const OUR_BOOT = 'aaaaaaaaaaaaaaaa'
export const PEER_BOOT = 'bbbbbbbbbbbbbbbb'

export class Stage {
  readonly policy: Policy
  readonly timing: Timing
  state: Readonly<State>
  nowMs = 1_000_000
  /** Effects of all steps so far. */
  done: Done[] = []
  /** While set, nothing that was asked of the disk is written. */
  diskHangs = false
  /** The store waits for the peer as soon as it is asked to, and says so. */
  storeObeys = true
  /** While set, a demotion does not come to its end. */
  demoteHangs = false
  peer: { boot: string; seq: number } = { boot: PEER_BOOT, seq: 0 }
  readonly #program: Program
  #unwritten: number[] = []

  constructor(program: Program, options: StageOptions = {}) {
    const { data, hard, position, ...policy } = options
    this.#program = program
    this.timing = program.deriveTiming(program.TIMING_PROFILES.default)
    this.policy = {
      node: 'sp1',
      mode: 'ping',
      timing: this.timing,
      pingNodeCount: 3,
      digest: '0000000000000000',
      ...policy,
      data: {
        takeover: 'none',
        recentMs: 10_000,
        stale: 'refuse',
        staleWaitMs: 120_000,
        confirmAloneAfterMs: 300,
        ...data,
      },
    }
    const { pingNodeCount } = this.policy
    this.state = program.initialState(OUR_BOOT, hard ?? { term: 0, sole: false }, pingNodeCount)
    // The stores were looked at, unless the claim is about that.
    this.state = { ...this.state, positionUnknown: position === null }
    if (position) this.state = { ...this.state, position }
    this.feed({ type: 'start' })
  }

  /** One step now, and the end of what it started unless that hangs. */
  feed(happening: Happening): readonly Effect[] {
    const event = { ...happening, nowMs: this.nowMs } as Event
    const decision = this.#program.step(this.state, event, this.policy)
    this.state = decision.state
    for (const effect of decision.effects) this.done.push({ atMs: this.nowMs, effect })
    for (const effect of decision.effects) {
      if (effect.type === 'persist') this.#unwritten.push(effect.ticket)
      if (effect.type === 'demote' && !this.demoteHangs) this.feed({ type: 'demoted' })
      const asked = effect.type === 'confirm' && !effect.alone
      if (asked && this.storeObeys) this.feed({ type: 'confirms', together: true })
    }
    if (!this.diskHangs) this.writeDisk()
    return decision.effects
  }

  /** From now on nothing is written, and no term was in advance: an attempt has to wait for the disk. */
  hangDisk(): void {
    this.diskHangs = true
    this.state = { ...this.state, reservedTerm: this.state.term }
  }

  writeDisk(): void {
    const tickets = this.#unwritten
    this.#unwritten = []
    for (const ticket of tickets) this.feed({ type: 'persisted', ticket })
  }

  /** A heartbeat of the peer arrives; fresh, unless said otherwise. */
  hear(change: Partial<Heartbeat> = {}, direct = true): readonly Effect[] {
    this.peer.seq += 1
    return this.feed({ type: 'heartbeat', heartbeat: this.says(change), direct })
  }

  /** A heartbeat of a standby that hears us and grants what we want. */
  says(change: Partial<Heartbeat> = {}): Heartbeat {
    const role = change.role ?? 'standby'
    const want = role === 'active' || role === 'elect' || role === 'take'
    return {
      node: this.policy.node === 'sp1' ? 'sp2' : 'sp1',
      boot: this.peer.boot,
      seq: this.peer.seq,
      term: 0,
      role,
      want,
      able: true,
      score: 3,
      majority: true,
      hears: true,
      ackBoot: OUR_BOOT,
      ackSeq: this.state.seq,
      heardAgoMs: 0,
      direct: true,
      grant: !want && this.state.attempt !== null,
      position: this.state.position,
      positionUnknown: false,
      sync: false,
      inSync: false,
      sole: false,
      avoid: false,
      ask: null,
      digest: '0000000000000000',
      healthy: true,
      maintenance: false,
      ...change,
    }
  }

  /** Lets ticks pass, the first one now; ends H after the last one. */
  pass(forMs: number, surrounding: Surrounding = {}): this {
    const { heartbeatMs } = this.timing
    for (let leftMs = forMs; leftMs > 0; leftMs -= heartbeatMs) this.#tick(surrounding)
    return this
  }

  /** Time goes by in which this node does not run at all. */
  sleep(forMs: number): this {
    this.nowMs += forMs
    return this
  }

  /** Lets ticks pass until something holds; fails when it does not within `forMs`. */
  until(what: string, holds: () => boolean, forMs: number, surrounding: Surrounding = {}): number {
    const beganMs = this.nowMs
    while (!holds()) {
      assert(this.nowMs - beganMs <= forMs, `${what} did not happen within ${forMs} ms`)
      this.#tick(surrounding)
    }
    return this.nowMs - beganMs
  }

  #tick(surrounding: Surrounding): void {
    const { heartbeatMs } = this.timing
    const { pong = [0, 1, 2], probe = 'clear', hear = {} } = surrounding
    const dueMs = this.nowMs + heartbeatMs
    const effects = this.feed({ type: 'tick' })
    const sentAtMs = this.nowMs
    this.nowMs += 1
    for (const effect of effects) {
      if (effect.type !== 'ping') continue
      const { round } = effect
      const answering = typeof pong === 'function' ? pong(round) : pong
      for (const pingNode of answering) this.feed({ type: 'pong', round, pingNode })
    }
    this.nowMs += 1
    if (hear !== null) this.hear(hear)
    this.nowMs = dueMs - 2
    if (probe !== 'lost' && effects.some((effect) => effect.type === 'probe')) {
      this.feed({ type: 'probed', sentAtMs, clear: probe === 'clear' })
    }
    surrounding.each?.()
    this.nowMs = dueMs
  }

  /** Effects of these kinds from a moment on. */
  count(type: EffectType, sinceMs = 0): number {
    return this.done.filter(({ atMs, effect }) => effect.type === type && atMs >= sinceMs).length
  }

  /** The newest heartbeat this node sent. */
  get told(): Heartbeat {
    for (let index = this.done.length - 1; index >= 0; index -= 1) {
      const effect = this.done[index]?.effect
      if (effect?.type === 'send') return effect.heartbeat
    }
    throw new Error('this node has sent no heartbeat')
  }

  get serves(): boolean {
    return this.state.armed && this.nowMs < this.state.leaseUntilMs
  }
}

/** What an active says every H. */
export const ACTIVE: Partial<Heartbeat> = { role: 'active', term: 2 }

/** A standby that has followed an active for a while. */
export function standbyOf(program: Program, options: StageOptions = {}): Stage {
  const stage = new Stage(program, options)
  stage.pass(20 * stage.timing.heartbeatMs, { hear: ACTIVE })
  assert.equal(stage.state.role, 'standby', 'a node that hears an active stands by')
  return stage
}

/** An active by election, followed by a standby that grants. */
export function activeOf(program: Program, options: StageOptions = {}): Stage {
  const stage = new Stage(program, options)
  const { leaseMs } = stage.timing
  // As sp2 it only ranks first when the other cannot serve.
  stage.until('the election', () => stage.state.armed, leaseMs, { hear: { able: false } })
  stage.pass(2 * leaseMs)
  assert(stage.serves, 'an active that is granted goes on serving')
  return stage
}

/** A claim, in the words of the rule. */
export function claim(rule: string, promise: string, check: Claim['check']): Claim {
  return { rule, promise, check }
}
