/**
 * Goal: a server that hangs is ended only where the peer's copy followed it while it still worked.
 */
import { beforeEach, expect, test } from 'vitest'
import { PeerFollowed } from '../../src/daemon/peer-followed.ts'
import { PretendStore } from '../helpers/pretend-store.ts'

const store = new PretendStore()
let followed: PeerFollowed

beforeEach(() => {
  followed = new PeerFollowed()
})

test('a copy that followed when ours was last well has what ours had', () => {
  followed.note(store, true, 1_000)
  followed.note(store, true, 2_000)
  expect(followed.has(store)).toBe(true)
})

test('a copy that stopped following while ours went on may lack anything', () => {
  followed.note(store, true, 1_000)
  followed.note(store, false, 3_500)
  expect(followed.has(store)).toBe(false)
})

test('a word that comes a look late is no reason', () => {
  followed.note(store, true, 1_000)
  followed.note(store, false, 1_500)
  expect(followed.has(store)).toBe(true)
})

test('a copy of which the peer never said that it follows does not', () => {
  followed.note(store, null, 1_000)
  expect(followed.has(store)).toBe(false)
})

test('what was before this node served is no measure, and a store that never answered holds nothing', () => {
  followed.note(store, false, 1_000)
  followed.forget()
  expect(followed.has(store)).toBe(true)
})
