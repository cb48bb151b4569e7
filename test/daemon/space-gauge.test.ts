/**
 * Goal: a file system that is getting full is told in time, and the judgement does not flap.
 * Method: readings by hand, every two seconds of a clock that is a number.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { levelsOf, SpaceGauge, type SpaceReading } from '../../src/daemon/space-gauge.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const LOOK_MS = 2_000

let gauge: SpaceGauge
let nowMs: number
let totalBytes: number

beforeEach(() => {
  gauge = new SpaceGauge(null)
  nowMs = 0
  totalBytes = 100 * GIB
})

function note(freeBytes: number): SpaceReading {
  nowMs += LOOK_MS
  return gauge.note({ freeBytes, totalBytes }, nowMs)
}

/** The same, for so long; the last reading. */
function stay(freeBytes: number, forMs: number): SpaceReading {
  const endMs = nowMs + forMs
  let last = note(freeBytes)
  while (nowMs < endMs) last = note(freeBytes)
  return last
}

describe('the levels', () => {
  test('follow the size of a small file system, and are bounded on a large one', () => {
    expect([levelsOf(1 * GIB, null), levelsOf(10_000 * GIB, null)]).toEqual([
      { lowBytes: 0.15 * GIB, criticalBytes: 0.05 * GIB },
      { lowBytes: 2 * GIB, criticalBytes: 512 * MIB },
    ])
  })

  test('follow what was configured', () => {
    expect(levelsOf(1 * GIB, 100 * MIB)).toEqual({
      lowBytes: 300 * MIB,
      criticalBytes: 100 * MIB,
    })
  })
})

describe('a file system', () => {
  test('is low below the first level and critical below the second, at once', () => {
    expect([3 * GIB, 1.9 * GIB, 0.4 * GIB].map((free) => note(free).state)).toEqual([
      'enough',
      'low',
      'critical',
    ])
  })

  test('leaves a level only when clearly more is free, and has been for a minute', () => {
    note(0.4 * GIB)
    expect(stay(0.6 * GIB, 120_000).state).toBe('critical')
    expect(stay(0.8 * GIB, 60_000).state).toBe('critical')
    expect(note(0.8 * GIB).state).toBe('low')
    expect(stay(3 * GIB, 120_000).state).toBe('enough')
  })

  test('does not move the judgement there and back with a file that comes and goes', () => {
    const states = new Set<string>()
    for (let time = 0; time < 20; time += 1) {
      stay(0.4 * GIB, 4_000)
      states.add(stay(1.9 * GIB, 30_000).state)
    }
    expect([...states]).toEqual(['critical'])
  })

  test('tells when it will be full, at the rate of the last minute', () => {
    let last = note(50 * GIB)
    for (let look = 1; look <= 60; look += 1) last = note(50 * GIB - look * 2 * MIB)
    const secondsLeft = (50 * GIB - 120 * MIB) / MIB
    expect(last.state).toBe('enough')
    expect((last.fullInMs ?? 0) / 1000).toBeCloseTo(secondsLeft, -1)
  })

  test('is low when it will be full within minutes, but not before that is steady', () => {
    let free = 50 * GIB
    const states: string[] = []
    for (let look = 0; look < 30; look += 1) {
      free -= 200 * MIB
      states.push(note(free).state)
    }
    expect([states[20], states.at(-1)]).toEqual(['enough', 'low'])
  })

  test('into which much is written once is not called nearly full for that', () => {
    stay(50 * GIB, 60_000)
    const states = new Set([stay(5 * GIB, 60_000).state, note(1.9 * GIB).state])
    expect([...states, stay(1.9 * GIB, 60_000).state]).toEqual(['enough', 'low', 'low'])
  })

  test('that is low is critical when it will be full within half a minute', () => {
    const states = [1, 2, 3, 4].map((look) => note(1.9 * GIB - look * 150 * MIB).state)
    expect(states).toEqual(['low', 'low', 'low', 'critical'])
  })

  test('is not getting fuller where nothing is written or something is removed', () => {
    note(10 * GIB)
    stay(10 * GIB, 20_000)
    expect(note(11 * GIB).fullInMs).toBe(null)
  })

  test('that was enlarged, or is another one now, is judged anew', () => {
    stay(40 * GIB, 50_000)
    totalBytes = 1 * GIB
    expect(note(0.9 * GIB)).toMatchObject({ state: 'enough', fullInMs: null })
  })
})
