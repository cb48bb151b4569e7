/** When a standby may become active without the peer's word: T0 to T2f, T4, T5. */
import { strict as assert } from 'node:assert'
import type { Program } from '../claim.ts'
import { ACTIVE, claim, Stage, type StageOptions, type Surrounding, standbyOf } from '../stage.ts'

/** Silence until the node serves, in milliseconds. */
function takesOverAfter(stage: Stage, surrounding: Surrounding = {}): number {
  return stage.until('the takeover', () => stage.state.armed, 10_000, {
    hear: null,
    ...surrounding,
  })
}

function neverTakesOver(stage: Stage, forMs: number, surrounding: Surrounding = {}): void {
  const refuse = (): void => assert.notEqual(stage.state.role, 'active', 'took over')
  stage.pass(forMs, {
    hear: null,
    ...surrounding,
    each: () => {
      surrounding.each?.()
      refuse()
    },
  })
}

/** A standby in `witness` mode; the witness grants whoever asks. */
function witnessed(program: Program, options: StageOptions = {}): [Stage, Surrounding] {
  const stage = standbyOf(program, { mode: 'witness', ...options })
  return [stage, { hear: null, each: () => grantByWitness(stage) }]
}

function grantByWitness(stage: Stage): void {
  const { attempt } = stage.state
  if (attempt === null) return
  stage.feed({ type: 'witness', sentAtMs: stage.nowMs, attempt, granted: true })
}

/** A standby in `fence` mode; the agent reports the peer off as soon as it is asked. */
function fenced(program: Program, options: StageOptions = {}): [Stage, Surrounding] {
  const stage = standbyOf(program, { mode: 'fence', ...options })
  const each = (): void => {
    if (stage.state.fence === 'asked') stage.feed({ type: 'fenced', off: true })
  }
  return [stage, { hear: null, each }]
}

