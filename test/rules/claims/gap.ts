/** Time in which a node was stopped is no evidence: the gap rule, part by part. */
import { strict as assert } from 'node:assert'
import type { Program } from '../claim.ts'
import { claim, type Stage, standbyOf } from '../stage.ts'

/** A standby, its peer silent for nearly D, that was stopped for a moment longer than G. */
function resumed(program: Program, mode: 'ping' | 'fence' = 'ping'): Stage {
  const stage = standbyOf(program, { mode })
  stage.pass(1000, { hear: null })
  stage.sleep(stage.timing.gapMs + 1)
  return stage
}

export const GAP_CLAIMS = [
  claim('gap', 'it begins the silence anew', (program) => {
    const stage = resumed(program)
    stage.feed({ type: 'tick' })
    assert.equal(stage.state.silentSinceMs, stage.nowMs)
  }),
  claim('gap', 'it begins the streak of majorities and the pair anew', (program) => {
    const stage = resumed(program)
    stage.feed({ type: 'position', position: stage.state.position })
    assert.equal(stage.state.streakFromMs, null)
    assert.equal(stage.state.pair, null)
  }),
  claim('gap', 'it begins the probes anew', (program) => {
    const stage = resumed(program)
    stage.feed({ type: 'position', position: stage.state.position })
    assert.equal(stage.state.probesClearFromMs, null)
  }),
  claim('gap', 'it begins the telling anew', (program) => {
    const stage = resumed(program)
    assert.notEqual(stage.state.tellSinceMs, null)
    stage.feed({ type: 'position', position: stage.state.position })
    assert.equal(stage.state.tellSinceMs, null)
  }),
  claim('gap', 'a takeover takes as long after it as after the peer’s last word', (program) => {
    const stage = resumed(program)
    const resumedMs = stage.nowMs
    stage.until('the takeover', () => stage.state.armed, 5000, { hear: null })
    assert(stage.state.openedAtMs - resumedMs >= stage.timing.majorityStreakMs)
  }),
  claim('gap', 'a pause of G is none', (program) => {
    const stage = standbyOf(program)
    stage.pass(1000, { hear: null })
    const { silentSinceMs } = stage.state
    stage.nowMs = stage.state.lastRunMs + stage.timing.gapMs
    stage.feed({ type: 'tick' })
    assert.equal(stage.state.silentSinceMs, silentSinceMs)
  }),
]
