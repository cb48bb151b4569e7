// What is remembered of late beats: the worst ever, the worst of a minute that moves on, the pauses.
import { describe, expect, test } from 'vitest'
import { Lateness } from '../../src/daemon/lateness.ts'

const H = 20
const GAP_MS = 2 * H

/** Beats every H from `fromMs`; `late` says by how much, by the time at which a beat is due. */
function beats(
  lateness: Lateness,
  {
    fromMs,
    untilMs,
    late = {},
  }: { fromMs: number; untilMs: number; late?: Record<number, number> },
): Lateness {
  for (let dueMs = fromMs; dueMs <= untilMs; dueMs += H) {
    const lateMs = late[dueMs] ?? 0
    lateness.note(lateMs, dueMs + lateMs)
  }
  return lateness
}

describe('late beats', () => {
  test('that never were leave nothing to tell', () => {
    const lateness = beats(new Lateness(GAP_MS), { fromMs: 0, untilMs: 2_000 })
    expect(lateness.report(2_000)).toEqual({ worst: null, lastMinuteMs: 0, pauses: 0 })
  })

  test('the worst ever stays with its time, the worst of the last minute goes with the minute', () => {
    const late = { 1000: 15, 30000: 9, 30020: 3 }
    const lateness = beats(new Lateness(GAP_MS), { fromMs: 0, untilMs: 200_000, late })
    const worst = { ms: 15, atMs: 1_015 }
    const at = (nowMs: number) => {
      const then = beats(new Lateness(GAP_MS), { fromMs: 0, untilMs: nowMs, late })
      return then.report(nowMs)
    }
    expect(at(59_000)).toEqual({ worst, lastMinuteMs: 15, pauses: 0 })
    expect(at(61_000)).toEqual({ worst, lastMinuteMs: 9, pauses: 0 })
    expect(at(89_000)).toEqual({ worst, lastMinuteMs: 9, pauses: 0 })
    expect(at(91_000)).toEqual({ worst, lastMinuteMs: 0, pauses: 0 })
    expect(lateness.report(200_000)).toEqual({ worst, lastMinuteMs: 0, pauses: 0 })
  })

  test('are forgotten after a minute although no beat came since', () => {
    const lateness = beats(new Lateness(GAP_MS), { fromMs: 0, untilMs: 20, late: { 20: 7 } })
    expect(lateness.report(59_000).lastMinuteMs).toBe(7)
    expect(lateness.report(61_000).lastMinuteMs).toBe(0)
  })
})

describe('a pause', () => {
  test('is one standstill longer than the gap rule allows, however many beats it swallowed', () => {
    const lateness = beats(new Lateness(GAP_MS), { fromMs: 0, untilMs: 1_000 })
    // Due at 1020, came at 1420: twenty beats were swallowed.
    lateness.note(400, 1_420)
    beats(lateness, { fromMs: 1_440, untilMs: 2_000 })
    expect(lateness.report(2_000)).toEqual({
      worst: { ms: 400, atMs: 1_420 },
      lastMinuteMs: 400,
      pauses: 1,
    })
  })

  test('is none at exactly the gap that the rule allows', () => {
    const lateness = new Lateness(GAP_MS)
    lateness.note(0, 0)
    lateness.note(H, GAP_MS)
    expect(lateness.report(GAP_MS).pauses).toBe(0)
    lateness.note(H + 1, 2 * GAP_MS + 1)
    expect(lateness.report(2 * GAP_MS).pauses).toBe(1)
  })
})
