/** Does nobody serve? T3, the probes and the occupation. */
import { strict as assert } from 'node:assert'
import { ACTIVE, claim, standbyOf } from '../stage.ts'

export const VACANCY_CLAIMS = [
  claim('T3', 'probes begin after H of silence, one in every round', (program) => {
    const stage = standbyOf(program)
    stage.done = []
    stage.pass(500, { hear: ACTIVE })
    assert.equal(stage.count('probe'), 0)
    stage.pass(100, { hear: null })
    const sinceMs = stage.nowMs
    stage.pass(500, { hear: null })
    assert.equal(stage.count('probe', sinceMs), 5)
  }),
  claim(
    'T3',
    'the address is occupied from S of silence on, renewed each tick for L',
    (program) => {
      const stage = standbyOf(program)
      stage.done = []
      const { silentSinceMs } = stage.state
      stage.pass(1000, { hear: null })
      const occupied = stage.done.filter(({ effect }) => effect.type === 'occupy')
      const { suspicionMs, heartbeatMs, leaseMs } = stage.timing
      assert(occupied[0]!.atMs - silentSinceMs >= suspicionMs)
      assert(occupied[0]!.atMs - silentSinceMs < suspicionMs + heartbeatMs)
      const expected = occupied.map(({ atMs }, index) => ({
        type: 'occupy',
        deadlineMs: atMs + leaseMs,
        first: index === 0,
      }))
      assert.deepEqual(
        occupied.map(({ effect }) => effect),
        expected,
      )
      assert.equal(occupied.length, Math.round((stage.nowMs - occupied[0]!.atMs) / heartbeatMs))
    },
  ),
  claim(
    'T3',
    'a node that may not serve does not occupy, and leaves what it occupied',
    (program) => {
      const stage = standbyOf(program)
      stage.feed({ type: 'health', healthy: false })
      stage.pass(1000, { hear: null })
      assert.equal(stage.count('occupy'), 0)
      stage.feed({ type: 'health', healthy: true })
      stage.pass(200, { hear: null })
      assert(stage.count('occupy') > 0)
      const sinceMs = stage.nowMs
      stage.feed({ type: 'health', healthy: false })
      assert.equal(stage.count('close', sinceMs), 1)
    },
  ),
  claim('T3', 'an occupation is left when the peer is heard', (program) => {
    const stage = standbyOf(program)
    stage.pass(800, { hear: null })
    const sinceMs = stage.nowMs
    stage.hear(ACTIVE)
    assert.equal(stage.count('close', sinceMs), 1)
    assert.equal(stage.state.occupiedAtMs, null)
  }),
  claim('T3', 'who holds the address answers: no takeover', (program) => {
    const stage = standbyOf(program)
    stage.pass(5000, { hear: null, probe: 'answered' })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('T3', 'a probe that was not answered for in time proves nothing', (program) => {
    const stage = standbyOf(program)
    stage.pass(5000, { hear: null, probe: 'lost' })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('T3', 'one clear probe is not enough: all of the last L + M + G', (program) => {
    const stage = standbyOf(program)
    stage.pass(2000, { hear: null, probe: 'answered' })
    const sinceMs = stage.nowMs
    stage.until('the takeover', () => stage.state.armed, 5000, { hear: null })
    const { leaseMs, marginMs, gapMs } = stage.timing
    assert(stage.state.openedAtMs - sinceMs >= leaseMs + marginMs + gapMs)
  }),
  claim('T3', 'a hole of more than G between clear probes begins them anew', (program) => {
    const stage = standbyOf(program)
    stage.pass(800, { hear: null })
    stage.pass(300, { hear: null, probe: 'lost' })
    const sinceMs = stage.nowMs
    stage.until('the takeover', () => stage.state.armed, 5000, { hear: null })
    const { leaseMs, marginMs, gapMs } = stage.timing
    assert(stage.state.openedAtMs - sinceMs >= leaseMs + marginMs + gapMs)
  }),
  claim('T3', 'the last clear probe is not older than G', (program) => {
    const stage = standbyOf(program)
    stage.hangDisk()
    stage.until('the candidacy', () => stage.state.role === 'take', 3000, { hear: null })
    stage.pass(400, { hear: null, probe: 'lost' })
    stage.writeDisk()
    assert.equal(stage.count('open'), 0)
  }),
  claim('T3', 'the newest good pair was sent at least 3H after the occupation', (program) => {
    const stage = standbyOf(program)
    // Unhealthy, it knocks but does not occupy; then everything else holds already.
    stage.feed({ type: 'health', healthy: false })
    stage.pass(3000, { hear: null })
    stage.feed({ type: 'health', healthy: true })
    const { heartbeatMs } = stage.timing
    stage.until('the takeover', () => stage.state.armed, 2000, { hear: null })
    const occupied = stage.done.find(({ effect }) => effect.type === 'occupy')!
    const { effect } = stage.done.findLast((entry) => entry.effect.type === 'open')!
    assert(effect.type === 'open')
    const laterMs = effect.deadlineMs - stage.timing.leaseMs
    assert(laterMs - heartbeatMs >= occupied.atMs + 3 * heartbeatMs)
  }),
  claim('T3', 'without an occupation there is no takeover', (program) => {
    const stage = standbyOf(program)
    stage.feed({ type: 'health', healthy: false })
    stage.pass(3000, { hear: null })
    stage.feed({ type: 'health', healthy: true })
    assert.notEqual(stage.state.role, 'take')
  }),
  claim('T3', 'an answer leaves the occupation at once', (program) => {
    const stage = standbyOf(program)
    stage.pass(800, { hear: null })
    const sinceMs = stage.nowMs
    stage.feed({ type: 'probed', sentAtMs: stage.nowMs - 10, clear: false })
    assert.equal(stage.count('close', sinceMs), 1)
    assert.equal(stage.state.occupiedAtMs, null)
  }),
  claim('T3', 'another’s probe ends a takeover that has begun', (program) => {
    const stage = standbyOf(program)
    stage.hangDisk()
    stage.until('the candidacy', () => stage.state.role === 'take', 3000, { hear: null })
    stage.feed({ type: 'probed', sentAtMs: stage.nowMs, clear: false })
    stage.writeDisk()
    assert.equal(stage.state.role, 'standby')
    assert.equal(stage.count('open'), 0)
  }),
  claim('T3', 'after a conflict `sp1` occupies again after H, `sp2` after L + M', (program) => {
    for (const node of ['sp1', 'sp2'] as const) {
      const stage = standbyOf(program, { node })
      stage.pass(800, { hear: null })
      stage.feed({ type: 'probed', sentAtMs: stage.nowMs, clear: false })
      const conflictMs = stage.nowMs
      stage.until('the occupation', () => stage.count('occupy', conflictMs) > 0, 3000, {
        hear: null,
      })
      const { effect, atMs } = stage.done.find(
        (entry) => entry.atMs >= conflictMs && entry.effect.type === 'occupy',
      )!
      const { heartbeatMs, leaseMs, marginMs } = stage.timing
      const waitMs = node === 'sp1' ? heartbeatMs : leaseMs + marginMs
      assert(atMs - conflictMs >= waitMs && atMs - conflictMs <= waitMs + heartbeatMs)
      assert(effect.type === 'occupy' && effect.first, 'a new occupation, not a renewal')
    }
  }),
  claim('T3', 'what the peer announces a moment before it dies holds nothing up', (program) => {
    const stage = standbyOf(program, { node: 'sp2' })
    stage.pass(1000)
    const diedMs = stage.nowMs
    stage.feed({ type: 'probed', sentAtMs: diedMs, clear: false })
    stage.until('the occupation', () => stage.count('occupy', diedMs) > 0, 3000, { hear: null })
    const { heartbeatMs, suspicionMs } = stage.timing
    assert(stage.nowMs - diedMs <= suspicionMs + 2 * heartbeatMs)
  }),
  claim('T3', 'every further conflict makes it wait anew', (program) => {
    const stage = standbyOf(program, { node: 'sp2' })
    stage.pass(800, { hear: null })
    const conflict = (): void => {
      stage.feed({ type: 'probed', sentAtMs: stage.nowMs, clear: false })
    }
    conflict()
    const sinceMs = stage.nowMs
    stage.pass(3000, { hear: null, each: conflict })
    assert.equal(stage.count('occupy', sinceMs), 0)
  }),
  claim('T3', 'a probe sent before the last conflict proves nothing any more', (program) => {
    const stage = standbyOf(program)
    stage.pass(1000, { hear: null })
    const sentAtMs = stage.nowMs
    stage.sleep(10).feed({ type: 'probed', sentAtMs: stage.nowMs, clear: false })
    stage.sleep(60).feed({ type: 'probed', sentAtMs, clear: true })
    assert.equal(stage.state.probesClearFromMs, null)
  }),
  claim('T3', 'it belongs to `ping` mode only', (program) => {
    for (const mode of ['witness', 'fence'] as const) {
      const stage = standbyOf(program, { mode })
      stage.pass(1000, { hear: null })
      assert.equal(stage.count('probe') + stage.count('occupy'), 0)
    }
  }),
  claim(
    'T3',
    'of two nodes that knock one falls quiet, `sp1` for H, `sp2` for L + M',
    (program) => {
      for (const node of ['sp1', 'sp2'] as const) {
        const stage = standbyOf(program, { node })
        stage.pass(800, { hear: null })
        stage.feed({ type: 'probed', sentAtMs: stage.nowMs, clear: false, knock: true })
        const metMs = stage.nowMs
        stage.until('the next probe', () => stage.count('probe', metMs) > 0, 3000, { hear: null })
        const next = stage.done.find(
          ({ atMs, effect }) => atMs >= metMs && effect.type === 'probe',
        )!
        const { heartbeatMs, leaseMs, marginMs } = stage.timing
        assert(next.atMs - metMs >= (node === 'sp1' ? heartbeatMs : leaseMs + marginMs))
      }
    },
  ),
  claim('T3', 'who met the holder goes on knocking', (program) => {
    const stage = standbyOf(program, { node: 'sp2' })
    stage.pass(800, { hear: null })
    const sinceMs = stage.nowMs
    stage.pass(500, { hear: null, probe: 'answered' })
    assert.equal(stage.count('probe', sinceMs), 5)
  }),
]
