/**
 * Goal: what a node alone held stops being the newest when a peer serves a later history. Method: one
 * heartbeat to a standby that is marked `sole`.
 */
import { describe, expect, it } from 'vitest'
import type { Heartbeat } from '../../src/core/heartbeat.ts'
import { deriveTiming, type Policy, TIMING_PROFILES } from '../../src/core/policy.ts'
import { initialState, type State } from '../../src/core/state.ts'
import { type Decision, step } from '../../src/core/step.ts'

const POLICY: Policy = {
  node: 'sp1',
  mode: 'ping',
  timing: deriveTiming(TIMING_PROFILES.default),
  pingNodeCount: 3,
  data: {
    takeover: 'recent',
    recentMs: 10_000,
    stale: 'refuse',
    staleWaitMs: 120_000,
    confirmAloneAfterMs: 300,
  },
  digest: '00000000000000aa',
}
const BOOT = '00000000000000b1'

/** A standby of history 3 that holds writes nobody else has, and has sent one heartbeat. */
function soleStandby(): Readonly<State> {
  const booted = {
    ...initialState(BOOT, { term: 3, sole: true }, 3),
    position: { term: 3, offset: 9 },
  }
  const events = [
    { type: 'start', nowMs: 1000 },
    { type: 'demoted', nowMs: 1001 },
    { type: 'tick', nowMs: 1100 },
  ] as const
  return events.reduce<Readonly<State>>((state, event) => step(state, event, POLICY).state, booted)
}

function hearActive(state: Readonly<State>, change: Partial<Heartbeat>): Decision {
  const heartbeat: Heartbeat = {
    node: 'sp2',
    boot: '00000000000000b2',
    seq: 1,
    term: 4,
    role: 'active',
    want: true,
    able: true,
    score: 3,
    majority: true,
    hears: true,
    ackBoot: BOOT,
    ackSeq: 1,
    heardAgoMs: 1,
    direct: true,
    grant: false,
    position: { term: 4, offset: 0 },
    positionUnknown: false,
    sync: false,
    inSync: false,
    sole: false,
    avoid: false,
    ask: null,
    digest: POLICY.digest,
    healthy: true,
    maintenance: false,
    ...change,
  }
  return step(state, { type: 'heartbeat', heartbeat, direct: true, nowMs: 1110 }, POLICY)
}

describe('a standby that alone holds confirmed writes', () => {
  it('gives the claim up, on disk, when the peer provably serves a later history', () => {
    const { state, effects } = hearActive(soleStandby(), {})
    expect(state.sole).toBe(false)
    expect(effects.filter(({ type }) => type === 'persist')).toEqual([
      // The term is the next one of this node, written in advance.
      { type: 'persist', ticket: 2, term: 5, sole: false },
    ])
  })

  it('keeps it while the word is not fresh, or the history is not later', () => {
    expect(hearActive(soleStandby(), { ackBoot: null, ackSeq: 0 }).state.sole).toBe(true)
    expect(hearActive(soleStandby(), { position: { term: 3, offset: 99 } }).state.sole).toBe(true)
  })
})
