// What is asked of the core on which node, and how its answer is told. What would happen after which
// fault is the core's part (test/core/explain.test.ts).
import { describe, expect, test } from 'vitest'
import { buildExplain } from '../../src/control/explain.ts'
import { BLOCKERS } from '../../src/core/reason.ts'
import type { State } from '../../src/core/state.ts'
import {
  activeState,
  CONFIG,
  NOW_MS,
  PEER,
  snapshotOf,
  standbyState,
} from '../helpers/snapshot-case.ts'

function explained(state: State) {
  const { ifs: _ifs, ...document } = buildExplain(snapshotOf(state), CONFIG)
  return document
}
const codes = (state: State): string[] => explained(state).blockers.map(({ code }) => code)

test('the active is asked about a switchover, and nothing stands in the way of a healthy pair', () => {
  expect(explained(activeState())).toEqual({
    schema: 1,
    node: 'sp1',
    role: 'active',
    state: 'active',
    reason: { code: 'elected', sentence: 'elected: the peer granted the lease' },
    question: 'a switchover to sp2',
    blockers: [],
    switchover: { to: 'sp2', blockers: [] },
    hazards: [],
    drift: [],
    self: [],
  })
})

test('a standby is asked about a takeover, and each obstacle comes with its mend', () => {
  const { blockers, ...document } = explained(standbyState())
  expect(document).toEqual({
    schema: 1,
    node: 'sp1',
    role: 'standby',
    state: 'standby',
    reason: { code: 'data-demoted', sentence: 'the stores are demoted; standing by' },
    question: 'a takeover by sp1',
    switchover: { to: 'sp1', blockers: [] },
    hazards: [],
    drift: [],
    self: [],
  })
  expect(blockers[0]).toEqual({
    code: 'promise',
    sentence: 'this node promised the peer not to take over yet',
    mend: 'wait: the promise ends by itself',
  })
})

test('a standby is told what keeps it from being handed the role, besides its own takeover', () => {
  const { switchover } = explained(standbyState({ maintenance: true }))
  expect(switchover.to).toBe('sp1')
  expect(switchover.blockers.map(({ code }) => code)).toContain('maintenance')
})

describe('the first obstacle is the one the core stops at', () => {
  test.each([
    ['peer-silent', activeState({ lastHeardMs: NOW_MS - 61 })],
    ['peer-deaf', activeState({ peer: { ...PEER, hears: false } })],
    ['peer-not-able', activeState({ peer: { ...PEER, able: false } })],
    ['changed-recently', activeState({ changedAtMs: NOW_MS - 99 })],
    ['not-active', activeState({ armed: false })],
    ['maintenance', standbyState({ maintenance: true })],
    ['unhealthy', standbyState({ healthy: false })],
    ['peer-heard', standbyState({ grantUntilMs: NOW_MS - 1 })],
  ] as const)('%s', (code, state) => {
    expect(codes(state)[0]).toBe(code)
    const [sentence, mend] = BLOCKERS[code]
    expect(explained(state).blockers[0]).toEqual({ code, sentence, mend })
  })
})

test('an active that does not serve yet is in transition', () => {
  expect(explained(activeState({ armed: false })).state).toBe('transition')
})
