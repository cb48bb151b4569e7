import { expect, test } from 'vitest'
import { RateLimit, sourceOf } from '../../src/api/rate.ts'

test('a bucket gives its burst at once and then its rate', () => {
  let nowMs = 0
  const limit = new RateLimit({ perSecond: 10, burst: 3 }, () => nowMs)
  const take = (times: number) => Array.from({ length: times }, () => limit.take('a'))
  expect(take(4)).toEqual([true, true, true, false])
  expect(limit.take('b')).toBe(true)
  nowMs = 100
  expect(take(2)).toEqual([true, false])
  nowMs = 10_000
  expect(take(4)).toEqual([true, true, true, false])
})

test('a flood of addresses is forgotten, and whoever just came is not', () => {
  let nowMs = 0
  const limit = new RateLimit({ perSecond: 1, burst: 1 }, () => nowMs)
  for (let n = 0; n < 20_000; n += 1) {
    nowMs += 0.01
    limit.take(`address ${n}`)
  }
  expect(limit.size).toBeLessThanOrEqual(4096)
  expect(limit.take('address 19999')).toBe(false)
})

test('an IPv6 network counts as one, an IPv4 address for itself', () => {
  expect(sourceOf('192.0.2.7')).toBe('192.0.2.7')
  expect(sourceOf('::ffff:192.0.2.7')).toBe('192.0.2.7')
  expect(sourceOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2')
  expect(sourceOf('2001:db8:1:2::9')).toBe('2001:db8:1:2')
  expect(sourceOf('2001:db8::9')).toBe('2001:db8:0:0')
  expect(sourceOf('fe80::1%eth0')).toBe('fe80:0:0:0')
  expect(sourceOf('::1')).toBe('0:0:0:0')
})
