/**
 * Goal: what was done in a takeover is told with its time since it began, to the history, to the asked node and
 * to the peer, and nothing else is.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import type { MoveStep } from '../../src/control/snapshot.ts'
import { MoveSteps } from '../../src/daemon/move-steps.ts'
import type { ToldStepKind } from '../../src/wire/told-step.ts'
import { activeState, PEER } from '../helpers/snapshot-case.ts'

let taken: string[]
let recorded: string[]
let awaits: readonly ToldStepKind[]
let moves: MoveSteps
const AWAITS: readonly ToldStepKind[] = ['gate-open', 'announced', 'all-writable', 'all-serving']
const STATE = activeState()

beforeEach(() => {
  taken = []
  recorded = []
  awaits = AWAITS
  moves = new MoveSteps({
    awaits: () => awaits,
    stepped: ({ sentence }) => recorded.push(sentence),
    taken: (term, { afterMs, sentence }) => taken.push(`${term} +${afterMs} ${sentence}`),
  })
})

const told = (atMs: number, name: string): Omit<MoveStep, 'number'> => ({
  atMs,
  sentence: `${name} was told "active" (3 ms)`,
  kind: 'service-told',
  subject: name,
})

/** From the decision at 1000 to everything up at 1090. */
function takeOver(): void {
  moves.note({ atMs: 1_000, from: 'standby', to: 'take' })
  moves.note({ atMs: 1_005, from: 'take', to: 'active' })
  moves.gateOpen(9, 1_007)
  moves.did('all-writable', 1_040.26)
  moves.did('announced', 1_041)
  moves.add(told(1_055, 'rtpengine'))
  moves.did('all-serving', 1_090)
}

describe('the steps of a takeover', () => {
  it('are counted from when this node began to want the role', () => {
    takeOver()
    expect(taken).toEqual([
      '9 +7 the gate is open',
      '9 +40.3 the stores take writes',
      '9 +41 the floating IPs are announced',
      '9 +55 rtpengine was told "active" (3 ms)',
      '9 +90 every service is up',
    ])
    expect(moves.steps.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5])
  })

  it('are complete when everything was seen that is awaited, and not while the node does not serve', () => {
    expect(moves.complete).toBe(false)
    takeOver()
    expect(moves.complete).toBe(true)
    moves.note({ atMs: 5_000, from: 'active', to: 'demoting' })
    expect([moves.complete, moves.steps.at(-1)?.sentence]).toEqual([false, 'the gate is shut'])
  })

  it('end with it: a service that is started again later is none of them, a late test call is', () => {
    takeOver()
    moves.add(told(2_000, 'lb'))
    moves.did('call-ok', 4_000)
    expect(taken.slice(5)).toEqual(['9 +3000 the test call went well'])
    expect(moves.steps.map(({ kind }) => kind).slice(5)).toEqual(['service-told', 'call-ok'])
  })

  it('are none where this node does not take the role', () => {
    moves.add(told(900, 'lb'))
    expect(taken).toEqual([])
    // For the record they are steps all the same.
    expect(recorded).toEqual(['lb was told "active" (3 ms)'])
  })
})

describe('what the peer is told', () => {
  const heard = (appended: Uint8Array | undefined, seq = PEER.seq) => {
    const other = new MoveSteps({
      awaits: () => [],
      stepped: () => undefined,
      taken: () => undefined,
    })
    other.hear(Buffer.from(appended ?? []), { ...PEER, seq }, STATE)
    return other.peer
  }

  it('is every step, while it is new', () => {
    takeOver()
    const words = heard(moves.appended(1_100, undefined))
    expect([words?.term, words?.complete]).toEqual([9, true])
    expect(words?.steps[3]).toEqual({ kind: 'service-told', afterMs: 55, subject: 'rtpengine' })
    expect(moves.appended(60_000, undefined)).toBe(undefined)
    moves.note({ atMs: 1_200, from: 'active', to: 'demoting' })
    expect(moves.appended(1_201, undefined)).toBe(undefined)
  })

  it('leaves the words of the stores as they are, and takes no more room than they leave', () => {
    takeOver()
    const stores = Buffer.alloc(398, 1)
    expect(moves.appended(1_100, stores)).toBe(stores)
    const short = Buffer.from([9, 0, 0])
    const appended = Buffer.from(moves.appended(1_100, short) ?? [])
    expect([appended.subarray(0, 3), heard(appended)?.term]).toEqual([short, 9])
  })

  it('counts only when the heartbeat that brings it is the newest that counts', () => {
    takeOver()
    expect(heard(moves.appended(1_100, undefined), PEER.seq - 1)).toBe(null)
  })
})
