/** How effects are carried out: K1 to K5, with the real loop, executor and model gate. */
import { strict as assert } from 'node:assert'
import type { Effect } from '../../../src/core/effect.ts'
import type { Heartbeat } from '../../../src/core/heartbeat.ts'
import type { Observer, Ports } from '../../../src/daemon/ports.ts'
import type { Program } from '../claim.ts'
import { ACTIVE, activeOf, claim, Stage } from '../stage.ts'

/** The loop over a state that a stage has brought about, with a model gate and a note of all calls. */
class Bench {
  nowMs: number
  readonly calls: string[] = []
  readonly sent: Heartbeat[] = []
  readonly loop: InstanceType<Program['Loop']>
  readonly gate: InstanceType<Program['ModelGate']>
  readonly ports: Ports
  /** Runs before each effect is carried out: the process may be stopped there. */
  before: (call: string) => void = () => {}

  constructor(program: Program, stage: Stage) {
    this.nowMs = stage.nowMs
    this.gate = new program.ModelGate(() => this.nowMs)
    this.ports = this.#ports()
    this.loop = new program.Loop(stage.state, stage.policy, this.ports)
  }

  #ports(): Ports {
    const { gate } = this
    const note = <T>(call: string, run: () => T): T => {
      this.before(call)
      this.calls.push(call)
      return run()
    }
    const only = (call: string) => () => note(call, () => {})
    return {
      now: () => this.nowMs,
      gate: {
        kind: gate.kind,
        claim: () => gate.claim(),
        occupy: (deadlineMs, first) => note('occupy', () => gate.occupy(deadlineMs, first)),
        open: (deadlineMs, takeover) => note('open', () => gate.open(deadlineMs, takeover)),
        extend: (deadlineMs) => note('extend', () => gate.extend(deadlineMs)),
        close: () => note('close', () => gate.close()),
        query: () => gate.query(),
      },
      send: (heartbeat) => note('send', () => void this.sent.push(heartbeat)),
      ping: only('ping'),
      probe: only('probe'),
      persist: only('persist'),
      promote: only('promote'),
      demote: only('demote'),
      freeze: only('freeze'),
      unfreeze: only('unfreeze'),
      askWitness: only('ask-witness'),
      fence: only('fence'),
      setAside: only('set-aside'),
      confirm: only('confirm'),
    }
  }
}

/** A loop that serves, its gate open as long as its lease. */
function serving(program: Program): [Bench, Stage] {
  const stage = activeOf(program)
  const bench = new Bench(program, stage)
  bench.gate.open(stage.state.leaseUntilMs, false)
  return [bench, stage]
}

/** A candidate whose term is not on disk yet, its address occupied for a while. */
function candidate(program: Program, occupiedForMs: number): [Stage, Bench] {
  const stage = new Stage(program)
  stage.hangDisk()
  stage.until('the candidacy', () => stage.state.role === 'take', 5000, { hear: null })
  const bench = new Bench(program, stage)
  bench.gate.occupy(bench.nowMs + occupiedForMs, true)
  return [stage, bench]
}

function aboutToTakeOver(program: Program, occupiedForMs: number): Bench {
  return candidate(program, occupiedForMs)[1]
}

