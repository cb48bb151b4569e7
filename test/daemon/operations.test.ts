/**
 * Goal: an operator is told what became of a request, from the snapshots alone. Method: a pretend heart
 * whose snapshots follow what it is told, and a clock that only waiting moves.
 */
import { describe, expect, test } from 'vitest'
import type { PairConfig, StoreConfig } from '../../src/config/config.ts'
import { isFinal, type OperationDocument, type OperationRequest } from '../../src/control/schema.ts'
import type { Snapshot } from '../../src/control/snapshot.ts'
import type { State } from '../../src/core/state.ts'
import type { ToHeart } from '../../src/daemon/message.ts'
import { Operations } from '../../src/daemon/operations.ts'
import {
  activeState,
  CONFIG,
  NOW_MS,
  PEER,
  snapshotOf,
  standbyState,
} from '../helpers/snapshot-case.ts'

type Answer = 'heart dead' | { state: State; changes?: Partial<Snapshot> }

interface Bench {
  /** What the heart says at this moment since the start of the test, in milliseconds. */
  heart: (atMs: number, told: readonly ToHeart[]) => Answer
  config?: PairConfig
  reloadRefused?: OperationDocument['reason']
}

/** Begins one request and follows it to its end. */
async function operated(
  request: OperationRequest,
  { heart, config = CONFIG, reloadRefused = null }: Bench,
): Promise<{ operation: OperationDocument; told: ToHeart[]; tookMs: number }> {
  let atMs = 0
  const told: ToHeart[] = []
  const changes: OperationDocument[] = []
  const operations = new Operations({
    config: () => config,
    snapshot: async () => {
      const answer = heart(atMs, told)
      if (answer === 'heart dead') throw new Error('the heart of the agent does not answer')
      return snapshotOf(answer.state, answer.changes)
    },
    tell: (message) => told.push(message),
    data: async ({ store }, step) => {
      step(`${store}: 3 set aside`)
      return store === 'broken' ? 'could not be set aside: the disk is full' : null
    },
    changed: (operation) => changes.push(operation),
    services: async (order, step) => {
      if (order.verb === 'drain') {
        step('kept on this node')
        return order.on ? null : 'edge1: silent'
      }
      step(`${order.service ?? 'all'}: ${order.verb}`)
      return order.service === 'broken' ? 'broken is not running: no such unit' : null
    },
    reload: async (step) => {
      step('lb: checks in force, its process goes on')
      return reloadRefused
    },
    now: () => atMs,
    wait: async (ms) => {
      atMs += ms
    },
  })
  const { id, kind } = operations.begin(request)
  const begun = operations.underWay.map((one) => [one.id, one.kind])
  expect(begun).toEqual(isFinal(operations.find(id)!.state) ? [] : [[id, kind]])
  for (let turns = 0; turns < 100_000; turns += 1) {
    const operation = operations.find(id)
    if (operation === null) throw new Error('forgotten')
    if (isFinal(operation.state)) {
      // Whoever listens to events was told the same.
      expect(changes.at(-1)).toEqual(operation)
      // What is cleared away behind it is done by then.
      await new Promise(setImmediate)
      expect(operations.underWay).toEqual([])
      return { operation, told, tookMs: atMs }
    }
    await Promise.resolve()
  }
  throw new Error('does not end')
}

const sentences = ({ steps }: OperationDocument): string[] =>
  steps.map(({ atMs, sentence }) => `${atMs}: ${sentence}`)
const makeActive = (force = false): OperationRequest => ({ kind: 'make-active', node: null, force })
const makeStandby = (): OperationRequest => ({ kind: 'make-standby', node: null, force: false })
/** sp1 after it released: the peer serves. */
const RELEASED = standbyState({ termHeard: 8 })

