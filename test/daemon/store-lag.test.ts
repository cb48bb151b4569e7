/**
 * Goal: a node whose stores did not follow since the peer began to serve says so, for as long as the peer
 * can be asked, and not for every link that breaks.
 */
import { beforeEach, expect, test } from 'vitest'
import { StoreLag } from '../../src/daemon/store-lag.ts'

const TAKES = { heard: true, serves: true, takesWrites: true }
const SERVES = { heard: true, serves: true, takesWrites: false }
const TALKS = { heard: true, serves: false, takesWrites: false }
const SILENT = { heard: false, serves: false, takesWrites: false }

let lag: StoreLag
let lagging: Map<string, string>

beforeEach(() => {
  lagging = new Map()
  lag = new StoreLag(['redis', 'mariadb'], (name, why) => {
    if (why === null) expect(lagging.delete(name)).toBe(true)
    else lagging.set(name, why)
  })
})

const names = (): string[] => [...lagging.keys()]

test('each store lags from the moment the peer takes writes until it is seen to follow', () => {
  lag.peer(TALKS, true)
  lag.peer(SERVES, true)
  expect(names()).toEqual([])
  lag.peer(TAKES, true)
  expect(names()).toEqual(['redis', 'mariadb'])
  expect(lagging.get('redis')).toBe('store redis has not followed the peer since that took writes')
  lag.looked('redis', true)
  expect(names()).toEqual(['mariadb'])
  lag.looked('mariadb', true)
  expect(names()).toEqual([])
})

test('a peer that serves no longer and is heard leaves the lag as it is', () => {
  lag.peer(TAKES, true)
  lag.peer(TALKS, true)
  // Of nobody who serves: what it follows is no proof.
  lag.looked('redis', true)
  expect(names()).toEqual(['redis', 'mariadb'])
})

test('a peer that is silent can give nothing more, so nothing lags', () => {
  lag.peer(TAKES, true)
  lag.peer(SILENT, true)
  expect(names()).toEqual([])
})

test('a peer that serves again must be followed again', () => {
  lag.peer(TAKES, true)
  lag.looked('redis', true)
  lag.looked('mariadb', true)
  lag.peer(TAKES, true)
  expect(names()).toEqual([])
  lag.looked('redis', false)
  lag.looked('mariadb', false)
  expect(names()).toEqual([])
  lag.peer(TALKS, true)
  lag.peer(TAKES, true)
  expect(names()).toEqual(['redis', 'mariadb'])
})

test('a store that follows already when the peer begins to take writes does not lag', () => {
  lag.peer(SERVES, true)
  lag.looked('redis', true)
  lag.peer(TAKES, true)
  expect(names()).toEqual(['mariadb'])
})

test('a node that serves lags behind nobody', () => {
  lag.peer(TAKES, false)
  expect(names()).toEqual([])
  lag.peer(TALKS, true)
  lag.peer(TAKES, true)
  lag.weServe()
  expect(names()).toEqual([])
})
