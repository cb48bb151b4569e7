/**
 * Goal: whoever moves the role is told beforehand what to know of the stores, sees each of their steps
 * with its time, and learns who stood in the way. Method: an operation over a pretend heart, as in
 * operations.test.ts, with the steps of a move in its snapshots.
 */
import { describe, expect, test } from 'vitest'
import type { PairConfig, ServiceConfig } from '../../src/config/config.ts'
import { isFinal, type OperationDocument } from '../../src/control/schema.ts'
import type { MoveStep, Snapshot, StoreSnapshot } from '../../src/control/snapshot.ts'
import type { State } from '../../src/core/state.ts'
import { hazardNotes } from '../../src/daemon/move-progress.ts'
import { Operations } from '../../src/daemon/operations.ts'
import { activeState, CONFIG, NOW_MS, snapshotOf, standbyState } from '../helpers/snapshot-case.ts'

const STORE: StoreSnapshot = {
  ...{ name: 'mariadb', kind: 'mariadb', role: 'writable', offset: 5, following: false },
  ...{
    applies: true,
    backlog: null,
    confirmsTogether: false,
    sick: false,
    trouble: null,
    hazards: [],
  },
  ...{ version: '10.11.19', space: null, waiting: null, rejoin: null, loss: null },
  peer: { role: 'read-only', following: true, offset: 5, behind: 0, lookedMs: NOW_MS },
}
const RELEASED = standbyState({ termHeard: 8 })
const HELD_UP =
  'the stores are given free again: mariadb could not be frozen: store mariadb: freeze: writes could not be stopped: it is held up by session 12, app@10.0.0.5:40312, for 3 s: INSERT INTO t VALUES (?)'

type Now = { state: State; changes?: Partial<Snapshot> }

/** Follows one request; `heart` tells what stands so many milliseconds after it began. */
async function followed(
  kind: 'make-standby' | 'make-active',
  heart: (atMs: number, asked: boolean) => Now,
  config: PairConfig = CONFIG,
): Promise<OperationDocument & { tookMs: number }> {
  let atMs = 0
  let asked = false
  const operations = new Operations({
    config: () => config,
    snapshot: async () => {
      const { state, changes } = heart(atMs, asked)
      return snapshotOf(state, { nowMs: NOW_MS + atMs, stores: [STORE], ...changes })
    },
    tell: () => {
      asked = true
    },
    data: async () => null,
    changed: () => {},
    services: async () => null,
    reload: async () => null,
    now: () => atMs,
    wait: async (ms) => {
      atMs += ms
    },
  })
  const { id } = operations.begin({ kind, node: null, force: false })
  for (let turns = 0; turns < 100_000; turns += 1) {
    const operation = operations.find(id)
    if (operation !== null && isFinal(operation.state)) return { ...operation, tookMs: atMs }
    await Promise.resolve()
  }
  throw new Error('does not end')
}

function stepsUpTo(atMs: number, steps: readonly Omit<MoveStep, 'number'>[]): MoveStep[] {
  const made = steps.map((step, index) => ({ ...step, number: index + 1 }))
  return made.filter((step) => step.atMs <= NOW_MS + atMs)
}
const step = (atMs: number, sentence: string, kind: MoveStep['kind'] = 'other') => ({
  ...{ atMs: NOW_MS + atMs, sentence, kind, subject: '' },
})
const sentences = ({ steps }: OperationDocument): string[] =>
  steps.map(({ atMs, sentence }) => `${atMs}: ${sentence}`)
const heardOf = (state: State, atMs: number): State => ({
  ...state,
  lastHeardMs: NOW_MS + atMs - 10,
})

describe('make-standby with stores', () => {
  test('shows what to know, each step at its time, and ends when the peer takes writes', async () => {
    const steps = [
      step(-500, 'mariadb takes writes (3 ms)'),
      step(11.5, 'mariadb stands still, no write is lost from here on (9 ms)'),
      step(15, "mariadb is at the peer's in full (3 ms)"),
      step(31, 'mariadb is read-only (5 ms)'),
    ]
    const stores = [{ ...STORE, hazards: ['A transaction is open for 9 s.'] }]
    const operation = await followed('make-standby', (atMs) => {
      const told = stepsUpTo(atMs, steps)
      const state = heardOf(atMs < 60 ? activeState() : RELEASED, atMs)
      const peerStoresPromotedMs = atMs < 100 ? null : 12.2
      return { state, changes: { stores, steps: told, peerStoresPromotedMs } }
    })
    expect(operation.state).toBe('done')
    expect(sentences(operation)).toEqual([
      '0: to know: mariadb: A transaction is open for 9 s.',
      '0: asked for sp2 to become active',
      '0: sp1 is active (elected: the peer granted the lease), sp2 is standby',
      '11.5: mariadb stands still, no write is lost from here on (9 ms)',
      "15: mariadb is at the peer's in full (3 ms)",
      '31: mariadb is read-only (5 ms)',
      '60: sp1 is standby (the stores are demoted; standing by), sp2 is active',
      '60: sp2 is active, term 8',
      '100: the stores of sp2 take writes, 12 ms after its order',
    ])
  })

  test('is refused, naming the statement that holds it up, as soon as the stores are free again', async () => {
    const operation = await followed('make-standby', (atMs, asked) => {
      const state = heardOf(activeState(), atMs)
      const told = stepsUpTo(atMs, [step(520, HELD_UP, 'given-back')])
      if (!asked || atMs > 700) return { state, changes: { steps: told } }
      const preparation = {
        untilMs: NOW_MS + 500,
        reason: 'operator-asked',
        frozenAt: null,
      } as const
      const ask = { ask: 'sp2', askUntilMs: NOW_MS + 500 } as const
      return { state: { ...state, ...ask, preparation }, changes: { steps: told } }
    })
    expect([operation.state, operation.tookMs]).toEqual(['refused', 720])
    expect(operation.reason).toEqual({
      code: 'stores-not-handed-over',
      sentence: `sp2 did not become active: ${HELD_UP}`,
      mend: 'once that is out of the way, ask again; what stands in the way now: tandem explain',
    })
  })

  test('is done when a second try succeeds', async () => {
    const operation = await followed('make-standby', (atMs, asked) => {
      const told = stepsUpTo(atMs, [step(200, HELD_UP, 'given-back')])
      if (atMs >= 400)
        return { state: heardOf(RELEASED, atMs), changes: { peerStoresPromotedMs: 3 } }
      const ask = asked ? ({ ask: 'sp2', askUntilMs: NOW_MS + 500 } as const) : {}
      return { state: heardOf(activeState(ask), atMs), changes: { steps: told } }
    })
    expect([operation.state, operation.reason]).toEqual(['done', null])
  })

  test('is not verified when the stores of the peer are not seen to take writes', async () => {
    const operation = await followed('make-standby', (atMs) => ({
      state: heardOf(atMs < 60 ? activeState() : RELEASED, atMs),
    }))
    expect([operation.state, operation.reason]).toEqual([
      'done-unverified',
      {
        code: 'stores-not-writable',
        sentence: 'the stores of sp2 were not seen to take writes within 3000 ms',
        mend: 'look at tandem status on sp2',
      },
    ])
  })

  test('does not wait for the word of a peer that tells nothing of its stores', async () => {
    const operation = await followed('make-standby', (atMs) => ({
      state: heardOf(atMs < 60 ? activeState() : RELEASED, atMs),
      changes: { stores: [{ ...STORE, peer: null }] },
    }))
    expect([operation.state, operation.tookMs]).toEqual(['done', 60])
  })
})

