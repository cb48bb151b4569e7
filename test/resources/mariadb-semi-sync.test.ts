/**
 * Goal: a write is held back for the peer exactly where it is to be, and it is noticed when it is not.
 * Method: a stand-in for the server that writes down its statements; looks by hand.
 */
import { describe, expect, it } from 'vitest'
import type { Asks } from '../../src/resources/mariadb-door.ts'
import { SemiSync, type SemiSyncStatus } from '../../src/resources/mariadb-semi-sync.ts'
import { Limit } from '../../src/resources/store-result.ts'

const ENABLE = [
  'SET GLOBAL rpl_semi_sync_master_timeout=1500',
  'SET GLOBAL rpl_semi_sync_master_enabled=1',
]
const DISABLE = 'SET GLOBAL rpl_semi_sync_master_enabled=0'
const OPEN = 'SET GLOBAL read_only=0'

function server(readOnly: boolean) {
  const said: string[] = []
  let closed = readOnly
  const act: Asks = {
    async ask(sql) {
      if (sql.startsWith('SELECT')) return { rows: [{ ro: closed ? '1' : '0' }], affected: 0 }
      said.push(sql)
      if (sql === OPEN) closed = false
      return { rows: [], affected: 0 }
    },
  }
  return { said, semiSync: new SemiSync(act, 1499.6) }
}

const limit = new Limit(60_000)

describe('an order to wait for the peer', () => {
  it('is carried out at once on a server that takes writes', async () => {
    const { said, semiSync } = server(false)
    await semiSync.order(false, limit)
    expect(said).toEqual(ENABLE)
  })

  it('takes force with the promotion of one that is read-only, before the first write', async () => {
    const { said, semiSync } = server(true)
    await semiSync.order(false, limit)
    expect(said).toEqual([])
    await semiSync.promote(limit)
    expect(said).toEqual([...ENABLE, OPEN])
  })

  it('is void when another came before the promotion', async () => {
    const { said, semiSync } = server(true)
    await semiSync.order(false, limit)
    await semiSync.order(true, limit)
    await semiSync.promote(limit)
    expect(said).toEqual([DISABLE, OPEN])
  })

  it('that comes during a promotion is carried out after it', async () => {
    const { said, semiSync } = server(true)
    await semiSync.order(false, limit)
    await Promise.all([semiSync.promote(limit), semiSync.order(true, limit)])
    expect(said.at(-1)).toBe(DISABLE)
  })
})

describe('the word that the peer confirms', () => {
  const on = (acknowledged: number, waiting: number): SemiSyncStatus => ({
    ...{ on: true, acknowledged, waiting },
  })

  it('is given by the second look in a row that finds it so', () => {
    const { semiSync } = server(false)
    const off = { on: false, acknowledged: 0, waiting: 0 }
    const looks = [off, on(0, 0), on(0, 0), off, on(3, 0), on(4, 0)]
    expect(looks.map((look, index) => semiSync.judge(look, index * 250))).toEqual([
      ...[false, false, true],
      ...[false, false, true],
    ])
  })

  it('holds while writers wait and the peer acknowledges, and while nobody writes', () => {
    const { semiSync } = server(false)
    const looks = [on(0, 0), on(10, 3), on(20, 3), on(30, 3), on(30, 0), on(30, 0), on(30, 1)]
    expect(looks.map((look, index) => semiSync.judge(look, index * 400))).toEqual([
      ...[false, true, true, true, true, true, true],
    ])
  })

  it('ends half a second after the peer stopped to acknowledge what somebody waits for', () => {
    const { semiSync } = server(false)
    const at = (nowMs: number, acknowledged: number, waiting: number): boolean =>
      semiSync.judge(on(acknowledged, waiting), nowMs)
    expect([at(0, 10, 0), at(250, 10, 2), at(500, 10, 8), at(749, 10, 8)]).toEqual([
      ...[false, true, true, true],
    ])
    expect([at(750, 10, 8), at(1000, 10, 8), at(1250, 11, 8)]).toEqual([false, false, true])
  })
})
