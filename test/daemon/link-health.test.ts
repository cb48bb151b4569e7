// What a carrier that comes and goes makes of our health; moments are handed in.
import { expect, test } from 'vitest'
import { LinkHealth } from '../../src/daemon/link-health.ts'

const DOWN_AFTER_MS = 40
const UP_AFTER_MS = 200

/** Polls every 20 ms and writes down when `healthy` changed. */
function judged(interfaces: readonly string[]) {
  const without = new Set<string>()
  const health = new LinkHealth({
    interfaces,
    carrier: (name) => !without.has(name),
    downAfterMs: DOWN_AFTER_MS,
    upAfterMs: UP_AFTER_MS,
  })
  let nowMs = 0
  const changes: [number, boolean][] = []
  const run = (ms: number): void => {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += 20
      if (health.poll(nowMs)) changes.push([nowMs, health.healthy])
    }
  }
  return { health, without, changes, run }
}

test('a node is healthy until a link was away for long enough, and again when it stayed', () => {
  const { health, without, changes, run } = judged(['eth0'])
  run(100)
  expect([health.healthy, health.withoutCarrier]).toEqual([true, []])
  without.add('eth0')
  run(400)
  expect(health.withoutCarrier).toEqual(['eth0'])
  without.delete('eth0')
  run(400)
  // First seen without at 120, with at 520.
  expect(changes).toEqual([
    [120 + DOWN_AFTER_MS, false],
    [520 + UP_AFTER_MS, true],
  ])
  expect(health.withoutCarrier).toEqual([])
})

test('a stutter shorter than the patience changes nothing, in either direction', () => {
  const { without, changes, run } = judged(['eth0'])
  for (let round = 0; round < 5; round += 1) {
    without.add('eth0')
    run(DOWN_AFTER_MS)
    without.delete('eth0')
    run(20)
  }
  expect(changes).toEqual([])
  without.add('eth0')
  run(100)
  expect(changes.length).toBe(1)
  for (let round = 0; round < 5; round += 1) {
    without.delete('eth0')
    run(UP_AFTER_MS)
    without.add('eth0')
    run(20)
  }
  expect(changes.length).toBe(1)
})

test('one link without carrier is enough, and the health comes back with the last', () => {
  const { health, without, changes, run } = judged(['eth0', 'eth2'])
  without.add('eth0')
  run(100)
  without.add('eth2')
  run(100)
  without.delete('eth0')
  run(400)
  expect(health.withoutCarrier).toEqual(['eth2'])
  without.delete('eth2')
  run(400)
  expect(changes).toEqual([
    [60, false],
    [620 + UP_AFTER_MS, true],
  ])
})

test('a node without service interfaces is never unfit for want of a link', () => {
  const { health, changes, run } = judged([])
  run(1_000)
  expect([health.healthy, changes]).toEqual([true, []])
})
