import { describe, expect, it } from 'vitest'
import { ModelGate, ModelKernel } from '../../src/gate/model-gate.ts'
import { AHEAD_MAX_MS, expected, RULES, runRule } from '../helpers/gate-rules.ts'

describe('the command rules, on the model', () => {
  it.each(RULES)('$promise', (rule) => {
    let nowMs = 1_000_000
    const model = new ModelKernel(() => nowMs, AHEAD_MAX_MS)
    const happened = runRule(rule, {
      nowMs: () => nowMs,
      waitUntil: (ms) => {
        nowMs = Math.max(nowMs, ms)
      },
      obey: (command) => model.obey(command),
    })
    expect(happened).toEqual(expected(rule))
  })
})

describe("an agent's gate in memory", () => {
  it('is shut at the very moment of its deadline, not one later', () => {
    let nowMs = 0
    const gate = new ModelGate(() => nowMs)
    expect(gate.open(100, false).done).toBe(true)
    nowMs = 100
    expect(gate.extend(200)).toMatchObject({ done: false, refusal: 'lapsed' })
    expect(gate.open(100, false)).toMatchObject({ done: false, refusal: 'past' })
    expect(gate.open(101, false)).toEqual({
      done: true,
      refusal: null,
      serveUntilMs: 101,
      occupiedUntilMs: 0,
    })
  })

  it('obeys without a claim, as after the first one', () => {
    const gate = new ModelGate(() => 0)
    expect(gate.occupy(100, true).done).toBe(true)
    expect(gate.open(200, true).done).toBe(true)
    expect(gate.close()).toEqual({
      done: true,
      refusal: null,
      serveUntilMs: 0,
      occupiedUntilMs: 0,
    })
  })
})
