/** What moves the lease, and what is promised to the peer: R1 to R5. */
import { strict as assert } from 'node:assert'
import { ACTIVE, activeOf, claim, Stage, standbyOf } from '../stage.ts'

const BOTH = { data: { takeover: 'recent' as const } }

export const RIGHTS_CLAIMS = [
  claim('R1', 'a grant counts from the sending of the number it answers', (program) => {
    const stage = activeOf(program)
    stage.pass(300, { hear: null, pong: [] })
    const seq = stage.state.seq - 1
    stage.hear({ ackSeq: seq, grant: true })
    assert.equal(stage.state.leaseUntilMs, stage.state.sentAtMs[seq % 64]! + stage.timing.leaseMs)
  }),
  claim('R1', 'a heartbeat without a grant moves nothing', (program) => {
    const stage = activeOf(program)
    const { leaseUntilMs } = stage.state
    stage.pass(300, { hear: { grant: false }, pong: [] })
    assert.equal(stage.state.leaseUntilMs, leaseUntilMs)
  }),
  claim('R1', 'a grant of an earlier attempt is void', (program) => {
    const stage = new Stage(program)
    stage.pass(300, { hear: { able: false, grant: false } })
    assert.equal(stage.state.role, 'elect')
    stage.hear({ able: false, grant: true, ackSeq: stage.state.attempt! - 1 })
    assert.equal(stage.state.role, 'elect')
  }),
  claim('R1', 'a grant for a number of another start is void', (program) => {
    const stage = new Stage(program)
    stage.pass(300, { hear: { able: false, grant: false } })
    const { seq } = stage.state
    stage.hear({ able: false, grant: true, ackSeq: seq })
    const granted = stage.state.leaseUntilMs
    assert(granted > stage.nowMs)

    const other = new Stage(program)
    other.pass(300, { hear: { able: false, grant: false } })
    other.hear({ able: false, grant: true, ackBoot: 'dddddddddddddddd' })
    assert.equal(other.state.leaseUntilMs, 0)
  }),
  claim('R1', 'the lease never moves back', (program) => {
    const stage = activeOf(program)
    const seq = stage.state.seq - 3
    const { leaseUntilMs } = stage.state
    stage.sleep(10).hear({ ackSeq: seq })
    assert.equal(stage.state.leaseUntilMs, leaseUntilMs)
  }),
  claim('R1g', 'a standby grants, in every heartbeat, who wants', (program) => {
    const stage = standbyOf(program)
    assert.equal(stage.told.grant, true)
    stage.pass(300, { hear: {} })
    assert.equal(stage.told.grant, false)
  }),
  claim('R1g', 'who is being demoted grants', (program) => {
    const stage = activeOf(program)
    stage.demoteHangs = true
    stage.feed({ type: 'refused' })
    stage.pass(200, { hear: { role: 'elect' } })
    assert.equal(stage.state.role, 'demoting')
    assert.equal(stage.told.grant, true)
  }),
  claim('R1g', 'a candidate and an active grant nothing', (program) => {
    const stage = new Stage(program)
    stage.pass(300, { hear: { able: false, grant: false } })
    assert.equal(stage.state.role, 'elect')
    stage.pass(200, { hear: { role: 'elect', able: false, grant: false } })
    assert.equal(stage.state.role, 'elect')
    assert.equal(stage.told.grant, false)

    const active = activeOf(program)
    active.pass(200, { hear: { role: 'elect', grant: false } })
    assert.equal(active.told.grant, false)
  }),
  claim('R1g', 'nothing is granted to a peer not heard within S', (program) => {
    const stage = standbyOf(program)
    stage.pass(stage.timing.suspicionMs + 200, { hear: null })
    assert.equal(stage.told.grant, false)
  }),
  claim('R1g', 'the promise holds for L + M from the last heartbeat heard', (program) => {
    const stage = standbyOf(program)
    const { leaseMs, marginMs } = stage.timing
    assert.equal(stage.state.grantUntilMs, stage.state.lastHeardMs + leaseMs + marginMs)
    const { grantUntilMs } = stage.state
    stage.pass(200, { hear: {} })
    assert.equal(stage.state.grantUntilMs, grantUntilMs)
  }),
  claim('R1g', 'granting a candidate ends the claim to have everything', (program) => {
    const stage = inSyncStandby(program)
    stage.feed({ type: 'maintenance', on: true })
    stage.sleep(10).hear({ ...ACTIVE, role: 'elect', position: { term: 0, offset: 0 } })
    assert.equal(stage.told.grant, true)
    assert.equal(stage.state.inSync, false)
  }),
  claim('R1g', 'granting an active leaves the claim to have everything', (program) => {
    const stage = inSyncStandby(program)
    assert.equal(stage.told.grant, true)
    assert.equal(stage.state.inSync, true)
  }),
  claim('R1g', '`sole` is cleared on disk before the grant to a candidate leaves', (program) => {
    const stage = new Stage(program, { ...BOTH, hard: { term: 3, sole: true } })
    stage.feed({ type: 'maintenance', on: true })
    stage.pass(300, { hear: { able: false } })
    stage.hangDisk()
    stage.pass(200, { hear: { role: 'elect' } })
    assert.equal(stage.told.grant, false)
    const { effect } = stage.done.findLast((entry) => entry.effect.type === 'persist')!
    assert(effect.type === 'persist' && effect.sole === false)
    stage.writeDisk()
    stage.pass(100, { hear: { role: 'elect' } })
    assert.equal(stage.told.grant, true)
  }),
  claim(
    'R2',
    'two rounds of the same majority renew, counted from the later sending',
    (program) => {
      const stage = activeOf(program)
      stage.pass(800, { hear: null })
      assert(stage.serves)
      const { round } = stage.state
      assert.equal(stage.state.leaseUntilMs, round!.sentAtMs + stage.timing.leaseMs)
    },
  ),
  claim('R2', 'answers that come later do not make the lease longer', (program) => {
    const stage = activeOf(program)
    stage.pass(200, { hear: null, pong: [] })
    stage.feed({ type: 'tick' })
    const sentAtMs = stage.nowMs
    const before = stage.state.roundBefore!
    stage.sleep(40)
    for (const round of [before.number, before.number + 1])
      for (const pingNode of [0, 1]) stage.feed({ type: 'pong', round, pingNode })
    assert(stage.state.leaseUntilMs <= sentAtMs + stage.timing.leaseMs)
  }),
  claim('R2', 'one round with a majority renews nothing', (program) => {
    const stage = activeOf(program)
    stage.pass(2000, { hear: null, pong: (round) => (round % 2 === 0 ? [0, 1, 2] : []) })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('R2', 'two different majorities in a row renew nothing', (program) => {
    const stage = activeOf(program)
    const pong = (round: number): number[] => [round % 3, (round + 1) % 3]
    stage.pass(2000, { hear: null, pong })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('R2', 'half of the ping nodes is no majority', (program) => {
    const stage = activeOf(program, { pingNodeCount: 4 })
    stage.pass(2000, { hear: null, pong: [0, 1] })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('R2', 'an answer later than P counts for nothing', (program) => {
    const stage = activeOf(program)
    const all = (round: number): void => {
      for (const pingNode of [0, 1, 2]) stage.feed({ type: 'pong', round, pingNode })
    }
    for (let tick = 0; tick < 20; tick += 1) {
      const sentAtMs = stage.nowMs
      stage.feed({ type: 'tick' })
      const { round, roundBefore } = stage.state
      stage.sleep(5)
      if (round !== null && round.number % 2 === 0) all(round.number)
      stage.sleep(5)
      if (roundBefore !== null && roundBefore.number % 2 === 1) all(roundBefore.number)
      stage.nowMs = sentAtMs + stage.timing.heartbeatMs
    }
    assert.equal(stage.state.role, 'standby')
  }),
  claim('R2', 'two rounds more than G apart renew nothing', (program) => {
    const stage = activeOf(program)
    const { leaseUntilMs } = stage.state
    stage.pass(100, { hear: null, pong: [0, 1] })
    const before = stage.state.leaseUntilMs
    assert(before >= leaseUntilMs)
    // Steps go on, so there is no gap; only the next round comes late.
    for (let step = 0; step < 3; step += 1) {
      stage.feed({ type: 'position', position: stage.state.position })
      stage.sleep(50)
    }
    stage.sleep(30).feed({ type: 'position', position: stage.state.position })
    stage.sleep(30)
    stage.feed({ type: 'tick' })
    for (const pingNode of [0, 1]) {
      stage.feed({ type: 'pong', round: stage.state.round!.number, pingNode })
    }
    assert(stage.state.round!.sentAtMs - stage.state.roundBefore!.sentAtMs > stage.timing.gapMs)
    assert.equal(stage.state.leaseUntilMs, before)
  }),
  claim('R2', 'rounds sent before the gate was opened renew nothing', (program) => {
    const stage = new Stage(program)
    stage.pass(300, { hear: { able: false, grant: false } })
    // Elected by an old grant, in the middle of a round whose answers are still on their way.
    stage.feed({ type: 'tick' })
    stage.sleep(20).hear({ able: false, grant: true, ackSeq: stage.state.attempt! })
    assert(stage.state.armed)
    const { leaseUntilMs, round } = stage.state
    for (const pingNode of [0, 1, 2]) {
      stage.feed({ type: 'pong', round: round!.number, pingNode })
    }
    assert(round!.sentAtMs + stage.timing.leaseMs > leaseUntilMs)
    assert.equal(stage.state.leaseUntilMs, leaseUntilMs)
  }),
  claim('R2', 'an active that is not armed yet is not renewed by rounds', (program) => {
    const stage = new Stage(program)
    stage.hangDisk()
    const unarmed = (): boolean => stage.state.role === 'active'
    stage.until('the grant', unarmed, 500, { hear: { able: false } })
    const { leaseUntilMs } = stage.state
    stage.pass(400, { hear: null })
    assert.equal(stage.state.leaseUntilMs, leaseUntilMs)
    stage.pass(400, { hear: null })
    assert.notEqual(stage.state.role, 'active')
  }),
  claim(
    'R2',
    'nothing is renewed against a peer that reaches a majority and hears nothing',
    (program) => {
      const stage = activeOf(program)
      const renewed = stage.state.leaseUntilMs
      stage.hear({ hears: false, grant: false })
      stage.pass(500, { hear: { hears: false, grant: false } })
      assert.equal(stage.state.leaseUntilMs, renewed)
      stage.pass(600, { hear: { hears: false, grant: false } })
      assert.notEqual(stage.state.role, 'active')
    },
  ),
  claim('R2', 'a peer that hears nothing and reaches no majority stops nobody', (program) => {
    const stage = activeOf(program)
    stage.pass(2000, { hear: { hears: false, majority: false, grant: false } })
    assert(stage.serves)
  }),
  claim('R2', 'what such a peer said longer than L + M ago stops nobody', (program) => {
    const stage = standbyOf(program)
    stage.hear({ ...ACTIVE, hears: false, majority: true })
    stage.until('the takeover', () => stage.state.armed, 3000, { hear: null })
    stage.pass(3000, { hear: null })
    assert(stage.serves)
  }),
  claim('R2', 'it renews in `ping` mode only', (program) => {
    const stage = activeOf(program, { mode: 'witness' })
    stage.pass(1000, { hear: null })
    assert.notEqual(stage.state.role, 'active')
  }),
  claim('R3', 'a lease of the witness counts from the sending of the request', (program) => {
    const stage = activeOf(program, { mode: 'witness' })
    const { attempt } = stage.state
    const sentAtMs = stage.nowMs + 100
    stage.pass(300, { hear: null })
    stage.feed({ type: 'witness', sentAtMs, attempt: attempt!, granted: true })
    assert.equal(stage.state.leaseUntilMs, sentAtMs + stage.timing.leaseMs)
  }),
  claim('R3', 'a refusal or an answer to another attempt moves nothing', (program) => {
    const stage = activeOf(program, { mode: 'witness' })
    const { attempt, leaseUntilMs } = stage.state
    stage.sleep(150)
    stage.feed({ type: 'witness', sentAtMs: stage.nowMs, attempt: attempt!, granted: false })
    stage.feed({ type: 'witness', sentAtMs: stage.nowMs, attempt: attempt! - 1, granted: true })
    assert.equal(stage.state.leaseUntilMs, leaseUntilMs)
  }),
  claim(
    'R3',
    'it counts only while a ping node answered within C or the peer is heard',
    (program) => {
      const stage = activeOf(program, { mode: 'witness' })
      const witness = (): void => {
        const { attempt } = stage.state
        if (attempt === null) return
        stage.feed({ type: 'witness', sentAtMs: stage.nowMs, attempt, granted: true })
      }
      stage.pass(3000, { hear: null, pong: [2], each: witness })
      assert(stage.serves, 'one ping node is enough')
      stage.pass(3000, { hear: null, pong: [], each: witness })
      assert.equal(stage.state.role, 'standby')
    },
  ),
  claim('R3', 'only an armed active or a `take` asks', (program) => {
    const standby = standbyOf(program, { mode: 'witness' })
    assert.equal(standby.count('ask-witness'), 0)
    const active = activeOf(program, { mode: 'witness' })
    active.done = []
    active.pass(1000)
    assert.equal(active.count('ask-witness'), 10)
    const elect = new Stage(program, { mode: 'witness' })
    elect.pass(1000, { hear: { able: false, grant: false } })
    assert.equal(elect.state.role, 'elect')
    assert.equal(elect.count('ask-witness'), 0)
  }),
  claim('R3', 'who sees nothing does not ask', (program) => {
    const stage = activeOf(program, { mode: 'witness' })
    const sinceMs = stage.nowMs
    stage.pass(600, { hear: null, pong: [] })
    assert(stage.count('ask-witness', sinceMs) > 0)
    const blind = activeOf(program, { mode: 'witness', pingNodeCount: 0 })
    blind.pass(300, { hear: null })
    const blindMs = blind.nowMs
    blind.pass(200, { hear: null })
    assert.equal(blind.count('ask-witness', blindMs), 0)
  }),
  claim('R4', 'in `fence` mode every tick renews by L, whatever is heard', (program) => {
    const stage = activeOf(program, { mode: 'fence' })
    stage.pass(5000, { hear: null, pong: [] })
    assert(stage.serves)
    stage.feed({ type: 'tick' })
    assert.equal(stage.state.leaseUntilMs, stage.nowMs + stage.timing.leaseMs)
  }),
  claim('R4', 'in the other modes no tick renews', (program) => {
    for (const mode of ['ping', 'witness'] as const) {
      const stage = activeOf(program, { mode })
      stage.pass(1000, { hear: null, pong: [] })
      assert.equal(stage.state.role, 'standby')
    }
  }),
  claim('R4', 'an active that is not armed is not renewed by ticks', (program) => {
    const stage = new Stage(program, { mode: 'fence' })
    stage.hangDisk()
    stage.until('the grant', () => stage.state.role === 'active', 500, { hear: { able: false } })
    stage.pass(1000, { hear: null })
    assert.notEqual(stage.state.role, 'active')
  }),
  claim('R5', 'an ended lease is not revived by a grant, a majority or a witness', (program) => {
    for (const mode of ['ping', 'witness'] as const) {
      const stage = activeOf(program, { mode })
      const { attempt, seq } = stage.state
      stage.sleep(stage.timing.leaseMs + 1)
      stage.demoteHangs = true
      if (mode === 'ping') stage.hear({ grant: true, ackSeq: seq })
      else stage.feed({ type: 'witness', sentAtMs: stage.nowMs, attempt: attempt!, granted: true })
      const { role, armed, leaseUntilMs } = stage.state
      const ended = { role: 'demoting', armed: false, leaseUntilMs: 0 }
      assert.deepEqual({ role, armed, leaseUntilMs }, ended)
    }
  }),
  claim('R5', 'the end of the lease is judged before what comes after it', (program) => {
    const stage = activeOf(program)
    stage.until('the last tick', () => stage.state.leaseUntilMs - stage.nowMs < 200, 1000, {
      hear: null,
      pong: [],
    })
    stage.demoteHangs = true
    stage.feed({ type: 'tick' })
    stage.nowMs = stage.state.leaseUntilMs + 1
    stage.hear({ grant: true })
    assert.equal(stage.state.role, 'demoting')
  }),
  claim('R5', 'at its end: close, demote, no attempt', (program) => {
    const stage = activeOf(program)
    stage.demoteHangs = true
    stage.done = []
    stage.sleep(stage.timing.leaseMs + 1).feed({ type: 'tick' })
    assert.equal(stage.state.attempt, null)
    const order = stage.done.map(({ effect }) => effect.type)
    assert.deepEqual(order, ['close', 'demote', 'ping', 'send'])
  }),
]

function inSyncStandby(program: Parameters<typeof standbyOf>[0]): Stage {
  const position = { term: 2, offset: 100 }
  const stage = new Stage(program, { ...BOTH, position })
  stage.pass(1000, { hear: { ...ACTIVE, sync: true, position } })
  assert.equal(stage.state.inSync, true)
  return stage
}
