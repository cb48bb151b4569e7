/** Goal: the highest rate of the last ten minutes is known, and nothing that is no rate counts. */
import { describe, expect, it } from 'vitest'
import { RatePeak } from '../../src/daemon/rate-peak.ts'

const at = (offset: number, history = 'a') => ({ history, offset })

describe('the peak of a rate', () => {
  it('is not known before two looks', () => {
    const rate = new RatePeak()
    rate.note(at(100), 0)
    expect(rate.peak(0)).toBe(null)
  })

  it('is the highest between any two looks', () => {
    const rate = new RatePeak()
    rate.note(at(0), 0)
    rate.note(at(1_000), 250)
    rate.note(at(1_500), 500)
    expect(rate.peak(500)).toBe(4_000)
  })

  it('is not that of looks too close together, of another history or across a pause', () => {
    const rate = new RatePeak()
    rate.note(at(0), 0)
    rate.note(at(9_999), 10)
    rate.note(at(100), 1_000)
    rate.note(at(999_999, 'b'), 1_100)
    rate.note(at(5), 1_200)
    rate.pause()
    rate.note(at(99_999), 1_300)
    expect(rate.peak(1_300)).toBe(100)
  })

  it('is forgotten after ten minutes', () => {
    const rate = new RatePeak()
    rate.note(at(0), 0)
    rate.note(at(1_000), 100)
    expect(rate.peak(9 * 60_000)).toBe(10_000)
    expect(rate.peak(11 * 60_000)).toBe(null)
  })
})
