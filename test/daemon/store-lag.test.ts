/**
 * Goal: a node whose stores did not follow since the peer began to serve says so, for as long as the peer
 * can be asked, and not for every link that breaks.
 */
import { beforeEach, expect, test } from 'vitest'
import { StoreLag } from '../../src/daemon/store-lag.ts'

const SERVES = { heard: true, serves: true }
const TALKS = { heard: true, serves: false }
const SILENT = { heard: false, serves: false }

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

test('each store lags from the moment the peer serves until it is seen to follow', () => {
  lag.peer(TALKS, true)
  expect(names()).toEqual([])
  lag.peer(SERVES, true)
  expect(names()).toEqual(['redis', 'mariadb'])
  expect(lagging.get('redis')).toBe(
    'store redis has not followed the peer since that began to serve',
  )
  lag.followed('redis')
  expect(names()).toEqual(['mariadb'])
  lag.followed('mariadb')
  expect(names()).toEqual([])
})

test('a peer that serves no longer and is heard leaves the lag as it is', () => {
  lag.peer(SERVES, true)
  lag.peer(TALKS, true)
  // Of nobody who serves: what it follows is no proof.
  lag.followed('redis')
  expect(names()).toEqual(['redis', 'mariadb'])
})

test('a peer that is silent can give nothing more, so nothing lags', () => {
  lag.peer(SERVES, true)
  lag.peer(SILENT, true)
  expect(names()).toEqual([])
})

test('a peer that serves again must be followed again', () => {
  lag.peer(SERVES, true)
  lag.followed('redis')
  lag.followed('mariadb')
  lag.peer(SERVES, true)
  expect(names()).toEqual([])
  lag.peer(TALKS, true)
  lag.peer(SERVES, true)
  expect(names()).toEqual(['redis', 'mariadb'])
})

test('a node that serves lags behind nobody', () => {
  lag.peer(SERVES, false)
  expect(names()).toEqual([])
  lag.peer(TALKS, true)
  lag.peer(SERVES, true)
  lag.weServe()
  expect(names()).toEqual([])
})
