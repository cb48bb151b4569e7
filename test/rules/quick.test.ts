import { test } from 'vitest'
import { CLAIMS } from './all.ts'
import { step } from '../../src/core/step.ts'
import { initialState } from '../../src/core/state.ts'
import { deriveTiming, checkTiming, TIMING_PROFILES } from '../../src/core/policy.ts'
import { assertInvariants } from '../../src/core/invariant.ts'
import { Loop } from '../../src/daemon/loop.ts'
import { ModelGate, Pulse } from '../../src/gate/model-gate.ts'
import { Pulse } from "../../src/daemon/pulse.ts"
const program = { step, initialState, deriveTiming, checkTiming, TIMING_PROFILES, assertInvariants, Loop, ModelGate, Pulse }
for (const c of CLAIMS) test(`${c.rule}: ${c.promise}`, async () => { await c.check(program) })