export const CARRYING_CLAIMS = [
  claim('K1', 'a heartbeat tells of a release only when the gate is shut', (program) => {
    const [bench, stage] = serving(program)
    bench.before = (call) => {
      if (call === 'send') assert(bench.gate.query().serveUntilMs <= bench.nowMs, 'told too early')
    }
    stage.peer.seq += 1
    const higher = { role: 'active', term: stage.state.term + 1, want: true } as const
    bench.loop.take({ type: 'heartbeat', heartbeat: stage.says(higher), direct: true })
    assert.deepEqual(bench.calls, ['close', 'demote', 'set-aside', 'send'])
    assert.equal(bench.sent[0]!.want, false)
  }),
  claim('K1', 'effects are carried out strictly in the order of the decision', (program) => {
    const stage = new Stage(program)
    const bench = new Bench(program, stage)
    bench.loop.take({ type: 'start' })
    bench.loop.take({ type: 'tick' })
    assert.deepEqual(bench.calls, ['close', 'demote', 'ping', 'persist', 'send'])
  }),
  claim(
    'K1',
    'an event that comes while effects are carried out waits for their end',
    (program) => {
      const [bench, stage] = serving(program)
      bench.before = (call) => {
        if (call === 'close') bench.loop.take({ type: 'tick' })
      }
      stage.peer.seq += 1
      const higher = { role: 'active', term: stage.state.term + 1, want: true } as const
      bench.loop.take({ type: 'heartbeat', heartbeat: stage.says(higher), direct: true })
      assert.deepEqual(bench.calls.slice(0, 4), ['close', 'demote', 'set-aside', 'send'])
    },
  ),
  claim('K2', 'a renewal that is carried out late is no longer than it was decided', (program) => {
    const [bench, stage] = serving(program)
    stage.sleep(100).feed({ type: 'tick' })
    stage.peer.seq += 1
    bench.nowMs = stage.nowMs
    const openUntilMs = bench.gate.query().serveUntilMs
    const stopped: Observer = {
      stepped: () => {
        bench.nowMs = openUntilMs - 1
      },
      carriedOut: () => {},
    }
    const loop = new program.Loop(stage.state, stage.policy, bench.ports, stopped)
    loop.take({ type: 'heartbeat', heartbeat: stage.says({ grant: true }), direct: true })
    assert(bench.calls.includes('extend'))
    assert.equal(bench.gate.query().serveUntilMs, stage.nowMs + stage.timing.leaseMs)
  }),
  claim('K2', 'a gate that is opened too late is not opened', (program) => {
    const [stage, bench] = candidate(program, 60_000)
    const stopped: Observer = {
      stepped: (_before, event) => {
        if (event.type === 'persisted') bench.nowMs += 2000
      },
      carriedOut: () => {},
    }
    const loop = new program.Loop(stage.state, stage.policy, bench.ports, stopped)
    loop.take({ type: 'persisted', ticket: stage.state.ticket })
    assert(bench.calls.includes('open'))
    assert(bench.gate.query().serveUntilMs <= bench.nowMs)
    assert.notEqual(loop.state.role, 'active')
  }),
  claim('K2', 'the kernel takes no deadline that has passed', (program) => {
    const stage = new Stage(program)
    const gate = new program.ModelGate(() => stage.nowMs)
    assert.equal(gate.occupy(stage.nowMs, true).done, false)
    assert.equal(gate.open(stage.nowMs, false).done, false)
    assert.equal(gate.open(stage.nowMs + 100, false).done, true)
    assert.equal(gate.extend(stage.nowMs).done, false)
  }),
  claim('K3', 'a takeover opens only while the occupation has not lapsed', (program) => {
    const living = aboutToTakeOver(program, 100)
    living.loop.take({ type: 'persisted', ticket: living.loop.state.ticket })
    assert(living.gate.query().serveUntilMs > living.nowMs)

    const lapsed = aboutToTakeOver(program, 100)
    lapsed.before = (call) => {
      if (call === 'open') lapsed.nowMs += 101
    }
    lapsed.loop.take({ type: 'persisted', ticket: lapsed.loop.state.ticket })
    assert.equal(lapsed.gate.query().serveUntilMs, 0)
    assert.notEqual(lapsed.loop.state.role, 'active')
  }),
  claim('K3', 'an occupation is renewed only before it lapsed', (program) => {
    const stage = new Stage(program)
    const gate = new program.ModelGate(() => stage.nowMs)
    assert.equal(gate.occupy(stage.nowMs + 100, true).done, true)
    stage.sleep(50)
    assert.equal(gate.occupy(stage.nowMs + 100, false).done, true)
    stage.sleep(101)
    assert.equal(gate.occupy(stage.nowMs + 100, false).done, false)
    assert.equal(gate.occupy(stage.nowMs + 100, true).done, true)
  }),
  claim('K3', 'only an open gate is extended', (program) => {
    const stage = new Stage(program)
    const gate = new program.ModelGate(() => stage.nowMs)
    assert.equal(gate.extend(stage.nowMs + 100).done, false)
    assert.equal(gate.open(stage.nowMs + 100, false).done, true)
    assert.equal(gate.extend(stage.nowMs + 200).done, true)
    stage.sleep(201)
    assert.equal(gate.extend(stage.nowMs + 100).done, false)
    assert(gate.query().serveUntilMs <= stage.nowMs)
  }),
  claim('K4', 'a refused gate ends the role', (program) => {
    const [bench, stage] = serving(program)
    bench.gate.close()
    stage.feed({ type: 'tick' })
    stage.peer.seq += 1
    const loop = new program.Loop(stage.state, stage.policy, bench.ports)
    bench.nowMs = stage.nowMs
    loop.take({ type: 'heartbeat', heartbeat: stage.says({ grant: true }), direct: true })
    assert(bench.calls.includes('extend'))
    assert.equal(loop.state.role, 'demoting')
    assert.equal(loop.state.reason, 'gate-refused')
  }),
  claim('K4', 'a refusal ends an attempt, and the occupation with it', (program) => {
    const stage = new Stage(program)
    stage.hangDisk()
    stage.until('the candidacy', () => stage.state.role === 'take', 5000, { hear: null })
    const sinceMs = stage.nowMs
    const effects: readonly Effect[] = stage.feed({ type: 'refused' })
    assert.equal(stage.state.attempt, null)
    assert(effects.some(({ type }) => type === 'close'))
    assert.equal(stage.count('open', sinceMs), 0)
    assert.notEqual(stage.state.role, 'active')
  }),
  claim('K4', 'the attempt that was refused is not continued', (program) => {
    const stage = new Stage(program, { mode: 'fence' })
    stage.pass(1000, { hear: { ...ACTIVE } })
    stage.hangDisk()
    const each = (): void => {
      if (stage.state.fence === 'asked') stage.feed({ type: 'fenced', off: true })
    }
    stage.until('the candidacy', () => stage.state.role === 'take', 5000, { hear: null, each })
    const { attemptTicket } = stage.state
    stage.feed({ type: 'refused' })
    stage.feed({ type: 'persisted', ticket: attemptTicket! })
    assert.equal(stage.count('open'), 0)
  }),
  claim('K4', 'what was refused is not told, promoted or confirmed', (program) => {
    const bench = aboutToTakeOver(program, 100)
    bench.before = (call) => {
      if (call === 'open') bench.nowMs += 101
    }
    bench.loop.take({ type: 'persisted', ticket: bench.loop.state.ticket })
    assert.equal(bench.calls.includes('promote'), false)
    assert.equal(
      bench.sent.some(({ role }) => role === 'active'),
      false,
    )
  }),
  claim('K5', 'an occupied gate does not serve', (program) => {
    const stage = new Stage(program)
    const gate = new program.ModelGate(() => stage.nowMs)
    gate.occupy(stage.nowMs + 100, true)
    const { serveUntilMs, occupiedUntilMs } = gate.query()
    assert.deepEqual([serveUntilMs, occupiedUntilMs], [0, stage.nowMs + 100])
    gate.open(stage.nowMs + 100, true)
    assert.equal(gate.query().occupiedUntilMs, 0)
  }),
]
