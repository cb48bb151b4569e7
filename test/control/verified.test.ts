/** Goal: what the last comparison found is in the status, and an alarm where the nodes differ. */
import { expect, it } from 'vitest'
import { verifiedTable } from '../../src/cli/verified-text.ts'
import { alarmsOf } from '../../src/control/alarm.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import type { StoreSnapshot, VerifiedSnapshot } from '../../src/control/snapshot.ts'
import { buildStatus } from '../../src/control/status.ts'
import { activeState, CONFIG, snapshotOf } from '../helpers/snapshot-case.ts'

const STORE = {
  ...{ name: 'mariadb', kind: 'mariadb', role: 'writable', offset: 7, following: false },
  ...{
    applies: true,
    backlog: null,
    confirmsTogether: true,
    sick: false,
    trouble: null,
    hazards: [],
  },
  ...{ version: '10.11', rejoin: null, peer: null, loss: null, space: null },
} as unknown as StoreSnapshot

const VERIFIED: VerifiedSnapshot = {
  finishedIso: '2026-11-21T12:00:00.000Z',
  durationMs: 41_000,
  compared: 1_000_002,
  differences: 2,
  unsettled: 0,
  sentence: '1 000 002 rows in 3 tables: 2 differences',
}

const SNAPSHOT = snapshotOf(activeState(), { stores: [STORE] })

function statusWith(verified: VerifiedSnapshot): StatusDocument {
  return buildStatus(SNAPSHOT, {
    config: CONFIG,
    version: '0',
    nowIso: '',
    isoOf: () => '',
    lastTransition: null,
    alarms: [],
    notices: [],
    drift: { compared: null, differences: [] },
    watchdog: null,
    operations: [],
    verified: new Map([['mariadb', verified]]),
    rssBytes: 0,
    pid: 1,
  })
}

it('differences are an alarm until a comparison finds none', () => {
  const differs = (verified: VerifiedSnapshot) =>
    alarmsOf(SNAPSHOT, CONFIG, new Map([['mariadb', verified]])).filter(
      ({ code }) => code === 'store-differs',
    )
  expect(differs(VERIFIED)).toEqual([
    {
      code: 'store-differs',
      about: 'mariadb',
      sentence:
        'store mariadb is not the same on both nodes, 1 000 002 rows in 3 tables: 2 differences (tandem verify mariadb --last)',
    },
  ])
  expect(differs({ ...VERIFIED, differences: 0 })).toEqual([])
})

it('the status tells the last comparison of each store, and nothing of those that had none', () => {
  const status = statusWith(VERIFIED)
  expect(status.stores[0]?.verified).toEqual(VERIFIED)
  const plain = (text: string): string => text
  expect(verifiedTable(status, plain)).toBe(
    'STORE    BOTH NODES COMPARED                        WHEN                      TOOK\n' +
      'mariadb  1 000 002 rows in 3 tables: 2 differences  2026-11-21T12:00:00.000Z  41 s\n',
  )
  const [store] = status.stores
  if (store === undefined) throw new Error('no store')
  expect(verifiedTable({ ...status, stores: [{ ...store, verified: null }] }, plain)).toBe('')
})