describe('make-standby on the active', () => {
  test('asks for the peer once, and is done when the peer says active', async () => {
    const { operation, told } = await operated(makeStandby(), {
      heart: (atMs, asked) =>
        asked.length === 0 || atMs < 60 ? { state: activeState() } : { state: RELEASED },
    })
    expect(told).toEqual([{ type: 'ask', node: 'sp2', force: false }])
    expect(operation).toEqual({
      schema: 1,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: 'make-standby',
      node: 'sp1',
      state: 'done',
      steps: expect.any(Array),
      reason: null,
    })
    expect(sentences(operation)).toEqual([
      '0: asked for sp2 to become active',
      '0: sp1 is active (elected: the peer granted the lease), sp2 is standby',
      '60: sp1 is standby (the stores are demoted; standing by), sp2 is active',
      '60: sp2 is active, term 8',
    ])
  })

  test('says who asked, where that was said', async () => {
    const note = 'tandem drill 20261130T120000Z-switchover'
    const { operation } = await operated(
      { kind: 'make-standby', node: null, force: false, note },
      { heart: (_atMs, asked) => ({ state: asked.length === 0 ? activeState() : RELEASED }) },
    )
    expect(sentences(operation).slice(0, 2)).toEqual([
      `0: asked for by ${note}`,
      '0: asked for sp2 to become active',
    ])
  })

  test('is refused with the obstacle and its mend, after three seconds of patience', async () => {
    const peer = { ...PEER, able: false }
    const { operation, told, tookMs } = await operated(makeStandby(), {
      heart: () => ({ state: activeState({ peer }) }),
    })
    expect([told, tookMs]).toEqual([[], 3_000])
    expect(operation.state).toBe('refused')
    expect(operation.reason).toEqual({
      code: 'peer-not-able',
      sentence: 'the peer could not serve (unhealthy, in maintenance or without the newest data)',
      mend: 'look at the status of the peer',
    })
    expect(sentences(operation)).toEqual([
      '0: waiting: the peer could not serve (unhealthy, in maintenance or without the newest data)',
    ])
  })

  test('waits for what passes by itself', async () => {
    const recent = activeState({ changedAtMs: NOW_MS - 10 })
    const { operation, told } = await operated(makeStandby(), {
      heart: (atMs, asked) => {
        if (asked.length > 0) return { state: RELEASED }
        return { state: atMs < 100 ? recent : activeState() }
      },
    })
    expect([operation.state, told.length]).toEqual(['done', 1])
    expect(sentences(operation)[0]).toBe('0: waiting: the role changed a moment ago')
    expect(sentences(operation)[1]).toBe('100: asked for sp2 to become active')
  })

  test('that leads nowhere has failed after twice the time for preparing and a second', async () => {
    const preparation = { untilMs: NOW_MS, reason: 'operator-asked', frozenAt: null } as const
    const { operation, tookMs } = await operated(makeStandby(), {
      heart: (_atMs, asked) => ({
        state: activeState({ preparation: asked.length === 0 ? null : preparation }),
      }),
    })
    expect(tookMs).toBe(2_000)
    expect([operation.state, operation.reason]).toEqual([
      'failed',
      {
        code: 'not-moved',
        sentence:
          'sp2 did not become active within 2000 ms; sp1 is active (elected: the peer granted the ' +
          'lease), sp2 is standby, writes are frozen while the peer catches up',
        mend: 'look at: tandem explain',
      },
    ])
  })
})

describe('what is so already', () => {
  test.each([
    ['make-active on the active', makeActive(), activeState(), 'sp1 is active already'],
    ['make-standby on a standby', makeStandby(), RELEASED, 'sp2 is active already'],
    [
      'make-active for the active peer',
      { kind: 'make-active', node: 'sp2', force: false } as const,
      RELEASED,
      'sp2 is active already',
    ],
  ])('%s is done at once, and nobody is asked', async (_what, request, state, sentence) => {
    const { operation, told, tookMs } = await operated(request, { heart: () => ({ state }) })
    expect([operation.state, told, tookMs]).toEqual(['done', [], 0])
    expect(sentences(operation)).toEqual([`0: ${sentence}`])
  })

  test('is not what a node says that was silent for a second', async () => {
    const silent = { lastHeardMs: NOW_MS - 1_000, silentSinceMs: NOW_MS - 1_000 }
    const { operation } = await operated(makeStandby(), {
      heart: () => ({ state: standbyState(silent) }),
    })
    expect([operation.state, operation.reason?.code]).toEqual(['refused', 'not-active'])
  })
})