export const TAKEOVER_CLAIMS = [
  claim('takeover', 'a peer that is silent for D is succeeded', (program) => {
    const stage = standbyOf(program)
    const { takeoverSilenceMs, heartbeatMs } = stage.timing
    const tookMs = takesOverAfter(stage)
    assert(
      tookMs > takeoverSilenceMs - heartbeatMs && tookMs <= takeoverSilenceMs + 5 * heartbeatMs,
    )
  }),
  claim(
    'takeover',
    'the first lease ends L after the later round of the newest pair',
    (program) => {
      const stage = standbyOf(program)
      stage.hangDisk()
      stage.until('the candidacy', () => stage.state.role === 'take', 3000, { hear: null })
      stage.feed({ type: 'tick' })
      stage.sleep(30).writeDisk()
      const { effect } = stage.done.findLast((entry) => entry.effect.type === 'open')!
      const deadlineMs = stage.state.pair!.laterMs + stage.timing.leaseMs
      assert.deepEqual(effect, { type: 'open', deadlineMs, takeover: true })
      assert(deadlineMs < stage.nowMs + stage.timing.leaseMs)
    },
  ),
  claim('takeover', 'the term is on disk before the gate opens', (program) => {
    const stage = standbyOf(program)
    stage.hangDisk()
    stage.pass(5000, { hear: null })
    assert.equal(stage.state.role, 'take')
    assert.equal(stage.count('open'), 0)
    stage.writeDisk()
    assert(stage.state.armed)
    const order = stage.done.slice(-3).map(({ effect }) => effect.type)
    assert.equal(stage.count('promote'), 1)
    assert(order.includes('send'))
  }),
  claim('takeover', 'a disk that hangs when the peer dies holds nothing up', (program) => {
    const stage = standbyOf(program)
    const written = stage.count('persist')
    stage.diskHangs = true
    stage.pass(5000, { hear: null })
    assert(stage.state.armed)
    assert.equal(stage.state.term, 3)
    assert.equal(stage.count('persist'), written)
  }),
  claim(
    'takeover',
    'the next term is written in advance once, and again when one is heard',
    (program) => {
      const stage = standbyOf(program)
      const sinceMs = stage.nowMs + 1
      stage.pass(1000, { hear: ACTIVE })
      assert.equal(stage.count('persist', sinceMs), 0)
      stage.pass(1000, { hear: { ...ACTIVE, term: 8 } })
      assert.equal(stage.count('persist', sinceMs), 1)
      assert.equal(stage.state.reservedTerm, 9)
      assert.equal(stage.state.term, 0)
    },
  ),
  claim('takeover', 'the term is our next one above every term heard', (program) => {
    for (const [node, heard, expected] of [
      ['sp1', 2, 3],
      ['sp1', 7, 9],
      ['sp2', 7, 8],
      ['sp2', 2, 4],
    ] as const) {
      const stage = new Stage(program, { node })
      stage.pass(1000, { hear: { ...ACTIVE, term: heard } })
      takesOverAfter(stage)
      assert.equal(stage.state.term, expected)
      const { effect } = stage.done.findLast((entry) => entry.effect.type === 'persist')!
      assert(effect.type === 'persist' && effect.term === expected)
    }
  }),
  claim('takeover', 'a condition that fails while the term is being written ends it', (program) => {
    const stage = standbyOf(program)
    stage.hangDisk()
    stage.until('the candidacy', () => stage.state.role === 'take', 3000, { hear: null })
    stage.sleep(20).hear(ACTIVE)
    assert.equal(stage.state.role, 'standby')
    stage.writeDisk()
    assert.equal(stage.count('open'), 0)
  }),
  claim('takeover', 'the gate opens over an occupation only', (program) => {
    const stage = standbyOf(program)
    takesOverAfter(stage)
    const { effect } = stage.done.findLast((entry) => entry.effect.type === 'open')!
    assert(effect.type === 'open' && effect.takeover)
    assert(stage.count('occupy') > 0)
  }),

  claim('T0', 'no takeover before the promise to the peer has ended', (program) => {
    const [stage, alone] = witnessed(program)
    const { grantUntilMs } = stage.state
    stage.until('the takeover', () => stage.state.armed, 5000, alone)
    const opened = stage.done.find(({ effect }) => effect.type === 'open')!
    assert(opened.atMs > grantUntilMs)
  }),
  claim('T0', 'at start there may be a promise of an earlier start', (program) => {
    const stage = new Stage(program, { mode: 'witness' })
    const startedMs = stage.nowMs
    const each = (): void => grantByWitness(stage)
    stage.until('the takeover', () => stage.state.armed, 5000, { hear: null, each })
    const { leaseMs, marginMs } = stage.timing
    assert(stage.state.openedAtMs > startedMs + leaseMs + marginMs)
  }),

  claim('T1', 'a gap in the silence begins it anew', (program) => {
    const [stage, alone] = fenced(program)
    stage.feed({ type: 'health', healthy: false })
    stage.pass(3000, alone)
    stage.feed({ type: 'health', healthy: true })
    assert.equal(stage.state.role, 'standby')
    stage.until('fencing', () => stage.state.fence !== 'none', 300, { ...alone, each: () => {} })
    stage.sleep(stage.timing.gapMs + 1)
    const resumedMs = stage.nowMs
    stage.feed({ type: 'fenced', off: true })
    stage.until('the takeover', () => stage.state.armed, 5000, alone)
    assert(stage.state.openedAtMs - resumedMs > stage.timing.takeoverSilenceMs)
  }),
  claim('T1', 'anything heard ends a takeover that has begun', (program) => {
    const stage = standbyOf(program)
    stage.pass(stage.timing.takeoverSilenceMs - 50, { hear: null })
    stage.hear({ ...ACTIVE, hears: false, ackSeq: 0, ackBoot: null })
    neverTakesOver(stage, stage.timing.takeoverSilenceMs - 50)
  }),
  claim('T1', 'the peer was told for L + M that it is not heard', (program) => {
    const stage = standbyOf(program)
    takesOverAfter(stage)
    const told = stage.done.find(({ effect }) => effect.type === 'send' && !effect.heartbeat.hears)!
    const { leaseMs, marginMs } = stage.timing
    assert(stage.state.openedAtMs - told.atMs > leaseMs + marginMs)
  }),
  claim('T1', 'a node that could not send counts from when it told', (program) => {
    // It ran, and heard nothing, but no tick came for a while (a starved timer): nothing was told.
    const [stage, alone] = fenced(program)
    const { leaseMs, marginMs, takeoverSilenceMs } = stage.timing
    // The peer wants nothing, so no end of a grant is told at once either.
    stage.hear({ hears: false })
    for (let spentMs = 0; spentMs < 700; spentMs += 100) {
      stage.sleep(100).feed({ type: 'position', position: stage.state.position })
    }
    const firstTickMs = stage.nowMs
    stage.until('the takeover', () => stage.state.armed, 5000, alone)
    assert(stage.state.openedAtMs - firstTickMs > leaseMs + marginMs)
    assert(stage.state.openedAtMs - firstTickMs < takeoverSilenceMs + 700)
  }),
  claim('T1', 'only what says both “not heard” and “majority” has told the peer', (program) => {
    const [stage, alone] = fenced(program)
    stage.pass(2000, { ...alone, pong: [0] })
    stage.until('the takeover', () => stage.state.armed, 5000, alone)
    const told = stage.done.find(
      ({ effect }) =>
        effect.type === 'send' && !effect.heartbeat.hears && effect.heartbeat.majority,
    )!
    const { leaseMs, marginMs } = stage.timing
    assert(stage.state.openedAtMs - told.atMs > leaseMs + marginMs)
  }),
  claim('T1', 'the telling begins anew when the peer was heard', (program) => {
    const stage = standbyOf(program)
    stage.pass(800, { hear: null })
    assert.notEqual(stage.state.tellSinceMs, null)
    stage.hear(ACTIVE)
    assert.equal(stage.state.tellSinceMs, null)
  }),

  claim('T2', 'a majority now is not enough: it must be unbroken for Q', (program) => {
    const stage = standbyOf(program)
    stage.pass(1000, { hear: null, pong: [0] })
    const sinceMs = stage.nowMs
    takesOverAfter(stage)
    assert(stage.state.openedAtMs - sinceMs >= stage.timing.majorityStreakMs)
  }),
  claim('T2', 'one round without a majority begins it anew', (program) => {
    const stage = standbyOf(program)
    stage.pass(1000, { hear: null })
    stage.pass(100, { hear: null, pong: [0] })
    const sinceMs = stage.nowMs
    takesOverAfter(stage)
    assert(stage.state.openedAtMs - sinceMs >= stage.timing.majorityStreakMs)
  }),
  claim('T2', 'half of the ping nodes is no majority', (program) => {
    const stage = standbyOf(program, { pingNodeCount: 4 })
    neverTakesOver(stage, 5000, { pong: [0, 1] })
  }),
  claim('T2', 'a ping node that never answered stays in the count', (program) => {
    const stage = standbyOf(program, { pingNodeCount: 5 })
    neverTakesOver(stage, 5000, { pong: [0, 1] })
    takesOverAfter(stage, { pong: [0, 1, 2] })
  }),
  claim('T2', 'majorities that change from round to round make no pair', (program) => {
    const stage = standbyOf(program)
    stage.feed({ type: 'health', healthy: false })
    stage.pass(3000, { hear: null })
    const pong = (round: number): number[] => [round % 3, (round + 1) % 3]
    stage.feed({ type: 'health', healthy: true })
    neverTakesOver(stage, 5000, { pong })
  }),
  claim('T2', 'the newest pair is not older than G', (program) => {
    const stage = standbyOf(program)
    const pong = (round: number): number[] => [round % 3, (round + 1) % 3]
    stage.hangDisk()
    stage.until('the candidacy', () => stage.state.role === 'take', 3000, { hear: null })
    stage.pass(400, { hear: null, pong })
    stage.writeDisk()
    neverTakesOver(stage, 400, { pong })
    assert.equal(stage.count('open'), 0)
  }),
  claim('T2', 'a round that is late by more than G breaks the majority', (program) => {
    const stage = standbyOf(program)
    stage.pass(500, { hear: null })
    for (let step = 0; step < 5; step += 1) {
      stage.sleep(50).feed({ type: 'position', position: stage.state.position })
    }
    const sinceMs = stage.nowMs
    takesOverAfter(stage)
    assert(stage.state.openedAtMs - sinceMs >= stage.timing.majorityStreakMs)
  }),

  claim('T2w', 'a takeover needs the lease of the witness', (program) => {
    const [stage, granted] = witnessed(program)
    stage.pass(3000, { hear: null })
    assert.equal(stage.state.role, 'take')
    assert.equal(stage.count('open'), 0)
    stage.until('the takeover', () => stage.state.armed, 500, granted)
    assert.equal(stage.state.leaseUntilMs <= stage.nowMs + stage.timing.leaseMs, true)
  }),
  claim('T2w', 'a takeover needs a ping majority of its own', (program) => {
    const [stage, granted] = witnessed(program)
    neverTakesOver(stage, 5000, { ...granted, pong: [0] })
  }),
  claim('T2w', 'a takeover needs silence for S', (program) => {
    const [stage, granted] = witnessed(program)
    // Promises would forbid it as well: the peer talks, but does not want.
    stage.pass(2000, { hear: { able: false, hears: false, maintenance: true } })
    assert(stage.nowMs > stage.state.grantUntilMs)
    neverTakesOver(stage, 300, granted)
  }),

  claim('T2f', 'a takeover needs the word that the peer is off', (program) => {
    const [stage] = fenced(program)
    neverTakesOver(stage, 5000)
    assert.equal(stage.count('fence'), 1)
    stage.feed({ type: 'fenced', off: false })
    neverTakesOver(stage, 50)
    stage.until('the next try', () => stage.count('fence') > 1, 500, { hear: null })
    stage.feed({ type: 'fenced', off: true })
    assert(stage.state.armed)
  }),
  claim('T2f', 'nobody is fenced before D of silence; `sp2` waits 2L longer', (program) => {
    for (const [node, extra] of [
      ['sp1', 0],
      ['sp2', 2],
    ] as const) {
      const [stage] = fenced(program, { node })
      const silentMs = stage.state.silentSinceMs
      stage.until('fencing', () => stage.count('fence') > 0, 5000, { hear: null })
      const askedMs = stage.done.find(({ effect }) => effect.type === 'fence')!.atMs
      const { takeoverSilenceMs, leaseMs } = stage.timing
      const dueMs = silentMs + takeoverSilenceMs + extra * leaseMs
      assert(askedMs > dueMs && askedMs <= dueMs + 300, `${node} after ${askedMs - silentMs}`)
    }
  }),
  claim('T2f', 'a takeover needs a ping majority of its own', (program) => {
    const [stage, off] = fenced(program)
    neverTakesOver(stage, 5000, { ...off, pong: [0] })
    assert.equal(stage.count('fence'), 0)

    const [later] = fenced(program)
    later.until('fencing', () => later.count('fence') > 0, 5000, { hear: null })
    later.pass(1000, { hear: null, pong: [] })
    later.feed({ type: 'fenced', off: true })
    assert.equal(later.state.role, 'standby')
  }),
  claim('T2f', 'a peer never heard since this start is not fenced', (program) => {
    const stage = new Stage(program, { mode: 'fence' })
    neverTakesOver(stage, 10_000)
    assert.equal(stage.count('fence'), 0)
    stage.feed({ type: 'fenced', off: true })
    neverTakesOver(stage, 1000)
  }),
  claim('T2f', 'a heartbeat heard meanwhile cancels', (program) => {
    const [stage] = fenced(program)
    stage.until('fencing', () => stage.count('fence') > 0, 5000, { hear: null })
    stage.hear(ACTIVE)
    stage.feed({ type: 'fenced', off: true })
    const heardMs = stage.nowMs
    neverTakesOver(stage, 3000)
    assert.equal(stage.count('fence', heardMs), 1)
  }),
  claim('T2f', 'T1 holds in `fence` mode: what was told is given its time', (program) => {
    const [stage, off] = fenced(program)
    stage.until('the takeover', () => stage.state.armed, 5000, off)
    const told = stage.done.find(({ effect }) => effect.type === 'send' && !effect.heartbeat.hears)!
    const { leaseMs, marginMs } = stage.timing
    assert(stage.state.openedAtMs - told.atMs > leaseMs + marginMs)
  }),

  claim(
    'T5',
    'a node in maintenance does not take over, whatever the operator forces',
    (program) => {
      const stage = standbyOf(program)
      stage.feed({ type: 'maintenance', on: true })
      stage.feed({ type: 'ask', node: 'sp1', force: true })
      neverTakesOver(stage, 5000)
      assert.equal(stage.count('occupy'), 0)
    },
  ),
  claim('T5', 'an unhealthy node takes over only after `staleWait`', (program) => {
    const stage = standbyOf(program, { data: { staleWaitMs: 8000 } })
    stage.feed({ type: 'health', healthy: false })
    neverTakesOver(stage, 7500)
    takesOverAfter(stage)
  }),
  claim('T5', 'an unhealthy node takes over when the operator says so', (program) => {
    const stage = standbyOf(program)
    stage.feed({ type: 'health', healthy: false })
    stage.pass(2000, { hear: null })
    stage.feed({ type: 'ask', node: 'sp1', force: true })
    takesOverAfter(stage)
  }),
  claim(
    'T5',
    '`staleWait` counts from our start at the earliest, and from the last word',
    (program) => {
      const stage = standbyOf(program, { data: { staleWaitMs: 8000 } })
      stage.feed({ type: 'health', healthy: false })
      stage.pass(5000, { hear: null })
      stage.hear(ACTIVE)
      neverTakesOver(stage, 7500)
    },
  ),
]
