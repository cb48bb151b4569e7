/**
 * Goal: a request about a store is refused before anything begins when the role or the name does not fit,
 * with what to do; else it is followed to its end. Method: snapshots of each situation.
 */
import { describe, expect, test } from 'vitest'
import type { PairConfig, StoreConfig } from '../../src/config/config.ts'
import { dataRefusal, orderOf } from '../../src/daemon/data-operation.ts'
import type { DataOrder } from '../../src/daemon/data-orders.ts'
import type { ToHeart } from '../../src/daemon/message.ts'
import { OrderPosts } from '../../src/daemon/order-posts.ts'
import {
  activeState,
  CONFIG,
  NOW_MS,
  PEER,
  snapshotOf,
  standbyState,
} from '../helpers/snapshot-case.ts'

const STORE = { name: 'redis', kind: 'redis' } as StoreConfig
const WITH_STORE: PairConfig = { ...CONFIG, stores: [STORE] }
const ARCHIVE = { kind: 'data-archive', node: null, force: false, store: 'redis' } as const
const REJOIN = {
  kind: 'data-rejoin',
  node: null,
  force: false,
  store: 'redis',
  copy: false,
} as const
const SERVED = standbyState({ peer: { ...PEER, role: 'active', want: true }, lastHeardMs: NOW_MS })
const SILENT = standbyState({ lastHeardMs: NOW_MS - 60_000 })

describe('a request about a store', () => {
  test('is an order to the stores', () => {
    expect([orderOf(ARCHIVE), orderOf({ ...REJOIN, copy: true })]).toEqual([
      { action: 'archive', store: 'redis', copy: false },
      { action: 'rejoin', store: 'redis', copy: true },
    ])
  })

  test.each([
    { name: 'without stores', request: ARCHIVE, config: CONFIG, state: SERVED, code: 'no-stores' },
    {
      name: 'of a name that nothing has',
      request: { ...ARCHIVE, store: 'mysql' },
      config: WITH_STORE,
      state: SERVED,
      code: 'store-unknown',
    },
    {
      name: 'on the node that serves',
      request: ARCHIVE,
      config: WITH_STORE,
      state: activeState(),
      code: 'serves-here',
    },
    {
      name: 'to follow a peer that is silent',
      request: REJOIN,
      config: WITH_STORE,
      state: SILENT,
      code: 'nobody-serves',
    },
    {
      name: 'to follow a peer that does not serve',
      request: REJOIN,
      config: WITH_STORE,
      state: standbyState({ lastHeardMs: NOW_MS, peer: { ...PEER, role: 'standby', want: false } }),
      code: 'nobody-serves',
    },
    {
      name: 'to set aside while the peer is silent',
      request: ARCHIVE,
      config: WITH_STORE,
      state: SILENT,
      code: null,
    },
    {
      name: 'to follow a peer that serves',
      request: REJOIN,
      config: WITH_STORE,
      state: SERVED,
      code: null,
    },
  ])('$name is judged', ({ request, config, state, code }) => {
    const refusal = dataRefusal(request, snapshotOf(state), config)
    expect(refusal?.code ?? null).toBe(code)
    if (refusal !== null) expect(refusal.mend).not.toBe('')
  })

  test('is followed by its own id to its end, whatever comes of others', async () => {
    const sent: ToHeart[] = []
    const steps: string[] = []
    const posts = new OrderPosts<DataOrder>((id, order) => sent.push({ type: 'data', id, order }))
    const first = posts.send(orderOf(REJOIN), (sentence) => steps.push(`first ${sentence}`))
    const second = posts.send(orderOf(ARCHIVE), (sentence) => steps.push(`second ${sentence}`))
    expect(sent).toEqual([
      { type: 'data', id: 1, order: orderOf(REJOIN) },
      { type: 'data', id: 2, order: orderOf(ARCHIVE) },
    ])
    posts.hear(2, { type: 'step', sentence: 'saved' })
    posts.hear(1, { type: 'step', sentence: 'compared' })
    posts.hear(2, { type: 'end', failed: null })
    posts.hear(2, { type: 'step', sentence: 'late' })
    posts.hear(1, { type: 'end', failed: 'no room' })
    posts.hear(99, { type: 'end', failed: null })
    expect([await first, await second]).toEqual(['no room', null])
    expect(steps).toEqual(['second saved', 'first compared'])
  })
})
