/**
 * Goal: effects are carried out in their order, one decision after the other, and a refusal takes back
 * everything of its decision that would tell of something not done. Method: the real core behind
 * pretend ports that write down every call.
 */
import { describe, expect, test } from 'vitest'
import type { Effect } from '../../src/core/effect.ts'
import type { Heartbeat } from '../../src/core/heartbeat.ts'
import type { Policy } from '../../src/core/policy.ts'
import { initialState } from '../../src/core/state.ts'
import { Loop } from '../../src/daemon/loop.ts'
import type { Ports } from '../../src/daemon/ports.ts'
import { ModelGate } from '../../src/gate/model-gate.ts'
import { OUR_BOOT, PEER, POLICY } from '../helpers/snapshot-case.ts'

const { timing } = POLICY

/** A node of which everything is written down: events, effects, and what reached the ports. */
class Bench {
  nowMs = 1_000_000
  readonly lines: string[] = []
  readonly sent: Heartbeat[] = []
  readonly loop: Loop
  readonly gate = new ModelGate(() => this.nowMs)
  /** Called inside of the port, before it returns. */
  onSend: () => void = () => {}
  /** The gate's clock is ahead of the decision's by this, as after a stop in between. */
  stopBeforeGateMs = 0
  #peerSeq = 0

  constructor(policy: Policy = POLICY) {
    const said = (line: string): void => void this.lines.push(line)
    const late = (): void => {
      this.nowMs += this.stopBeforeGateMs
    }
    const ports: Ports = {
      now: () => this.nowMs,
      gate: {
        kind: 'ebpf',
        claim: () => this.gate.claim(),
        query: () => this.gate.query(),
        close: () => this.gate.close(),
        occupy: (deadlineMs, first) => {
          late()
          return this.gate.occupy(deadlineMs, first)
        },
        open: (deadlineMs, takeover) => {
          late()
          return this.gate.open(deadlineMs, takeover)
        },
        extend: (deadlineMs) => {
          late()
          return this.gate.extend(deadlineMs)
        },
      },
      send: (heartbeat) => {
        this.sent.push(heartbeat)
        this.onSend()
      },
      ping: () => {},
      probe: () => {},
      persist: () => {},
      promote: () => said('promoted'),
      demote: () => said('demoting'),
      freeze: () => {},
      unfreeze: () => {},
      askWitness: () => {},
      fence: () => {},
      setAside: () => {},
      confirm: (alone) => said(`confirming ${alone ? 'alone' : 'together'}`),
    }
    this.loop = new Loop(initialState(OUR_BOOT, { term: 0, sole: false }, 3), policy, ports, {
      stepped: (before, event, after) =>
        said(`event ${event.type}: ${before.role} -> ${after.role}`),
      carriedOut: (effect: Effect, refused) =>
        said(`effect ${effect.type}${refused ? ' refused' : ''}`),
    })
  }

