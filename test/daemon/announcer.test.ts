// When an address is announced, to the millisecond; fake timers.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Announcer, BURST_MS, REFRESH_MS } from '../../src/daemon/announcer.ts'

let startMs = 0
const sinceStart = (): number => Date.now() - startMs
let announcedMs: number[] = []
let announcer: Announcer

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  startMs = Date.now()
  announcedMs = []
  announcer = new Announcer(() => announcedMs.push(sinceStart()), sinceStart)
})
afterEach(() => {
  vi.useRealTimers()
})

test('a burst is told at once, soon again, and then again and again for as long as it lasts', () => {
  announcer.burst()
  expect(announcedMs).toEqual([0])
  vi.advanceTimersByTime(5_000 + 2 * REFRESH_MS)
  expect(announcedMs).toEqual([...BURST_MS, 35_000, 65_000])
  expect(announcer.lastMs).toBe(65_000)
})

test('nothing was announced before the first burst', () => {
  expect(announcer.lastMs).toBeNull()
  vi.advanceTimersByTime(REFRESH_MS)
  expect(announcedMs).toEqual([])
})

test('a second burst begins anew, but not within 100 ms of the first', () => {
  announcer.burst()
  vi.advanceTimersByTime(60)
  announcer.burst()
  expect(announcedMs).toEqual([0, 5, 20, 50])
  vi.advanceTimersByTime(60)
  announcer.burst()
  vi.advanceTimersByTime(100)
  expect(announcedMs).toEqual([0, 5, 20, 50, 100, 120, 125, 140, 170, 220])
})

test('a stop is the end, and a burst right after it is a beginning', () => {
  announcer.burst()
  announcer.stop()
  vi.advanceTimersByTime(REFRESH_MS)
  expect(announcedMs).toEqual([0])
  announcer.burst()
  announcer.stop()
  announcer.burst()
  expect(announcedMs).toEqual([0, REFRESH_MS, REFRESH_MS])
  announcer.stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('an announcement that comes late does not push back the others', () => {
  let lateMs = 0
  const late = new Announcer(
    () => announcedMs.push(sinceStart() + lateMs),
    () => sinceStart() + lateMs,
  )
  late.burst()
  // The process was stopped: everything that was due comes at once, the rest in its time.
  lateMs = 60
  vi.advanceTimersByTime(150)
  expect(announcedMs).toEqual([0, 65, 66, 67, 100, 200])
})
