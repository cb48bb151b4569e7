import { describe, expect, test } from 'vitest'
import { movePlan, nodeViews, pathViews, pingViews } from '../../../src/control/page/view.ts'
import type { StatusDocument } from '../../../src/control/schema.ts'
import { UNHEARD_PEER } from '../../fixtures/control-documents.ts'
import { ACTIVE, PAIR_EXPLAIN, STANDBY } from '../../fixtures/pair-documents.ts'

function textsOf(status: StatusDocument) {
  return nodeViews(status).map(({ name, here, role, sentence, facts }) => ({
    ...{ name, here, role: role.text, sentence },
    facts: facts.map(({ text }) => text),
  }))
}

describe('the nodes', () => {
  test('stand in the same places, whichever tells', () => {
    const [sp1, sp2] = textsOf(ACTIVE)
    expect(sp1).toStrictEqual({
      name: 'sp1',
      here: true,
      role: 'Active',
      sentence: 'elected: the peer granted the lease',
      facts: [
        'active for 3 min 20 s, term 7',
        'reaches 3 of 3 ping nodes',
        'confirms each write together with the peer',
      ],
    })
    expect(sp2).toStrictEqual({
      name: 'sp2',
      here: false,
      role: 'Standby',
      sentence: 'able to take over',
      facts: ['heard by sp1, term 7', 'reaches 3 of 3 ping nodes', 'has every confirmed write'],
    })
    expect(textsOf(STANDBY).map(({ name, here, role }) => [name, here, role])).toStrictEqual([
      ['sp1', false, 'Active'],
      ['sp2', true, 'Standby'],
    ])
  })

  test('have the floating IPs where they are served, also as the standby tells it', () => {
    const places = (status: StatusDocument) =>
      nodeViews(status).map(({ addresses }) => addresses.map(({ text }) => text))
    expect(places(ACTIVE)).toStrictEqual([['10.0.0.50/24, answered', 'fd00::50/64, answered'], []])
    expect(places(STANDBY)).toStrictEqual([['10.0.0.50/24', 'fd00::50/64'], []])
  })

  test('show the lease of the one that serves, or the promise of the one that tells', () => {
    const bars = (status: StatusDocument) => nodeViews(status).map(({ bar }) => bar)
    expect(bars(ACTIVE)).toStrictEqual([{ title: 'Lease', leftMs: 82.4, wholeMs: 100 }, null])
    expect(bars(STANDBY)[1]).toStrictEqual({
      title: 'Stands back',
      leftMs: 121.3,
      wholeMs: 140,
    })
  })

  test('say nothing of a silent peer but since when', () => {
    const peer = { ...ACTIVE.peer, heard: false, lastHeardMsAgo: 42_400 }
    expect(textsOf({ ...ACTIVE, peer })[1]).toStrictEqual({
      name: 'sp2',
      here: false,
      role: 'Silent',
      sentence: 'sp1 heard it last 42 s ago',
      facts: [],
    })
    const never = textsOf({ ...ACTIVE, peer: UNHEARD_PEER })[1]
    expect(never?.sentence).toBe('sp1 has not heard it since its agent started')
  })

  test('say what keeps them from serving', () => {
    const local = { ...ACTIVE.local, able: false, unhealthyReasons: ['lb failed 4 times'] }
    const [us] = nodeViews({ ...ACTIVE, local, majority: false, score: 1 })
    expect(us.facts.filter(({ tone }) => tone === 'bad').map(({ text }) => text)).toStrictEqual([
      'reaches 1 of 3 ping nodes, no majority',
      'not able to serve',
      'lb failed 4 times',
    ])
    const peer = { ...ACTIVE.peer, maintenance: true, able: false }
    const [, them] = nodeViews({ ...ACTIVE, peer })
    expect(them.sentence).toBe('')
    expect(them.facts.map(({ text }) => text)).toContain('in maintenance')
  })
})

test('paths and ping nodes have a sign beside their colour', () => {
  const [first, second, ...rest] = ACTIVE.paths
  const paths = pathViews({
    ...ACTIVE,
    paths: [
      { ...first!, state: 'lossy', lossRatio: 0.1254 },
      { ...second!, state: 'no-carrier', roundTripMs: null, lossRatio: 1 },
      ...rest,
    ],
  })
  expect(paths.slice(0, 3).map(({ name, sign, figures }) => [name, sign, figures])).toStrictEqual([
    ['crosslink', '◐', '12.5 % lost, 0.2 ms'],
    ['lan', '○', '100 % lost'],
    ['reflected by 10.0.0.251', '●', '0 % lost, 0.6 ms'],
  ])
  expect(pingViews(ACTIVE)[0]?.more).toBe('reflects heartbeats, named by config')
})

describe('the plan of a move', () => {
  test('names both nodes, and what is known of the data', () => {
    const plan = movePlan(ACTIVE, PAIR_EXPLAIN)
    expect(plan.question).toBe('sp1 stops serving and sp2 becomes active.')
    expect(plan.data.map(({ text }) => text)).toStrictEqual([
      'redis: the other copy is 412 B behind; writes are held until it has everything',
      'mariadb: the other copy has everything',
    ])
  })

  test('does not know more of the data than was told', () => {
    const [redis, mariadb] = ACTIVE.stores
    const stores = [
      { ...redis!, peer: null },
      { ...mariadb!, sick: true },
    ]
    const hazards = [{ store: 'mariadb', sentence: 'a long statement runs' }]
    const { data } = movePlan({ ...ACTIVE, stores }, { ...PAIR_EXPLAIN, hazards })
    expect(data.map(({ tone }) => tone)).toStrictEqual(['warn', 'bad', 'warn'])
  })
})
