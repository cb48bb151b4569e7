// What is waited for while the agent ends: until it is done, however it ends, and never past the limit.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { inTime } from '../../src/daemon/in-time.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what ends, well or not, ended in time, and no timer is left', async () => {
  expect(await inTime(Promise.resolve('anything'), 500)).toBe(true)
  expect(await inTime(Promise.reject(new Error('EIO')), 500)).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
})

test('what hangs is left alone at the limit and not before', async () => {
  const told: boolean[] = []
  void inTime(new Promise(() => {}), 500).then((ended) => told.push(ended))
  await vi.advanceTimersByTimeAsync(499)
  expect(told).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(told).toEqual([false])
})

test('what fails after the limit is nobody’s unhandled rejection', async () => {
  const rejections: unknown[] = []
  const note = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', note)
  const late = new Promise((_resolve, reject) => setTimeout(() => reject(new Error('EIO')), 600))
  const ended = inTime(late, 500)
  await vi.advanceTimersByTimeAsync(700)
  expect([await ended, rejections]).toEqual([false, []])
  process.off('unhandledRejection', note)
})
