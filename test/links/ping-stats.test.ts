import { describe, expect, it } from 'vitest'
import { PingStats } from '../../src/links/ping-stats.ts'

describe('what is told of a ping node', () => {
  it('is nothing but "never answered" before the first round ended', () => {
    expect(new PingStats().report()).toEqual({
      state: 'never-answered',
      lossRatio: null,
      repeatRatio: null,
      roundTrip: null,
      lastAnsweredMs: null,
    })
  })

  it('stays "never answered" however often it was asked', () => {
    const stats = new PingStats()
    for (let round = 0; round < 10; round += 1) stats.noteMissed()
    expect(stats.report()).toMatchObject({ state: 'never-answered', lossRatio: 1 })
  })

  it('is silent after three missed rounds in a row, not after two', () => {
    const stats = new PingStats()
    stats.noteAnswered(1, false, 100)
    stats.noteMissed()
    stats.noteMissed()
    expect(stats.report().state).toBe('answering')
    stats.noteMissed()
    expect(stats.report().state).toBe('silent')
    stats.noteAnswered(1, true, 500)
    expect(stats.report()).toMatchObject({ state: 'answering', lastAnsweredMs: 500 })
  })

  it('takes the round trip from rounds that needed no repeat, and counts the repeats', () => {
    const stats = new PingStats()
    stats.noteAnswered(2, false, 1)
    stats.noteAnswered(70, true, 2)
    stats.noteAnswered(4, false, 3)
    stats.noteMissed()
    expect(stats.report()).toEqual({
      state: 'answering',
      lossRatio: 0.25,
      repeatRatio: 0.5,
      roundTrip: { medianMs: 4, minMs: 2, maxMs: 4 },
      lastAnsweredMs: 3,
    })
  })

  it('covers the last hundred rounds', () => {
    const stats = new PingStats()
    for (let round = 0; round < 50; round += 1) stats.noteMissed()
    for (let round = 0; round < 75; round += 1) stats.noteAnswered(round, false, round)
    expect(stats.report()).toMatchObject({ lossRatio: 0.25, repeatRatio: 0.25 })
    for (let round = 0; round < 100; round += 1) stats.noteAnswered(1, false, round)
    expect(stats.report()).toMatchObject({
      lossRatio: 0,
      roundTrip: { medianMs: 1, minMs: 1, maxMs: 1 },
    })
  })
})