describe('make-standby with services', () => {
  const services = [{ name: 'lb' } as ServiceConfig]
  const config = { ...CONFIG, services }
  const peerSteps = (atMs: number, upMs: number): Snapshot['peerSteps'] => {
    if (atMs < 70) return { term: 6, complete: true, steps: [] }
    const steps = [
      { kind: 'gate-open', afterMs: 2, subject: '' },
      { kind: 'store-writable', afterMs: 21, subject: 'redis' },
      { kind: 'announced', afterMs: 22, subject: '' },
      { kind: 'service-told', afterMs: 34, subject: 'rtpengine' },
    ] as const
    return { term: 8, complete: atMs >= upMs, steps: steps.slice(0, atMs < 100 ? 1 : 4) }
  }
  const handsOver =
    (upMs: number) =>
    (atMs: number): Now => ({
      state: heardOf(atMs < 60 ? activeState() : RELEASED, atMs),
      changes: {
        stores: [],
        steps: stepsUpTo(atMs, [step(40, 'rtpengine was told "standby" (3 ms)')]),
        peerSteps: peerSteps(atMs, upMs),
      },
    })

  test('shows the steps of both nodes, and ends when the services of the peer are up', async () => {
    const operation = await followed('make-standby', handsOver(140), config)
    expect([operation.state, operation.tookMs]).toEqual(['done', 140])
    expect(sentences(operation).slice(2)).toEqual([
      '40: rtpengine was told "standby" (3 ms)',
      '60: sp1 is standby (the stores are demoted; standing by), sp2 is active',
      '60: sp2 is active, term 8',
      '80: sp2, 2 ms after it began: the gate is open',
      '100: sp2, 21 ms after it began: redis takes writes',
      '100: sp2, 22 ms after it began: the floating IPs are announced',
      '100: sp2, 34 ms after it began: rtpengine was told "active"',
    ])
  })

  test('is not verified when they are not seen to come up', async () => {
    const operation = await followed('make-standby', handsOver(60_000), config)
    expect([operation.state, operation.reason?.code, operation.reason?.sentence]).toEqual([
      'done-unverified',
      'services-not-up',
      'the services of sp2 were not all seen to be up within 10000 ms',
    ])
  })

  test('does not wait long for a peer that tells nothing of its steps', async () => {
    const operation = await followed(
      'make-standby',
      (atMs) => ({
        state: heardOf(atMs < 60 ? activeState() : RELEASED, atMs),
        changes: { stores: [] },
      }),
      config,
    )
    expect([operation.state, operation.tookMs]).toEqual(['done', 1_060])
  })
})

test('make-active waits until our own stores take writes', async () => {
  const floatingIps: Snapshot['floatingIps'] = []
  const operation = await followed('make-active', (atMs) => {
    const all = step(90, 'the stores take writes, 30 ms after the order', 'all-writable')
    const state = heardOf(atMs < 60 ? standbyState() : activeState({ openedAtMs: NOW_MS }), atMs)
    return { state, changes: { steps: stepsUpTo(atMs, [all]), floatingIps } }
  })
  expect(operation.state).toBe('done')
  expect(sentences(operation).slice(-2)).toEqual([
    '60: sp1 is active, term 7',
    '90: the stores take writes, 30 ms after the order',
  ])
})

test('of many hazards the first five are said, and how many more there are', () => {
  const hazards = Array.from({ length: 7 }, (_, index) => `Hazard ${index}.`)
  const notes = hazardNotes(snapshotOf(activeState(), { stores: [{ ...STORE, hazards }] }))
  expect(notes.slice(4)).toEqual([
    'to know: mariadb: Hazard 4.',
    'to know: 2 more; see tandem explain',
  ])
})