describe('make-active on a standby', () => {
  const looked = (look: 'pending' | 'verified' | 'unanswered' | 'none') => ({
    floatingIps: snapshotOf(activeState()).floatingIps.map((address) => ({ ...address, look })),
  })

  test('is done when it serves and a ping node answers its addresses', async () => {
    const { operation, told } = await operated(makeActive(), {
      heart: (atMs, asked) => {
        if (asked.length === 0) return { state: standbyState() }
        return { state: activeState(), changes: looked(atMs < 200 ? 'pending' : 'verified') }
      },
    })
    expect(told).toEqual([{ type: 'ask', node: 'sp1', force: false }])
    expect(operation.state).toBe('done')
    expect(sentences(operation).slice(-2)).toEqual([
      '0: sp1 is active, term 7',
      '200: the floating IPs are answered on the wire',
    ])
  })

  test('is done but not verified when nobody answers for 1.5 s', async () => {
    const { operation, tookMs } = await operated(makeActive(), {
      heart: (_atMs, asked) =>
        asked.length === 0
          ? { state: standbyState() }
          : { state: activeState(), changes: looked('unanswered') },
    })
    expect(tookMs).toBe(1_500)
    expect([operation.state, operation.reason]).toEqual([
      'done-unverified',
      {
        code: 'address-not-verified',
        sentence: 'no ping node answered 10.0.0.50, fd00::50',
        mend: 'check that the switch and the gateway learned the new place of the address',
      },
    ])
  })

  test('is done where no ping node could answer at all', async () => {
    const { operation } = await operated(makeActive(), {
      heart: (_atMs, asked) =>
        asked.length === 0
          ? { state: standbyState() }
          : { state: activeState(), changes: looked('none') },
    })
    // And nothing is claimed that nobody has seen.
    expect([operation.state, sentences(operation).at(-1)]).toEqual([
      'done',
      '0: sp1 is active, term 7',
    ])
  })

  test('an active that has not opened its gate yet is not active', async () => {
    const { operation } = await operated(makeActive(), {
      heart: (atMs, asked) => {
        if (asked.length === 0) return { state: standbyState() }
        return { state: activeState({ armed: atMs >= 100 }), changes: looked('none') }
      },
    })
    expect(sentences(operation).at(-1)).toBe('100: sp1 is active, term 7')
  })

  const silent = { lastHeardMs: NOW_MS - 5_000, silentSinceMs: NOW_MS - 5_000 }
  const servingPeer = { ...PEER, role: 'active', want: true, grant: false } as const
  test.each([
    ['maintenance', standbyState({ maintenance: true })],
    ['unhealthy', standbyState({ healthy: false })],
    ['peer-silent', standbyState(silent)],
    ['peer-silent', standbyState({ peer: null })],
    ['peer-deaf', standbyState({ peer: { ...servingPeer, hears: false } })],
    ['digest-differs', standbyState({ peer: { ...servingPeer, digest: 'other' } })],
  ])('is refused: %s', async (code, state) => {
    const { operation, told } = await operated(makeActive(), { heart: () => ({ state }) })
    expect([operation.state, operation.reason?.code, told]).toEqual(['refused', code, []])
  })

  test('by force is asked for although the peer is silent, where only the data stands in the way', async () => {
    /** A standby of which everything but its data would let it take over. */
    const lacking = standbyState({
      ...silent,
      tellSinceMs: NOW_MS - 4_000,
      grantUntilMs: NOW_MS - 4_000,
      lastMajorityMs: NOW_MS - 5,
      streakFromMs: NOW_MS - 4_000,
      pair: { firstMs: NOW_MS - 25, laterMs: NOW_MS - 5 },
      probesClearFromMs: NOW_MS - 4_000,
      probeLastClearMs: NOW_MS - 5,
      occupiedAtMs: NOW_MS - 4_000,
    })
    const policy = {
      ...CONFIG.policy,
      data: { ...CONFIG.policy.data, takeover: 'strict', stale: 'refuse' } as const,
    }
    const bench: Bench = {
      config: { ...CONFIG, policy },
      heart: (_atMs, asked) =>
        asked.length === 0
          ? { state: lacking }
          : { state: activeState(), changes: looked('verified') },
    }
    const forced = await operated(makeActive(true), bench)
    expect(forced.told).toEqual([{ type: 'ask', node: 'sp1', force: true }])
    expect(forced.operation.state).toBe('done')
    // Without it the operator is told what it is for.
    const plain = await operated(makeActive(false), bench)
    expect([plain.operation.state, plain.operation.reason?.code]).toEqual([
      'refused',
      'data-may-be-stale',
    ])
    const cutOff = await operated(makeActive(false), {
      ...bench,
      heart: () => ({ state: { ...lacking, lastMajorityMs: NOW_MS - 5_000, streakFromMs: null } }),
    })
    expect(cutOff.operation.reason?.code).toBe('peer-silent')
    // Never more than the data: somebody answers for an address.
    const answered = await operated(makeActive(true), {
      ...bench,
      heart: () => ({ state: { ...lacking, probesClearFromMs: null } }),
    })
    expect([answered.operation.state, answered.operation.reason?.code]).toEqual([
      'refused',
      'address-answered',
    ])
  })
})

