// Ticks aim at absolute times: no drift, no bursts after a stop. Fake timers; the clock is moved apart
// from them where the process was stopped.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Pulse, type PulseReport } from '../../src/daemon/pulse.ts'

const INTERVAL_MS = 20
let stoppedMs = 0
let startMs = 0
const sinceStart = (): number => Date.now() - startMs + stoppedMs

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'],
  })
  stoppedMs = 0
  startMs = Date.now()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A pulse with all of its beats; an immediate takes a millisecond under fake timers. */
function started(clock: () => number = sinceStart) {
  const beats: ({ atMs: number } & PulseReport)[] = []
  const pulse = new Pulse(INTERVAL_MS, clock, (report) =>
    beats.push({ atMs: sinceStart() - 1, ...report }),
  )
  pulse.start()
  return { pulse, beats }
}

test('the first beat comes after one interval, and none is early, late or missed', () => {
  const { beats } = started()
  vi.advanceTimersByTime(3 * INTERVAL_MS + 1)
  expect(beats).toEqual([
    { atMs: 20, lateMs: 0, missed: 0 },
    { atMs: 40, lateMs: 0, missed: 0 },
    { atMs: 60, lateMs: 0, missed: 0 },
  ])
})

test('what comes late once does not move the beats after it', () => {
  const { beats } = started()
  vi.advanceTimersByTime(15)
  stoppedMs += 12
  vi.advanceTimersByTime(40)
  expect(beats).toEqual([
    { atMs: 32, lateMs: 12, missed: 0 },
    { atMs: 40, lateMs: 0, missed: 0 },
    { atMs: 60, lateMs: 0, missed: 0 },
  ])
})

test('after a stop there is one beat that counts what was missed, and no burst', () => {
  const { beats } = started()
  vi.advanceTimersByTime(25)
  stoppedMs += 3_000
  vi.advanceTimersByTime(40)
  // Due at 40, fired at 3040: 150 intervals later, and on the grid again.
  expect(beats).toEqual([
    { atMs: 20, lateMs: 0, missed: 0 },
    { atMs: 3_040, lateMs: 3_000, missed: 150 },
    { atMs: 3_060, lateMs: 0, missed: 0 },
  ])
})

test('a timer that fires a fraction early counts as on time', () => {
  // The clock is behind the timers by 0.4 ms when they fire.
  const { beats } = started(() => sinceStart() - (sinceStart() > 0 ? 0.4 : 0))
  vi.advanceTimersByTime(2 * INTERVAL_MS + 1)
  expect(beats.map(({ lateMs, missed }) => [lateMs, missed])).toEqual([
    [0, 0],
    [0, 0],
  ])
})

test('what waits in the sockets is read before the beat', () => {
  const order: string[] = []
  const pulse = new Pulse(INTERVAL_MS, sinceStart, () => order.push('beat'))
  pulse.start()
  // The event loop polls its sockets between timers and immediates.
  setTimeout(() => setImmediate(() => order.push('after')), INTERVAL_MS)
  setTimeout(() => order.push('timer'), INTERVAL_MS)
  vi.advanceTimersByTime(INTERVAL_MS + 1)
  expect(order).toEqual(['timer', 'beat', 'after'])
})

test('a stop ends it, also between timer and beat', () => {
  const { pulse, beats } = started()
  vi.advanceTimersByTime(INTERVAL_MS)
  pulse.stop()
  vi.advanceTimersByTime(1_000)
  expect(beats).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
