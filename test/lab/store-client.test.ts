/**
 * Goal: what an application felt of a move is read rightly from the moments of its acknowledged writes.
 */
import { describe, expect, it } from 'vitest'
import { nextAfter, stallOf, type Write } from '../../src/lab/store-client.ts'

function writes(...moments: number[]): Write[] {
  return moments.map((atMs, index) => ({ key: `w1:${index}`, atMs }))
}

describe('a stall', () => {
  it('is the longest time between two acknowledged writes of the stretch', () => {
    expect(stallOf(writes(100, 110, 180, 190), 100, 195)).toBe(70)
  })

  it('counts from the beginning of the stretch and up to its end', () => {
    expect(stallOf(writes(10, 150, 160), 100, 170)).toBe(50)
    expect(stallOf(writes(100, 110), 100, 200)).toBe(90)
    expect(stallOf([], 100, 200)).toBe(100)
  })

  it('does not count what lies outside of it', () => {
    expect(stallOf(writes(0, 90, 100, 110, 900), 90, 120)).toBe(10)
  })
})

describe('the next write', () => {
  it('is the first after the moment, and none when there is none', () => {
    expect(nextAfter(writes(100, 110, 120), 110)).toBe(120)
    expect(nextAfter(writes(100), 100)).toBe(null)
  })
})
