// The numbers of the three threads: each has its own place, and both sides see the same.
import { expect, test } from 'vitest'
import { SharedMemory } from '../../src/daemon/shared-memory.ts'

test('what one side writes the other reads, and no number touches another', () => {
  const heart = new SharedMemory(2)
  const hands = new SharedMemory(heart.buffer)
  const all = (memory: SharedMemory) => [
    memory.read('controlProgress'),
    memory.read('heartBeat'),
    memory.read('addressesWanted'),
    memory.read('addressesPresent'),
    memory.read('ticksDecided'),
    memory.carrierLost(0),
    memory.carrierLost(1),
  ]
  expect(all(hands)).toEqual([0, 0, 0, 0, 0, false, false])
  heart.raise('heartBeat')
  heart.raise('heartBeat')
  expect(all(hands)).toEqual([0, 2, 0, 0, 0, false, false])
  heart.write('addressesWanted', 1)
  expect(all(hands)).toEqual([0, 2, 1, 0, 0, false, false])
  hands.write('addressesPresent', 1)
  hands.noteCarrier(1, true)
  expect(all(heart)).toEqual([0, 2, 1, 1, 0, false, true])
  hands.noteCarrier(0, true)
  hands.noteCarrier(1, false)
  hands.raise('controlProgress')
  heart.raise('ticksDecided')
  expect(all(heart)).toEqual([1, 2, 1, 1, 1, true, false])
})

test('a node without interfaces to watch has room for the numbers all the same', () => {
  const memory = new SharedMemory(0)
  memory.write('addressesPresent', 1)
  expect(memory.read('addressesPresent')).toBe(1)
  expect(memory.buffer.byteLength).toBe(20)
})
