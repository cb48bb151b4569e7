import { expect, it } from 'vitest'
import { LifetimeGate } from '../../src/gate/lifetime-gate.ts'

it('keeps the rules of every gate, by its own clock', () => {
  let nowMs = 0
  const gate = new LifetimeGate(() => nowMs)
  expect(gate.open(100, true).refusal).toBe('lapsed')
  expect(gate.occupy(100, true).done).toBe(true)
  expect(gate.open(200, true).done).toBe(true)
  nowMs = 200
  expect(gate.extend(300).refusal).toBe('lapsed')
})

it('takes back what was done after its deadline because the agent stood still', () => {
  const readings = [0, 150]
  const gate = new LifetimeGate(() => readings.shift() ?? 150)
  expect(gate.open(100, false)).toEqual({
    done: false,
    refusal: 'past',
    serveUntilMs: 0,
    occupiedUntilMs: 0,
  })
})