describe('maintenance', () => {
  const maintenance = (
    on: boolean,
    { node = null, force = false }: { node?: 'sp1' | 'sp2' | null; force?: boolean } = {},
  ): OperationRequest => ({ kind: 'maintenance', node, force, on })
  const unable = activeState({ peer: { ...PEER, able: false } })

  test('of a standby begins and ends at once', async () => {
    const heart = (): Answer => ({ state: standbyState() })
    const on = await operated(maintenance(true), { heart })
    expect(on.told).toEqual([{ type: 'maintenance', on: true, force: false }])
    expect([on.operation.state, sentences(on.operation)]).toEqual([
      'done',
      ['20: maintenance began'],
    ])
    const off = await operated(maintenance(false), { heart })
    expect(off.told).toEqual([{ type: 'maintenance', on: false, force: false }])
    expect(sentences(off.operation)).toEqual(['20: maintenance ended'])
  })

  test('of an active is done when the peer is active', async () => {
    const demoting = activeState({ role: 'demoting', armed: false })
    const { operation, told, tookMs } = await operated(maintenance(true), {
      heart: (atMs, asked) => {
        if (asked.length === 0) return { state: activeState() }
        return { state: atMs < 100 ? activeState() : atMs < 200 ? demoting : RELEASED }
      },
    })
    expect(told).toEqual([{ type: 'maintenance', on: true, force: false }])
    expect([operation.state, operation.reason, tookMs]).toEqual(['done', null, 200])
    expect(sentences(operation)).toEqual([
      '0: maintenance began: handing over to sp2',
      '200: sp2 is active, sp1 is in maintenance',
    ])
  })

  test('of an active that cannot hand over is refused with the reason, and nothing changes', async () => {
    const { operation, told, tookMs } = await operated(maintenance(true), {
      heart: () => ({ state: unable }),
    })
    expect([told, tookMs]).toEqual([[], 3_000])
    expect([operation.state, operation.reason]).toEqual([
      'refused',
      {
        code: 'peer-not-able',
        sentence:
          'this node serves and cannot hand over: the peer could not serve (unhealthy, in maintenance ' +
          'or without the newest data)',
        mend: 'look at the status of the peer; or accept with --force that nobody serves',
      },
    ])
  })

  test('by force of an active that cannot hand over is done when it has released', async () => {
    const { operation, told } = await operated(maintenance(true, { force: true }), {
      heart: (atMs, asked) => ({
        state: asked.length === 0 || atMs < 3_040 ? unable : standbyState({ peer: PEER }),
      }),
    })
    expect(told).toEqual([{ type: 'maintenance', on: true, force: true }])
    expect([operation.state, operation.reason]).toEqual(['done', null])
    expect(sentences(operation)).toEqual([
      '0: waiting: the peer could not serve (unhealthy, in maintenance or without the newest data)',
      '3000: maintenance began, by force',
      '3040: released: nobody serves until sp2 can, or the maintenance ends',
    ])
  })

  test('by force hands over as usual where the peer can serve', async () => {
    const { operation, told } = await operated(maintenance(true, { force: true }), {
      heart: (_atMs, asked) => ({ state: asked.length === 0 ? activeState() : RELEASED }),
    })
    expect(told).toEqual([{ type: 'maintenance', on: true, force: false }])
    expect(operation.state).toBe('done')
  })

  test('that moves nothing in time has failed and is ended again, for a node in it is not elected', async () => {
    const { operation, told } = await operated(maintenance(true), {
      heart: (_atMs, asked) => ({
        state: asked.length === 0 ? activeState() : standbyState({ peer: PEER }),
      }),
    })
    expect(told).toEqual([
      { type: 'maintenance', on: true, force: false },
      { type: 'maintenance', on: false, force: false },
    ])
    expect([operation.state, operation.reason]).toEqual([
      'failed',
      {
        code: 'not-moved',
        sentence:
          'the maintenance was ended again after 2000 ms: sp1 is standby (the stores are demoted; ' +
          'standing by), sp2 is standby',
        mend: 'look at: tandem explain',
      },
    ])
  })

  test('of the other node is refused here, with the place where it can be asked for', async () => {
    const { operation, told } = await operated(maintenance(true, { node: 'sp2' }), {
      heart: () => ({ state: activeState() }),
    })
    expect(told).toEqual([])
    expect([operation.state, operation.reason]).toEqual([
      'refused',
      {
        code: 'other-node',
        sentence: 'maintenance is asked for on the node itself',
        mend: 'run the command on sp2',
      },
    ])
  })
})

