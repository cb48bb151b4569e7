// Which neighbour entry is kept alive, and that nothing of it can end the agent.
import { expect, test } from 'vitest'
import { keepNeighbour, type NeighbourDoor } from '../../src/daemon/neighbour-keeper.ts'
import type { LinkState } from '../../src/system/add-on.ts'
import { CONFIG } from '../helpers/snapshot-case.ts'

const [PATH] = CONFIG.paths
const LINK: LinkState = {
  index: 4,
  mac: '02:00:5e:00:00:01',
  ethernet: true,
  up: true,
  carrier: true,
  mtu: 1500,
}

function kept(door: Partial<NeighbourDoor>) {
  const confirmed: unknown[] = []
  const said: string[] = []
  if (PATH === undefined) throw new Error('no path')
  keepNeighbour(
    PATH,
    {
      linkState: (name) => (name === 'eth1' ? LINK : null),
      neighbourConfirm: (...entry) => confirmed.push(entry) > 0,
      ...door,
    },
    (sentence) => said.push(sentence),
  )
  return { confirmed, said }
}

test("the peer's entry on the path's interface is confirmed", () => {
  expect(kept({})).toEqual({ confirmed: [[4, 4, '192.168.255.252']], said: [] })
})

test('without an interface, or on one without neighbours, nothing is done', () => {
  expect(kept({ linkState: () => null })).toEqual({ confirmed: [], said: [] })
  expect(kept({ linkState: () => ({ ...LINK, ethernet: false }) })).toEqual({
    confirmed: [],
    said: [],
  })
})

test('an entry that is not there is no trouble', () => {
  expect(kept({ neighbourConfirm: () => false })).toEqual({ confirmed: [], said: [] })
})

test('what the kernel refuses is said, with path and address', () => {
  const refuse = (): never => {
    throw new Error('Operation not permitted')
  }
  const said = ['neighbour 192.168.255.252 on eth1: Operation not permitted']
  expect(kept({ neighbourConfirm: refuse })).toEqual({ confirmed: [], said })
  expect(kept({ linkState: refuse })).toEqual({ confirmed: [], said })
})
