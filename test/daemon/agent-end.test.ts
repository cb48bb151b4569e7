// What is said of the parts that hang while the agent ends.
import { expect, test } from 'vitest'
import { hangingOf } from '../../src/daemon/agent-end.ts'

test('an agent of which everything ended hangs in nothing', () => {
  expect(hangingOf({ hands: true, control: true, store: true })).toBeNull()
})

test('each part that did not end is named by what it waits for', () => {
  expect(hangingOf({ hands: true, control: true, store: false })).toBe(
    'the disk with the hard state',
  )
  expect(hangingOf({ hands: false, control: false, store: false })).toBe(
    'the kernel with the floating IPs and the disk with log or history and the disk with the hard state',
  )
})