  hear(changes: Partial<Heartbeat> = {}): void {
    const newest = this.sent.at(-1)
    this.#peerSeq += 1
    this.loop.take({
      type: 'heartbeat',
      direct: true,
      heartbeat: {
        ...PEER,
        ...{ seq: this.#peerSeq, term: 0, score: 0, heardAgoMs: 0 },
        ...{ ackBoot: newest === undefined ? null : OUR_BOOT, ackSeq: newest?.seq ?? 0 },
        grant: newest?.want ?? false,
        ...changes,
      },
    })
  }

  tick(): void {
    this.nowMs += timing.heartbeatMs
    this.loop.take({ type: 'tick' })
  }

  /** Everything that is written down from now on. */
  fresh(): string[] {
    return this.lines.splice(0)
  }

  /** A standby that has just been heard by the peer. */
  standby(): this {
    this.loop.take({ type: 'start' })
    this.loop.take({ type: 'demoted' })
    this.tick()
    this.fresh()
    return this
  }

  /** Active, with its term not on disk yet. */
  unarmed(): this {
    this.standby()
    this.hear()
    this.hear()
    if (this.loop.state.role !== 'active') throw new Error(this.loop.state.role)
    this.fresh()
    return this
  }
}

describe('the order', () => {
  test('is that of the decision, and one decision ends before the next event is judged', () => {
    const bench = new Bench().unarmed()
    const { attemptTicket } = bench.loop.state
    bench.onSend = () => bench.loop.take({ type: 'maintenance', on: false })
    bench.loop.take({ type: 'persisted', ticket: attemptTicket ?? 0 })
    bench.tick()
    expect(bench.fresh()).toEqual([
      'event persisted: active -> active',
      'effect open',
      'confirming together',
      'effect confirm',
      'promoted',
      'effect promote',
      'event tick: active -> active',
      'effect ping',
      'effect send',
      'event maintenance: active -> active',
    ])
  })

  test('of what was only entered waits, and is worked through one thing at a time', () => {
    const bench = new Bench()
    bench.loop.enter({ type: 'start' })
    bench.loop.enter({ type: 'demoted' })
    expect(bench.fresh()).toEqual([])
    const steps: string[][] = []
    while (bench.loop.advance()) steps.push(bench.fresh())
    expect(steps).toEqual([
      ['event start: demoting -> demoting'],
      ['effect close'],
      ['demoting', 'effect demote'],
      ['event demoted: demoting -> standby'],
    ])
    expect(bench.loop.advance()).toBe(false)
  })

  test('of time is that of the reading: each event has the clock of its own turn', () => {
    const bench = new Bench()
    bench.loop.enter({ type: 'start' })
    bench.loop.enter({ type: 'demoted' })
    bench.loop.advance()
    bench.nowMs += 5
    while (bench.loop.advance());
    expect(bench.loop.state).toMatchObject({ startedAtMs: 1_000_000, changedAtMs: 1_000_005 })
  })
})

describe('a refusal', () => {
  test('of an opening takes confirmation and promotion with it, and is the next event', () => {
    const bench = new Bench().unarmed()
    const { attemptTicket } = bench.loop.state
    // Stopped between decision and effect: the deadline has passed when the kernel looks.
    bench.stopBeforeGateMs = 10 * timing.leaseMs
    bench.loop.enter({ type: 'persisted', ticket: attemptTicket ?? 0 })
    bench.loop.enter({ type: 'maintenance', on: true })
    const before = bench.sent.length
    while (bench.loop.advance());
    expect(bench.fresh()).toEqual([
      'event persisted: active -> active',
      'effect open refused',
      'event refused: active -> demoting',
      'effect close',
      'demoting',
      'effect demote',
      'effect send',
      'event maintenance: demoting -> demoting',
    ])
    expect(bench.sent.slice(before).map(({ role, want }) => [role, want])).toEqual([
      ['demoting', false],
    ])
    expect(bench.gate.query().serveUntilMs).toBe(0)
  })

  test('of an extension takes the heartbeat with it that would have said active', () => {
    // With a fence agent every tick extends, and sends.
    const bench = new Bench({ ...POLICY, mode: 'fence' }).unarmed()
    bench.loop.take({ type: 'persisted', ticket: bench.loop.state.attemptTicket ?? 0 })
    bench.fresh()
    bench.tick()
    expect(bench.fresh()).toEqual([
      'event tick: active -> active',
      'effect ping',
      'effect extend',
      'effect send',
    ])
    const before = bench.sent.length
    bench.stopBeforeGateMs = 10 * timing.leaseMs
    bench.tick()
    expect(bench.fresh()).toEqual([
      'event tick: active -> active',
      'effect ping',
      'effect extend refused',
      'event refused: active -> demoting',
      'effect close',
      'demoting',
      'effect demote',
      'effect send',
    ])
    expect(bench.sent.slice(before).map(({ role, want }) => [role, want])).toEqual([
      ['demoting', false],
    ])
  })

  test('of an occupation leaves everything else, and the next tick asks again', () => {
    const bench = new Bench().standby()
    bench.stopBeforeGateMs = 0
    // Silent for S: the node occupies, but the kernel holds an open gate and refuses.
    bench.gate.open(bench.nowMs + 60_000, false)
    while (!bench.lines.includes('effect occupy refused')) {
      bench.fresh()
      bench.tick()
    }
    expect(bench.fresh()).toEqual([
      'event tick: standby -> standby',
      'effect ping',
      'effect occupy refused',
      'effect probe',
      'effect send',
      'event refused: standby -> standby',
      'effect close',
    ])
    expect(bench.loop.state.occupiedAtMs).toBeNull()
    bench.tick()
    expect(bench.fresh()).toEqual([
      'event tick: standby -> standby',
      'effect ping',
      'effect occupy',
      'effect probe',
      'effect send',
    ])
  })
})

// The first occupation is always refused (the addresses are not there yet). Were the heartbeat of the
// same decision dropped with it, T1 would count from a word that was never sent.
test('what a refusal held back does not count as said to the peer (T1)', () => {
  const bench = new Bench().standby()
  bench.hear({ role: 'active', want: true })
  // Ticks are not in step with what is heard: the first tick past S sees both.
  bench.nowMs += 5
  bench.gate.open(bench.nowMs + 60_000, false)
  while (!bench.lines.includes('effect occupy refused')) {
    bench.tick()
    const round = bench.loop.state.round?.number ?? 0
    for (const pingNode of [0, 1, 2]) bench.loop.take({ type: 'pong', round, pingNode })
  }
  const said = bench.sent.some(({ hears, majority }) => !hears && majority)
  expect({ said, counted: bench.loop.state.tellSinceMs !== null }).toEqual({ said, counted: said })
})

test('a mistake of the core ends the turn, and the loop can be asked again', () => {
  const bench = new Bench().standby()
  bench.onSend = () => {
    throw new Error('a mistake')
  }
  expect(() => bench.tick()).toThrow('a mistake')
  bench.onSend = () => {}
  bench.fresh()
  bench.tick()
  expect(bench.fresh()).toContain('event tick: standby -> standby')
})

test('more than 4096 events that wait push out the oldest', () => {
  const bench = new Bench().standby()
  for (let count = 0; count < 4_096; count += 1) bench.loop.enter({ type: 'health', healthy: true })
  bench.loop.enter({ type: 'maintenance', on: true })
  let steps = 0
  while (bench.loop.advance()) steps += 1
  expect(bench.fresh().filter((line) => line.startsWith('event')).length).toBe(4_096)
  expect(bench.loop.state.maintenance).toBe(true)
  expect(steps).toBeGreaterThanOrEqual(4_096)
})
