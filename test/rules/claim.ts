/**
 * What is a claim? One rule of the protocol as a sentence, and a small check that fails when the
 * rule is not kept.
 *
 * The check is handed the program, so that the same lines run on the real one and on a copy with the
 * rule taken out. It throws when the promise is broken.
 */
export interface Program {
  step: typeof import('../../src/core/step.ts').step
  initialState: typeof import('../../src/core/state.ts').initialState
  deriveTiming: typeof import('../../src/core/policy.ts').deriveTiming
  checkTiming: typeof import('../../src/core/policy.ts').checkTiming
  TIMING_PROFILES: typeof import('../../src/core/policy.ts').TIMING_PROFILES
  assertInvariants: typeof import('../../src/core/invariant.ts').assertInvariants
  Loop: typeof import('../../src/daemon/loop.ts').Loop
  Pulse: typeof import('../../src/daemon/pulse.ts').Pulse
  ModelGate: typeof import('../../src/gate/model-gate.ts').ModelGate
}

export interface Claim {
  /** The rule of PROTOCOL it stands for. */
  rule: string
  promise: string
  check(program: Program): void | Promise<void>
}