test('a heart that does not answer is a failure that says so', async () => {
  const { operation } = await operated(makeStandby(), { heart: () => 'heart dead' })
  expect([operation.state, operation.reason]).toEqual([
    'failed',
    {
      code: 'internal',
      sentence: 'the heart of the agent does not answer',
      mend: 'look at the log of the agent',
    },
  ])
})

test('the last hundred operations can be asked for, an unknown one cannot', () => {
  const operations = new Operations({
    config: () => CONFIG,
    snapshot: async () => snapshotOf(activeState()),
    tell: () => {},
    data: async () => null,
    changed: () => {},
    services: async () => null,
    reload: async () => null,
    now: () => 0,
    wait: async () => {},
  })
  const ids = Array.from({ length: 101 }, () => operations.begin(makeActive()).id)
  expect(ids.map((id) => operations.find(id) !== null)).toEqual(ids.map((_, index) => index > 0))
  expect(operations.find('nonsense')).toBeNull()
})

describe('a request about a store', () => {
  const stores = ['redis', 'broken'].map((name) => ({ name, kind: 'redis' }) as StoreConfig)
  const config = { ...CONFIG, stores }
  const ask = (store: string, state: State) =>
    operated(
      { kind: 'data-archive', node: null, force: false, store },
      { config, heart: () => ({ state }) },
    )

  test('is done with the steps that the stores tell', async () => {
    const { operation, told } = await ask('redis', RELEASED)
    expect([told, sentences(operation)]).toEqual([[], ['0: redis: 3 set aside']])
    expect(operation).toMatchObject({ kind: 'data-archive', node: 'sp1', state: 'done' })
  })

  test('that fails says what and why', async () => {
    const { operation } = await ask('broken', RELEASED)
    expect(operation).toMatchObject({
      state: 'failed',
      reason: {
        code: 'data-archive-failed',
        sentence: 'broken could not be set aside: the disk is full',
        mend: 'once that is out of the way, ask again; how it is now: tandem data show',
      },
    })
  })

  test('is refused at once on the node that serves', async () => {
    const { operation, tookMs } = await ask('redis', activeState())
    expect([operation.state, operation.reason?.code, tookMs]).toEqual(['refused', 'serves-here', 0])
  })
})

describe('an order to drain the pair', () => {
  const loadBalancers = [{ name: 'edge1' } as PairConfig['loadBalancers'][number]]
  const ask = (on: boolean, config: PairConfig = { ...CONFIG, loadBalancers }) =>
    operated(
      { kind: 'drain', node: null, force: false, on },
      { config, heart: () => ({ state: activeState() }) },
    )

  test('is done, or says which load-balancer does not know it', async () => {
    expect((await ask(true)).operation).toMatchObject({ kind: 'drain', state: 'done' })
    expect((await ask(false)).operation).toMatchObject({
      state: 'failed',
      reason: { code: 'drain-not-known', sentence: 'edge1: silent' },
    })
  })

  test('is refused where there is none', async () => {
    expect((await ask(true, CONFIG)).operation).toMatchObject({
      state: 'refused',
      reason: { code: 'no-load-balancers' },
    })
  })
})

describe('an order to a service', () => {
  const services = ['lb', 'broken'].map((name) => ({ name }) as PairConfig['services'][number])
  const ask = (service: string | null, config: PairConfig = { ...CONFIG, services }) =>
    operated(
      { kind: 'service', node: null, force: false, verb: 'restart', service },
      { config, heart: () => ({ state: activeState() }) },
    )

  test('is done with the steps that the services tell', async () => {
    const { operation, told } = await ask('lb')
    expect([told, sentences(operation)]).toEqual([[], ['0: lb: restart']])
    expect(operation).toMatchObject({ kind: 'service', node: 'sp1', state: 'done' })
    expect(sentences((await ask(null)).operation)).toEqual(['0: all: restart'])
  })

  test('that fails says what and why', async () => {
    expect((await ask('broken')).operation).toMatchObject({
      state: 'failed',
      reason: { code: 'service-failed', sentence: 'broken is not running: no such unit' },
    })
  })

  test('about what is not configured is refused, with what is', async () => {
    expect((await ask('kamailio')).operation).toMatchObject({
      state: 'refused',
      reason: { code: 'service-unknown', mend: 'name one of: lb, broken' },
    })
    expect((await ask(null, CONFIG)).operation.reason?.code).toBe('no-services')
  })
})

