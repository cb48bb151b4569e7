import { describe, expect, it } from 'vitest'
import { PathStats, summarise } from '../../src/links/path-stats.ts'

const INTERVAL_MS = 100

/** Heartbeats of these numbers, one each interval from 10 s on. */
function hearing(numbers: readonly number[], boot = 'a'): { stats: PathStats; nowMs: number } {
  const stats = new PathStats(INTERVAL_MS)
  let nowMs = 10_000
  for (const number of numbers) {
    stats.noteAccepted(boot, number, nowMs)
    nowMs += INTERVAL_MS
  }
  return { stats, nowMs: nowMs - INTERVAL_MS }
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('loss on a path', () => {
  it('is unknown before anything was heard', () => {
    expect(new PathStats(INTERVAL_MS).report(99_000).lossRatio).toBeNull()
  })

  it('is zero when every number came', () => {
    const { stats, nowMs } = hearing(range(500, 530))
    expect(stats.report(nowMs).lossRatio).toBe(0)
  })

  it('is the share of the numbers that are missing', () => {
    const { stats, nowMs } = hearing(range(1, 40).filter((number) => number % 4 !== 2))
    expect(stats.report(nowMs).lossRatio).toBeCloseTo(0.25, 5)
  })

  it('does not count a number that was only overtaken', () => {
    const { stats, nowMs } = hearing([1, 2, 5, 3, 4, 6])
    expect(stats.report(nowMs).lossRatio).toBe(0)
    expect(stats.report(nowMs).repeated).toBe(0)
  })

  it('does not fall because datagrams come twice', () => {
    const { stats, nowMs } = hearing([1, 3, 3, 3, 5, 1])
    expect(stats.report(nowMs)).toMatchObject({ accepted: 6, repeated: 3, lossRatio: 0.4 })
  })

  it('rises to one while nothing comes, and does not before two intervals', () => {
    const { stats, nowMs } = hearing(range(1, 10))
    expect(stats.report(nowMs + 2 * INTERVAL_MS).lossRatio).toBe(0)
    expect(stats.report(nowMs + 12 * INTERVAL_MS).lossRatio).toBeCloseTo(0.5, 5)
    expect(stats.report(nowMs + 20_000).lossRatio).toBe(1)
  })

  it('is forgotten after five seconds', () => {
    const { stats } = hearing([1, 11])
    let nowMs = 12_000
    for (const number of range(12, 80)) {
      stats.noteAccepted('a', number, nowMs)
      nowMs += INTERVAL_MS
    }
    expect(stats.report(nowMs).lossRatio).toBe(0)
  })

  it('begins anew with a new start of the peer', () => {
    const { stats, nowMs } = hearing(range(1000, 1010))
    stats.noteAccepted('b', 1, nowMs + INTERVAL_MS)
    stats.noteAccepted('b', 2, nowMs + 2 * INTERVAL_MS)
    expect(stats.report(nowMs + 2 * INTERVAL_MS).lossRatio).toBe(0)
  })

  it('weighs a hole of hours no more than the five seconds it is told over', () => {
    const { stats } = hearing([1])
    stats.noteAccepted('a', 50_000, 5_000_000)
    for (const number of range(50_001, 50_050))
      stats.noteAccepted('a', number, 5_000_000 + (number - 50_000))
    expect(stats.report(5_000_050).lossRatio).toBeCloseTo(49 / 100, 5)
  })
})

describe('the counts of a path', () => {
  it('say what was sent, what came and why some of it was ignored', () => {
    const stats = new PathStats(INTERVAL_MS)
    stats.noteSent()
    stats.noteSent()
    stats.noteSendError()
    stats.noteReopened()
    stats.noteRejected('magic')
    stats.noteRejected('hmac')
    stats.noteRejected('magic')
    expect(stats.noteAccepted('a', 7, 1000)).toBe(true)
    expect(stats.noteAccepted('a', 7, 1001)).toBe(false)
    stats.noteRoundTrip(2)
    stats.noteRoundTrip(9)
    stats.noteRoundTrip(3)
    expect(stats.report(1001)).toEqual({
      sent: 2,
      sendErrors: 1,
      received: 5,
      accepted: 2,
      repeated: 1,
      rejected: { short: 0, magic: 2, version: 0, length: 0, key: 0, hmac: 1, field: 0 },
      reopened: 1,
      lastHeardMs: 1001,
      lossRatio: 0,
      roundTrip: { medianMs: 3, minMs: 2, maxMs: 9 },
    })
  })

  it('tell the round trip of the last 64 only', () => {
    const stats = new PathStats(INTERVAL_MS)
    stats.noteRoundTrip(500)
    for (let count = 0; count < 64; count += 1) stats.noteRoundTrip(count)
    expect(stats.report(0).roundTrip).toEqual({ medianMs: 32, minMs: 0, maxMs: 63 })
    expect(summarise([])).toBeNull()
  })
})
