// For whom the floating IPs are kept alive: a heart that beats and wants them, at every H that may be
// configured. Looks every 200 ms, as the hands do.
import { describe, expect, test } from 'vitest'
import { AddressKeeping } from '../../src/daemon/address-keeping.ts'

const LOOK_MS = 200

/** Looks at a heart that beats every `heartbeatMs` from 0 until `beatsUntilMs`. */
function looksAt(
  heartbeatMs: number,
  {
    untilMs,
    beatsUntilMs = untilMs,
    wanted,
    keeping = new AddressKeeping(LOOK_MS, heartbeatMs),
  }: {
    untilMs: number
    beatsUntilMs?: number
    wanted: boolean
    keeping?: AddressKeeping
  },
): boolean[] {
  const kept: boolean[] = []
  for (let nowMs = LOOK_MS; nowMs <= untilMs; nowMs += LOOK_MS) {
    const beat = Math.floor(Math.min(nowMs, beatsUntilMs) / heartbeatMs)
    kept.push(keeping.look(nowMs, beat, wanted))
  }
  return kept
}

describe.each([20, 100, 250, 1_000, 5_000])('with a heartbeat every %i ms', (heartbeatMs) => {
  test('they are kept without a break once the heart was seen to beat', () => {
    const kept = looksAt(heartbeatMs, { untilMs: 5 * heartbeatMs + 2_000, wanted: true })
    const first = kept.indexOf(true)
    expect(first).toBeLessThanOrEqual(Math.ceil(heartbeatMs / LOOK_MS) + 1)
    expect(kept.slice(first)).toEqual(kept.slice(first).map(() => true))
  })

  test('a heart that stopped beating is found out within a look and 1.5 H', () => {
    const beatsUntilMs = 4 * heartbeatMs + 2_000
    const kept = looksAt(heartbeatMs, { untilMs: 2 * beatsUntilMs, beatsUntilMs, wanted: true })
    const lastMs = (kept.lastIndexOf(true) + 1) * LOOK_MS
    expect(lastMs).toBeLessThanOrEqual(beatsUntilMs + 1.5 * heartbeatMs + LOOK_MS)
  })

  test('what was asked for is still there at the next tick, when it is wanted', () => {
    const keeping = new AddressKeeping(LOOK_MS, heartbeatMs)
    // The heart asks right after a look, at a tick, and comes again after H.
    const fromMs = Math.ceil((4 * heartbeatMs) / LOOK_MS) * LOOK_MS
    looksAt(heartbeatMs, { untilMs: fromMs, wanted: false, keeping })
    keeping.noteAdded(fromMs + 1)
    const kept: boolean[] = []
    for (let nowMs = fromMs + LOOK_MS; nowMs <= fromMs + heartbeatMs; nowMs += LOOK_MS) {
      kept.push(keeping.look(nowMs, Math.floor(nowMs / heartbeatMs), false))
    }
    expect(kept).toEqual(kept.map(() => true))
  })
})

test('what nobody wants goes after a moment, and at once when it was taken off', () => {
  const keeping = new AddressKeeping(LOOK_MS, 250)
  looksAt(250, { untilMs: 2_000, wanted: false, keeping })
  keeping.noteAdded(2_001)
  expect(keeping.look(2_200, 8, false)).toBe(true)
  expect(keeping.look(2_400, 9, false)).toBe(true)
  expect(keeping.look(2_600, 10, false)).toBe(false)
  keeping.noteAdded(2_601)
  keeping.noteRemoved()
  expect(keeping.look(2_800, 11, false)).toBe(false)
})

test('after a stop of the whole process, beats of before it keep nothing alive', () => {
  const keeping = new AddressKeeping(LOOK_MS, 20)
  looksAt(20, { untilMs: 1_000, wanted: true, keeping })
  // The last beats before the stop were not seen yet.
  expect(keeping.look(4_000, 60, true)).toBe(false)
  expect(keeping.look(4_200, 60, true)).toBe(false)
  expect(keeping.look(4_400, 61, true)).toBe(true)
})
