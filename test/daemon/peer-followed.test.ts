/**
 * Goal: a server that hangs is ended only where the peer's copy followed it while it still worked.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { type PeerCopy, PeerFollowed } from '../../src/daemon/peer-followed.ts'
import { PretendStore } from '../helpers/pretend-store.ts'

const store = new PretendStore()
const FOLLOWS = { following: true, behind: 0 }
const ALONE = { following: false, behind: 0 }
let followed: PeerFollowed

beforeEach(() => {
  followed = new PeerFollowed([{ name: store.name, semiSync: false }])
})

test('a copy that followed when ours was last well has what ours had', () => {
  followed.note(store, FOLLOWS, 1_000)
  followed.note(store, FOLLOWS, 2_000)
  expect(followed.has(store, false, 9_000)).toBe(true)
})

test('a copy that stopped following while ours went on may lack anything', () => {
  followed.note(store, FOLLOWS, 1_000)
  followed.note(store, ALONE, 3_500)
  expect(followed.has(store, false, 9_000)).toBe(false)
})

test('a word that comes a look late is no reason', () => {
  followed.note(store, FOLLOWS, 1_000)
  followed.note(store, ALONE, 1_500)
  expect(followed.has(store, false, 9_000)).toBe(true)
})

test('a copy of which the peer never said that it follows does not', () => {
  followed.note(store, null, 1_000)
  expect(followed.has(store, false, 9_000)).toBe(false)
})

test('what was before this node served is no measure, and a store that never answered holds nothing', () => {
  followed.note(store, ALONE, 1_000)
  followed.forget()
  expect(followed.has(store, false, 9_000)).toBe(true)
})

describe('a store that proves, on a node that has confirmed what the peer lacks', () => {
  let proving: PeerFollowed

  beforeEach(() => {
    proving = new PeerFollowed([{ name: store.name, semiSync: true }])
  })

  /** Looks every 250 ms from 1000 on, the last one at `untilMs`. */
  const looks = (untilMs: number, peer: PeerCopy): void => {
    for (let atMs = 1_000; atMs <= untilMs; atMs += 250) proving.note(store, peer, atMs)
  }

  test('may hold more than any copy that follows, once it is silent', () => {
    looks(5_000, FOLLOWS)
    expect(proving.has(store, false, 10_000)).toBe(true)
    expect(proving.has(store, true, 10_000)).toBe(false)
  })

  test('may hold more than a copy that has not reached it', () => {
    looks(5_000, { following: true, behind: 1 })
    expect(proving.has(store, true, 5_100)).toBe(false)
    proving.note(store, FOLLOWS, 5_250)
    expect(proving.has(store, true, 5_300)).toBe(false)
  })

  test('holds no more when it answers, stands still, and the copy has reached it', () => {
    looks(2_750, FOLLOWS)
    expect(proving.has(store, true, 2_800)).toBe(false)
    looks(3_000, FOLLOWS)
    expect(proving.has(store, true, 3_300)).toBe(true)
  })

  test('is no matter of other stores', () => {
    followed.note(store, FOLLOWS, 1_000)
    expect(followed.has(store, true, 9_000)).toBe(true)
  })
})
