/**
 * Goal: every reason against serving is known in words, and a full disk is none where nobody else serves.
 */
import { beforeEach, expect, test } from 'vitest'
import { StoreFitness } from '../../src/daemon/store-fitness.ts'
import type { StoreSpace } from '../../src/daemon/store-space.ts'
import { PretendStore } from '../helpers/pretend-store.ts'

const SPACE: StoreSpace = {
  ...{ directory: '/data', freeBytes: 1, totalBytes: 100, lowBytes: 15, criticalBytes: 5 },
  ...{ state: 'critical', fullInMs: null },
}
const store = new PretendStore('redis')

let told: (readonly string[])[]
let fitness: StoreFitness

beforeEach(() => {
  told = []
  fitness = new StoreFitness((whys) => told.push(whys))
})

test('a reason is told when it comes and when it goes, and only then', () => {
  fitness.noteSick(store, true)
  fitness.noteSick(store, true)
  fitness.set('other', 'the data is older')
  fitness.noteSick(store, false)
  expect(told).toEqual([
    ['store redis does not do its work'],
    ['store redis does not do its work', 'the data is older'],
    ['the data is older'],
  ])
})

test('a full disk counts while this node or the other one serves, and not while nobody does', () => {
  fitness.noteSpace(store, SPACE)
  expect(told).toEqual([])
  fitness.noteAlone(false)
  fitness.noteAlone(true)
  fitness.noteAlone(false)
  fitness.noteSpace(store, { ...SPACE, state: 'low' })
  const full = ['store redis: /data is nearly full']
  expect(told).toEqual([full, [], full, []])
})