describe('a reload', () => {
  const ask = (reloadRefused: OperationDocument['reason'] = null) =>
    operated(
      { kind: 'reload', node: null, force: false },
      { reloadRefused, heart: () => ({ state: activeState() }) },
    )

  test('is done with what came into force', async () => {
    const { operation } = await ask()
    expect([operation.state, sentences(operation)]).toEqual([
      'done',
      ['0: lb: checks in force, its process goes on'],
    ])
  })

  test('is refused with the reason and its mend', async () => {
    const reason = { code: 'not-applied', sentence: 'lb could not be stopped', mend: 'try again' }
    expect((await ask(reason)).operation).toMatchObject({ state: 'refused', reason })
  })
})

describe('a move with services that start before it', () => {
  const LB = {
    ...{ name: 'lb', mode: 'active', early: true, essential: true, onActive: [] },
  } as unknown as PairConfig['services'][number]
  const config = { ...CONFIG, services: [LB] }
  const UP: Partial<Snapshot> = { servesInFull: true }
  const early = (own: boolean | null, peer: boolean | null): Partial<Snapshot> => ({
    early: { own, peer },
  })
  const kinds = (told: readonly ToHeart[]) =>
    told.map((message) =>
      message.type === 'announce-move' ? `announce ${message.node}` : message.type,
    )
  const asked = (told: readonly ToHeart[]) => told.some(({ type }) => type === 'ask')

  test('is asked for when they are up on the peer, and the word is taken back at its end', async () => {
    let askedAtMs = 0
    const { operation, told } = await operated(makeStandby(), {
      config,
      heart: (atMs, sofar) => {
        if (asked(sofar)) {
          askedAtMs ||= atMs
          return { state: RELEASED }
        }
        return { state: activeState(), changes: early(null, atMs < 60 ? null : atMs > 300) }
      },
    })
    expect([operation.state, kinds(told), askedAtMs]).toEqual([
      ...['done', ['announce sp2', 'ask', 'announce null'], 320],
    ])
    expect(sentences(operation)[0]).toBe('320: the services of sp2 are up, started beforehand')
  })

  test('to this node waits for its own', async () => {
    const { told, operation } = await operated(makeActive(), {
      config,
      heart: (atMs, sofar) =>
        asked(sofar)
          ? { state: activeState(), changes: UP }
          : { state: standbyState(), changes: early(atMs > 200, null) },
    })
    expect([operation.state, kinds(told)]).toEqual([
      ...['done', ['announce sp1', 'ask', 'announce null']],
    ])
  })

  test('does not wait for a peer of an earlier release, nor for ever, nor by force', async () => {
    const begunAfter = async (own: boolean | null, request: OperationRequest) => {
      let atMs = -1
      const { operation } = await operated(request, {
        config,
        heart: (nowMs, sofar) => {
          if (!asked(sofar)) return { state: standbyState(), changes: early(own, null) }
          if (atMs < 0) atMs = nowMs
          return { state: activeState() }
        },
      })
      return [atMs, operation.steps[0]?.sentence]
    }
    const firstWord = 'asked for sp1 to become active'
    expect(await begunAfter(null, makeActive())).toEqual([500, firstWord])
    expect(await begunAfter(null, makeActive(true))).toEqual([0, firstWord])
    expect(await begunAfter(false, makeActive())).toEqual([
      5_000,
      'the services of sp1 are not all up after 5000 ms: they start on while the role moves',
    ])
  })

  test('is not announced where nothing starts early', async () => {
    const { told } = await operated(makeStandby(), {
      config: { ...CONFIG, services: [{ ...LB, early: false }] },
      heart: (_, sofar) => ({ state: asked(sofar) ? RELEASED : activeState() }),
    })
    expect(kinds(told)).toEqual(['ask'])
  })

  test('is announced for a maintenance as well', async () => {
    const { told } = await operated(
      { kind: 'maintenance', on: true, node: null, force: false },
      {
        config,
        heart: (_, sofar) => ({
          state: sofar.some(({ type }) => type === 'maintenance') ? RELEASED : activeState(),
          changes: early(null, true),
        }),
      },
    )
    expect(kinds(told)).toEqual(['announce sp2', 'maintenance', 'announce null'])
  })
})
