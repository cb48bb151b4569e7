/** When an active gives up the right of its own will, and in which order. */
import { strict as assert } from 'node:assert'
import type { Heartbeat } from '../../../src/core/heartbeat.ts'
import type { Program } from '../claim.ts'
import { ACTIVE, activeOf, claim, Stage, type StageOptions, standbyOf } from '../stage.ts'

/** An active that was asked to hand over and whose writes are being frozen. */
function freezing(program: Program, options: StageOptions = {}): Stage {
  const stage = activeOf(program, options)
  stage.pass(600)
  stage.feed({ type: 'ask', node: 'sp2', force: false })
  assert.equal(stage.count('freeze'), 1)
  return stage
}

function frozen(stage: Stage): void {
  stage.feed({ type: 'frozen', position: stage.state.position })
}

/** Whether an operator's request makes an active prepare, while the peer says this. */
function prepares(program: Program, peer: Partial<Heartbeat> | null): boolean {
  const stage = activeOf(program)
  stage.pass(600)
  if (peer === null) stage.pass(400, { hear: null })
  else stage.pass(100, { hear: peer })
  stage.feed({ type: 'ask', node: 'sp2', force: false })
  stage.pass(300, { hear: peer })
  return stage.count('freeze') > 0
}

export const SWITCHOVER_CLAIMS = [
  claim(
    'switchover',
    'an operator’s request makes the active freeze, release and stand back',
    (program) => {
      const stage = freezing(program)
      stage.demoteHangs = true
      stage.done = []
      stage.sleep(10)
      frozen(stage)
      const { role, leaseUntilMs, attempt, armed, avoidUntilMs } = stage.state
      assert.deepEqual(
        { role, leaseUntilMs, attempt, armed, avoidUntilMs },
        {
          role: 'demoting',
          leaseUntilMs: 0,
          attempt: null,
          armed: false,
          avoidUntilMs: stage.nowMs + stage.timing.standBackMs,
        },
      )
      const order = stage.done.map(({ effect }) => effect.type)
      assert.deepEqual(order, ['close', 'demote', 'send'])
      const { want, avoid } = stage.told
      assert.deepEqual({ want, avoid }, { want: false, avoid: true })
    },
  ),
  claim('switchover', 'who released ranks behind its peer for V, then as before', (program) => {
    const stage = freezing(program)
    frozen(stage)
    const releasedMs = stage.nowMs
    stage.until('the candidacy', () => stage.state.role === 'elect', 3000, {
      hear: { grant: false },
    })
    const { standBackMs, heartbeatMs } = stage.timing
    const waitedMs = stage.nowMs - releasedMs
    assert(waitedMs >= standBackMs && waitedMs <= standBackMs + 2 * heartbeatMs)
    assert.equal(stage.told.avoid, false)
  }),
  claim(
    'switchover',
    'who hands over to a peer that has everything does not hold anything alone',
    (program) => {
      const position = { term: 2, offset: 100 }
      const stage = freezing(program, { position, data: { takeover: 'recent' } })
      stage.storeObeys = false
      stage.state = { ...stage.state, sole: true, confirming: 'alone', together: false }
      stage.hear({ position: stage.state.position })
      frozen(stage)
      assert.equal(stage.state.role, 'standby')
      assert.equal(stage.told.sole, false)
      const persisted = stage.done.findLast(({ effect }) => effect.type === 'persist')?.effect
      assert(persisted?.type === 'persist' && !persisted.sole)
    },
  ),
  claim('switchover', 'nothing is released before the writes are frozen', (program) => {
    const stage = freezing(program)
    stage.pass(1000)
    assert(stage.serves)
    frozen(stage)
    assert.notEqual(stage.state.role, 'active')
  }),
  claim('switchover', 'nothing is released before the peer has our position', (program) => {
    const position = { term: 1, offset: 50 }
    const stage = freezing(program, { data: { takeover: 'recent' } })
    stage.hear({ position: { term: 1, offset: 49 } })
    stage.feed({ type: 'frozen', position })
    stage.pass(500, { hear: { position: { term: 1, offset: 49 } } })
    assert(stage.serves)
    stage.hear({ position })
    assert.notEqual(stage.state.role, 'active')
  }),
  claim('switchover', 'a freeze lasts for X at most', (program) => {
    const stage = freezing(program)
    const frozeMs = stage.nowMs
    stage.until('the end of the freeze', () => stage.count('unfreeze') > 0, 5000)
    const lastedMs = stage.nowMs - frozeMs
    const { prepareMs, heartbeatMs } = stage.timing
    assert(lastedMs >= prepareMs && lastedMs <= prepareMs + 2 * heartbeatMs)
    assert(stage.serves)
  }),
  claim('switchover', 'the freeze ends when the peer can no longer take the role', (program) => {
    const stage = freezing(program)
    stage.hear({ able: false })
    assert.equal(stage.count('unfreeze'), 1)
    frozen(stage)
    assert(stage.serves)
  }),
  claim(
    'switchover',
    'what was frozen is released from it when the right ends otherwise',
    (program) => {
      const stage = freezing(program)
      stage.feed({ type: 'refused' })
      assert.equal(stage.count('unfreeze'), 1)
    },
  ),
  claim(
    'switchover',
    'the peer is heard, hears this start, is able and wants nothing',
    (program) => {
      assert.equal(prepares(program, {}), true)
      assert.equal(prepares(program, null), false)
      assert.equal(prepares(program, { hears: false, majority: false }), false)
      assert.equal(prepares(program, { ackBoot: 'dddddddddddddddd' }), false)
      assert.equal(prepares(program, { able: false }), false)
      assert.equal(prepares(program, { role: 'elect', grant: false }), false)
    },
  ),
  claim('switchover', 'not before L has passed since the last change', (program) => {
    const stage = new Stage(program)
    stage.until('the election', () => stage.state.armed, 500)
    const changedMs = stage.state.changedAtMs
    stage.feed({ type: 'ask', node: 'sp2', force: false })
    stage.until('the freeze', () => stage.count('freeze') > 0, 2000)
    const { atMs } = stage.done.find(({ effect }) => effect.type === 'freeze')!
    assert(atMs - changedMs >= stage.timing.leaseMs)
  }),
  claim('switchover', 'a peer’s operator is obeyed', (program) => {
    const stage = activeOf(program)
    stage.pass(600)
    stage.hear({ ask: 'sp2' })
    assert.equal(stage.count('freeze'), 1)
  }),
  claim('switchover', 'a request for the node that is active moves nothing', (program) => {
    const stage = activeOf(program)
    stage.pass(600)
    stage.feed({ type: 'ask', node: 'sp1', force: false })
    stage.pass(1000, { hear: { ask: 'sp1' } })
    assert.equal(stage.count('freeze'), 0)
    assert.equal(stage.state.ask, null)
  }),
  claim(
    'switchover',
    'a request is told the peer, and ends when the node named is active',
    (program) => {
      const stage = standbyOf(program)
      stage.feed({ type: 'ask', node: 'sp1', force: false })
      assert.equal(stage.told.ask, 'sp1')
      stage.until('the role', () => stage.state.armed, 2000, { hear: { able: false } })
      stage.pass(100)
      assert.equal(stage.told.ask, null)

      const giver = standbyOf(program)
      giver.pass(700, { hear: {} })
      giver.feed({ type: 'ask', node: 'sp2', force: false })
      giver.hear({})
      giver.sleep(10).hear({ ...ACTIVE, term: 9 })
      assert.equal(giver.state.ask, null)
    },
  ),
  claim('switchover', 'a request ends after 5L', (program) => {
    const stage = standbyOf(program)
    stage.feed({ type: 'ask', node: 'sp1', force: false })
    const askedMs = stage.nowMs
    const ended = (): boolean => stage.state.ask === null
    stage.until('its end', ended, 5000, { hear: ACTIVE })
    assert(stage.nowMs - askedMs >= 5 * stage.timing.leaseMs)
    assert(stage.nowMs - askedMs <= 5 * stage.timing.leaseMs + 200)
  }),
  claim('switchover', 'services that failed, and maintenance, are reasons', (program) => {
    for (const [happening, reason] of [
      [{ type: 'health', healthy: false }, 'unhealthy'],
      [{ type: 'maintenance', on: true }, 'maintenance'],
    ] as const) {
      const stage = activeOf(program)
      stage.pass(600)
      stage.feed(happening)
      assert.equal(stage.state.preparation?.reason, reason)
      frozen(stage)
      assert.notEqual(stage.state.role, 'active')
    }
  }),
  claim(
    'switchover',
    'a peer that reaches more ping nodes for C takes over, and not before',
    (program) => {
      const stage = activeOf(program)
      stage.pass(1000)
      const sinceMs = stage.nowMs
      stage.until('the freeze', () => stage.count('freeze') > 0, 5000, { pong: [0, 1] })
      const { dampingMs } = stage.timing
      const { atMs } = stage.done.find(({ effect }) => effect.type === 'freeze')!
      assert(atMs - sinceMs >= dampingMs && atMs - sinceMs <= dampingMs + 600)
    },
  ),
  claim('switchover', 'a difference that goes away for a moment is damped anew', (program) => {
    const stage = activeOf(program)
    stage.pass(1000)
    for (let turn = 0; turn < 5; turn += 1) {
      stage.pass(1000, { pong: [0, 1] })
      stage.pass(100, { hear: { score: 2 } })
      stage.pass(300)
    }
    assert.equal(stage.count('freeze'), 0)
  }),
  claim(
    'switchover',
    'the damping doubles for each such move in ten minutes, up to 60 s',
    (program) => {
      const stage = activeOf(program)
      const movesMs: number[] = []
      for (let move = 0; move < 8; move += 1) {
        stage.pass(1000)
        const before = stage.count('freeze')
        const from = stage.nowMs
        stage.until('the freeze', () => stage.count('freeze') > before, 62_000, { pong: [0, 1] })
        movesMs.push(stage.nowMs - from)
        frozen(stage)
        stage.until('the next role', () => stage.state.armed, 8000, { hear: { able: false } })
      }
      const { dampingMs } = stage.timing
      for (const [index, tookMs] of movesMs.entries()) {
        const dueMs = Math.min(dampingMs * 2 ** index, 60_000)
        assert(tookMs >= dueMs && tookMs <= dueMs + 800, `move ${index}: ${tookMs} of ${dueMs}`)
      }
    },
  ),
  claim('switchover', 'a node that could serve again is not handed the role back', (program) => {
    const stage = standbyOf(program)
    stage.pass(5000, { hear: { ...ACTIVE, score: 3 } })
    assert.equal(stage.state.role, 'standby')
    const active = activeOf(program, { node: 'sp2' })
    active.pass(5000)
    assert(active.serves)
  }),
  claim('switchover', 'a preparation that failed waits twice as long each time', (program) => {
    const stage = activeOf(program)
    stage.pass(600)
    stage.feed({ type: 'maintenance', on: true })
    const { leaseMs, prepareMs } = stage.timing
    stage.pass(8 * leaseMs + 4 * prepareMs)
    const timesOf = (type: 'freeze' | 'unfreeze'): number[] =>
      stage.done.filter(({ effect }) => effect.type === type).map(({ atMs }) => atMs)
    const endedMs = timesOf('unfreeze')
    const waitsMs = timesOf('freeze')
      .slice(1)
      .map((atMs, index) => atMs - endedMs[index]!)
    assert(waitsMs.length >= 3)
    for (const [index, waitedMs] of waitsMs.slice(0, 3).entries()) {
      const dueMs = leaseMs * 2 ** index
      assert(waitedMs >= dueMs && waitedMs <= dueMs + 200, `wait ${index}: ${waitedMs}`)
    }
  }),
  claim(
    'switchover',
    'a forced maintenance gives the right back, whoever can take it',
    (program) => {
      const unable = { hear: { able: false } }
      const stage = activeOf(program)
      stage.pass(600, unable)
      stage.feed({ type: 'maintenance', on: true })
      stage.pass(600, unable)
      assert(stage.serves)
      stage.demoteHangs = true
      stage.done = []
      stage.feed({ type: 'maintenance', on: true, force: true })
      const order = stage.done.map(({ effect }) => effect.type)
      assert.deepEqual(
        order.filter((type) => type !== 'unfreeze'),
        ['close', 'demote', 'send'],
      )
      const { role, reason, leaseUntilMs } = stage.state
      assert.deepEqual([role, reason, leaseUntilMs], ['demoting', 'maintenance', 0])
      stage.feed({ type: 'demoted' })
      stage.pass(3_000, unable)
      assert.deepEqual([stage.state.role, stage.serves], ['standby', false])
    },
  ),
  claim('switchover', 'an operator may try again at once', (program) => {
    const stage = freezing(program)
    stage.hear({ able: false })
    assert.equal(stage.count('unfreeze'), 1)
    stage.pass(100)
    stage.feed({ type: 'ask', node: 'sp2', force: false })
    assert.equal(stage.count('freeze'), 2)
  }),
]
