/** What a heartbeat does to what we know: B0 to B4, A3 and the reflected path. */
import { strict as assert } from 'node:assert'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Heartbeat } from '../../../src/core/heartbeat.ts'
import { ACTIVE, activeOf, claim, OUR_BOOT, Stage, standbyOf } from '../stage.ts'

export const HEARTBEAT_CLAIMS = [
  claim('B0', 'a heartbeat that is not fresh still breaks the silence', (program) => {
    const stage = standbyOf(program)
    stage.pass(stage.timing.takeoverSilenceMs - 200, { hear: null })
    stage.hear({ ...ACTIVE, ackBoot: null, ackSeq: 0, hears: false })
    assert.equal(stage.state.silentSinceMs, stage.nowMs)
    assert.equal(stage.state.lastHeardMs, stage.nowMs)
    stage.pass(stage.timing.takeoverSilenceMs - 100, { hear: null })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('B0', 'a node that is heard on a reflected path only is not silent', (program) => {
    const stage = standbyOf(program)
    stage.pass(600, { hear: null })
    stage.hear(ACTIVE, false)
    assert.equal(stage.state.silentSinceMs, stage.nowMs)
  }),
  claim('B1', 'a duplicate changes nothing', (program) => {
    const stage = standbyOf(program)
    stage.hear(ACTIVE)
    const heartbeat = stage.says({ ...ACTIVE, score: 0 })
    stage.pass(600, { hear: null })
    const before = stage.state
    stage.feed({ type: 'heartbeat', heartbeat, direct: true })
    assert.deepEqual(stage.state, { ...before, lastRunMs: stage.nowMs })
  }),
  claim('B1', 'a heartbeat that was overtaken changes nothing', (program) => {
    const stage = standbyOf(program)
    const overtaken = stage.says({ ...ACTIVE, seq: stage.peer.seq - 3, score: 0 })
    stage.pass(600, { hear: null })
    const before = stage.state
    stage.feed({ type: 'heartbeat', heartbeat: overtaken, direct: true })
    assert.deepEqual(stage.state, { ...before, lastRunMs: stage.nowMs })
  }),
  claim('B1', 'a recording of the start before this one is dropped', (program) => {
    const stage = standbyOf(program)
    const old = stage.says(ACTIVE)
    stage.peer = { boot: 'cccccccccccccccc', seq: 0 }
    stage.pass(300, { hear: { ...ACTIVE, hears: false, ackBoot: null, ackSeq: 0 } })
    const before = stage.state
    stage.feed({ type: 'heartbeat', heartbeat: old, direct: true })
    assert.deepEqual(stage.state, { ...before, lastRunMs: stage.nowMs })
  }),
  claim('B2', 'a heartbeat whose answer is older than S proves nothing', (program) => {
    const stage = activeOf(program)
    stage.hear()
    const { lastFreshMs } = stage.state
    const acknowledged = { ackSeq: stage.state.seq }
    stage.pass(stage.timing.suspicionMs + 100, { hear: null })
    stage.hear(acknowledged)
    assert.equal(stage.state.lastFreshMs, lastFreshMs)
  }),
  claim('B2', 'the time the peer has held our number does not make its word older', (program) => {
    const stage = activeOf(program)
    const acknowledged = { ackSeq: stage.state.seq, heardAgoMs: 400 }
    stage.pass(400, { hear: null })
    stage.hear(acknowledged)
    assert.equal(stage.state.lastFreshMs, stage.nowMs)
  }),
  claim('B2', 'an answer to another start of ours is not fresh', (program) => {
    const stage = activeOf(program)
    const { lastFreshMs } = stage.state
    stage.sleep(10).hear({ ackBoot: 'dddddddddddddddd' })
    assert.equal(stage.state.lastFreshMs, lastFreshMs)
  }),
  claim(
    'B3',
    'input that waits in the socket is read before a timer is judged',
    async (program) => {
      const order: string[] = []
      const socket = createSocket('udp4')
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      const ticked = new Promise<void>((resolve) => {
        const pulse = new program.Pulse(
          20,
          () => performance.now(),
          () => {
            order.push('tick')
            pulse.stop()
            resolve()
          },
        )
        pulse.start()
        socket.on('message', () => order.push('heard'))
        // The process is stopped over the due time of the tick, and something came meanwhile.
        socket.send('x', socket.address().port, '127.0.0.1', () => {
          const untilMs = performance.now() + 40
          while (performance.now() < untilMs);
        })
      })
      await ticked
      socket.close()
      assert.deepEqual(order, ['heard', 'tick'])
    },
  ),
  claim(
    'B4',
    'nothing is accepted of a start that a later one has proven to be over',
    (program) => {
      const stage = standbyOf(program)
      const recorded = stage.says({ ...ACTIVE, seq: stage.peer.seq + 1 })
      stage.sleep(50)
      stage.peer = { boot: 'cccccccccccccccc', seq: 0 }
      stage.pass(200, { hear: ACTIVE })
      stage.pass(600, { hear: null })
      const before = stage.state
      stage.feed({ type: 'heartbeat', heartbeat: recorded, direct: true })
      assert.deepEqual(stage.state, { ...before, lastRunMs: stage.nowMs })
    },
  ),
  claim('B4', 'a start that answers nothing of ours proves nothing over', (program) => {
    const stage = standbyOf(program)
    const alive = { ...stage.peer }
    stage.peer = { boot: 'cccccccccccccccc', seq: 0 }
    stage.sleep(50).hear({ ...ACTIVE, hears: false, ackBoot: null, ackSeq: 0 })
    stage.peer = alive
    stage.sleep(50).hear(ACTIVE)
    assert.equal(stage.state.peer?.boot, alive.boot)
  }),
  claim('own name', 'a heartbeat that bears our own name is no peer', (program) => {
    const stage = new Stage(program)
    stage.pass(2000, { hear: { node: 'sp1' } })
    assert.equal(stage.state.peer, null)
    assert.equal(stage.told.hears, false)
  }),
  claim('heartbeat', 'one is sent on every tick', (program) => {
    const stage = standbyOf(program)
    const sinceMs = stage.nowMs
    stage.pass(1000, { hear: ACTIVE })
    assert.equal(stage.count('send', sinceMs), 10)
  }),
  claim('heartbeat', 'one is sent at once when role, want or grant changes', (program) => {
    const stage = activeOf(program)
    const sinceMs = stage.sleep(10).nowMs
    stage.demoteHangs = true
    stage.feed({ type: 'refused' })
    assert(stage.count('send', sinceMs) >= 1)
    assert.equal(stage.told.want, false)

    const giver = standbyOf(program, { node: 'sp2' })
    giver.pass(1000, { hear: {} })
    assert.equal(giver.told.grant, false)
    giver.sleep(10).hear({ role: 'elect' })
    assert.equal(giver.told.grant, true)
  }),
  claim('heartbeat', 'one is sent at once to a peer that wants and was late', (program) => {
    const stage = standbyOf(program)
    const { heartbeatMs } = stage.timing
    const answers = (silentMs: number, says: Partial<Heartbeat>): number => {
      stage.hear(says)
      const sinceMs = stage.sleep(silentMs).nowMs
      stage.hear(says)
      return stage.count('send', sinceMs)
    }
    assert.equal(answers(2 * heartbeatMs, ACTIVE), 1)
    assert.equal(stage.told.ackSeq, stage.peer.seq)
    assert.equal(answers(heartbeatMs, ACTIVE), 0)
    assert.equal(answers(2 * heartbeatMs, { role: 'standby' }), 0)
  }),
  claim(
    'heartbeat',
    'it tells the number last heard, of which start, and how long ago',
    (program) => {
      const stage = standbyOf(program)
      const { boot, seq } = stage.peer
      const heardMs = stage.state.lastHeardMs
      stage.feed({ type: 'tick' })
      const { ackBoot, ackSeq, heardAgoMs, hears } = stage.told
      assert.deepEqual(
        { ackBoot, ackSeq, heardAgoMs, hears },
        { ackBoot: boot, ackSeq: seq, heardAgoMs: stage.nowMs - heardMs, hears: true },
      )
      stage.pass(stage.timing.suspicionMs + 200, { hear: null })
      assert.equal(stage.told.hears, false)
    },
  ),
  claim('reflected path', 'it is tried at a low rate while the direct paths work', (program) => {
    const stage = standbyOf(program)
    stage.done = []
    stage.pass(10_000, { hear: ACTIVE })
    const reflected = stage.done.filter(({ effect }) => effect.type === 'send' && effect.reflect)
    assert(reflected.length >= 2 && reflected.length <= 20, `${reflected.length} of 100`)
  }),
  claim('reflected path', 'full rate when nothing was heard directly for H', (program) => {
    const stage = standbyOf(program)
    stage.pass(200, { hear: null, each: () => stage.hear(ACTIVE, false) })
    stage.done = []
    stage.pass(1000, { hear: null, each: () => stage.hear(ACTIVE, false) })
    assert(stage.done.every(({ effect }) => effect.type !== 'send' || effect.reflect))
    assert.equal(stage.told.direct, false)
  }),
  claim('reflected path', 'full rate when the peer hears nothing directly', (program) => {
    const stage = standbyOf(program)
    stage.hear({ ...ACTIVE, direct: false })
    stage.done = []
    stage.pass(1000, { hear: { ...ACTIVE, direct: false } })
    assert(stage.done.every(({ effect }) => effect.type !== 'send' || effect.reflect))
    assert.equal(stage.told.direct, true)
  }),
  claim('A3', 'where the digests differ there is no election', (program) => {
    const stage = new Stage(program)
    stage.pass(3000, { hear: { digest: 'ffffffffffffffff' } })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('A3', 'where the digests differ there is no takeover', (program) => {
    const stage = standbyOf(program)
    stage.hear({ ...ACTIVE, digest: 'ffffffffffffffff' })
    stage.pass(5000, { hear: null })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('A3', 'where the digests differ there is no switchover', (program) => {
    const stage = activeOf(program)
    stage.hear({ digest: 'ffffffffffffffff' })
    stage.feed({ type: 'ask', node: 'sp2', force: false })
    stage.pass(1000, { hear: { digest: 'ffffffffffffffff' } })
    assert.equal(stage.count('freeze'), 0)
    assert(stage.serves)
  }),
  claim('A3', 'the digest is told in every heartbeat', (program) => {
    const stage = standbyOf(program, { digest: '0123456789abcdef' })
    assert.equal(stage.told.digest, '0123456789abcdef')
    assert.equal(stage.told.boot, OUR_BOOT)
  }),
  claim(
    'A3',
    'times that break the relations S >= 3H, M >= 2H, M / L <= 0.5 are refused',
    (program) => {
      const sound = program.TIMING_PROFILES.default
      const faults = (change: Partial<typeof sound>): string[] =>
        program.checkTiming({ ...sound, ...change }).map(({ key }) => key)
      assert.deepEqual(faults({}), [])
      assert.deepEqual(faults({ suspicionMs: 299 as never }), ['suspicionMs'])
      assert.deepEqual(faults({ marginMs: 199 as never }), ['marginMs'])
      assert(faults({ leaseMs: 399 as never }).includes('leaseMs'))
    },
  ),
]
