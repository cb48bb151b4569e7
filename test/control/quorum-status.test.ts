// What an operator is told of the witness and of the fence: alarms only for what is so now.
import { expect, test } from 'vitest'
import type { FenceSnapshot, WitnessSnapshot } from '../../src/control/quorum-snapshot.ts'
import { fencePart, quorumAlarms, witnessPart } from '../../src/control/quorum-status.ts'

const NOW_MS = 100_000
const iso = (atMs: number): string => new Date(atMs).toISOString()
const ENDPOINT = { url: 'https://192.0.2.61:2379', answers: true, why: null }
const WITNESS: WitnessSnapshot = {
  ...{ record: 'pair1', endpoints: [ENDPOINT], holder: 'sp1', held: true },
  ...{ changedMs: NOW_MS - 40, answeredMs: NOW_MS - 40, silentSinceMs: null, trouble: null },
  ...{ lost: null, calls: 9, failures: 1, renewals: 8 },
  callMs: { median: 2.04, p99: 9.96, max: 30 },
}
const FENCE: FenceSnapshot = {
  ...{ agent: '/usr/sbin/fence_x', power: 'on', lookedMs: NOW_MS - 500, trouble: null },
  ...{ running: false, last: null },
}

function alarms(witness: Partial<WitnessSnapshot> | null, fence: Partial<FenceSnapshot> | null) {
  const snapshot = {
    witness: witness === null ? null : { ...WITNESS, ...witness },
    fence: fence === null ? null : { ...FENCE, ...fence },
  }
  const raised = quorumAlarms(snapshot, { nowMs: NOW_MS, settled: true, leaseMs: 100 })
  return raised.map(({ code, about }) => (about === '' ? code : `${code} ${about}`))
}

test('nothing is raised while both do well, or there are none', () => {
  expect(alarms({}, {})).toEqual([])
  expect(alarms(null, null)).toEqual([])
})

test.each<[string, Partial<WitnessSnapshot>, string[]]>([
  ['that does not answer', { trouble: 'no' }, ['witness-silent']],
  [
    'with an endpoint that does not, beside one that does',
    { endpoints: [ENDPOINT, { url: 'https://e2:1', answers: false, why: 'no' }] },
    ['witness-endpoint https://e2:1'],
  ],
  ['that is slow', { callMs: { median: 1, p99: 12.6, max: 20 } }, ['witness-slow']],
  ['whose record was taken', { lost: { atMs: NOW_MS - 1_000, to: 'sp2' } }, ['witness-lost']],
  ['whose record was taken long ago', { lost: { atMs: NOW_MS - 61_000, to: 'sp2' } }, []],
])('a witness %s', (_what, witness, expected) => {
  expect(alarms(witness, null)).toEqual(expected)
})

test.each<[string, Partial<FenceSnapshot>, string[]]>([
  ['that cannot be used', { trouble: 'no' }, ['fence-unusable']],
  ['that failed', { last: { atMs: 1, off: false, why: 'no' } }, ['fence-failed']],
  ['that failed before it worked', { power: 'off', last: { atMs: 1, off: true, why: '' } }, []],
])('a fence %s', (_what, fence, expected) => {
  expect(alarms(null, fence)).toEqual(expected)
})

test('the status tells ages, not moments, and figures that can be read', () => {
  const snapshot = { witness: WITNESS, fence: FENCE }
  expect(witnessPart(snapshot, NOW_MS, iso)).toMatchObject({
    ...{ record: 'pair1', holder: 'sp1', held: true, unchangedMs: 40, answeredMsAgo: 40 },
    callMs: { median: 2, p99: 10, max: 30 },
    endpoints: [{ url: ENDPOINT.url, state: 'answering', why: null }],
  })
  expect(fencePart(snapshot, NOW_MS, iso)).toMatchObject({ power: 'on', lookedMsAgo: 500 })
})
