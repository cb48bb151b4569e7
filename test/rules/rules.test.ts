/**
 * Does the program keep every rule of the protocol, and would anybody notice if it did not?
 *
 * First every claim against the program as it is. Then every mutant, a copy with one rule taken out:
 * a claim or a seed of the simulator must fail with it. The table of who caught what is printed at
 * the end; `node test/rules/table.mjs` prints it as Markdown.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertInvariants } from '../../src/core/invariant.ts'
import { checkTiming, deriveTiming, TIMING_PROFILES } from '../../src/core/policy.ts'
import { initialState } from '../../src/core/state.ts'
import { step } from '../../src/core/step.ts'
import { Loop } from '../../src/daemon/loop.ts'
import { Pulse } from '../../src/daemon/pulse.ts'
import { ModelGate } from '../../src/gate/model-gate.ts'
import { CLAIMS, MUTANTS } from './all.ts'
import type { Program } from './claim.ts'
import { caughtBy, judgeAll, type Verdict } from './judge.mjs'

const PROGRAM: Program = {
  step,
  initialState,
  deriveTiming,
  checkTiming,
  TIMING_PROFILES,
  assertInvariants,
  Loop,
  Pulse,
  ModelGate,
}

const JUDGING_MAX_MS = 300_000

describe('the program as it is', () => {
  for (const { rule, promise, check } of CLAIMS) {
    test(`${rule}: ${promise}`, () => check(PROGRAM))
  }
})

describe('a program without the rule is caught', () => {
  let verdicts: Verdict[] = []

  beforeAll(async () => {
    verdicts = await judgeAll()
  }, JUDGING_MAX_MS)

  afterAll(() => {
    const rows = verdicts.map((verdict) => {
      const { rule, without } = verdict
      return `${rule.padEnd(15)} | ${without.padEnd(70)} | ${verdict.error ?? caughtBy(verdict)}`
    })
    process.stdout.write(`\nrule | without it | caught by\n${rows.join('\n')}\n`)
  })

  for (const [index, { rule, without }] of MUTANTS.entries()) {
    test(`${rule}: ${without}`, () => {
      const { error, claims, seeds } = verdicts[index] as Verdict
      expect(error).toBe(null)
      expect(claims.length + seeds.length, 'nobody noticed').toBeGreaterThan(0)
    })
  }
})
