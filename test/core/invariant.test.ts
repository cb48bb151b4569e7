/** Is a broken invariant noticed, by name? */
import { describe, expect, test } from 'vitest'
import { assertInvariants } from '../../src/core/invariant.ts'
import { initialState, type State } from '../../src/core/state.ts'

const BASE: State = {
  ...initialState('aaaaaaaaaaaaaaaa', { term: 5, sole: false }, 3),
  seq: 10,
  ticket: 3,
  persistedTicket: 3,
  grantUntilMs: 1000,
}
const ACTIVE: State = { ...BASE, role: 'active', armed: true, attempt: 4, leaseUntilMs: 2000 }

const BROKEN: readonly [name: string, before: State, after: State][] = [
  ['the term never goes back', BASE, { ...BASE, term: 4 }],
  ['heartbeat numbers never go back', BASE, { ...BASE, seq: 9 }],
  ['a promise is never shortened', BASE, { ...BASE, grantUntilMs: 999 }],
  ['only what was asked for is on disk', BASE, { ...BASE, persistedTicket: 4 }],
  ['only an active is armed', BASE, { ...BASE, armed: true }],
  ['an armed active has an attempt', ACTIVE, { ...ACTIVE, attempt: null }],
  ['an open gate is not an occupation', ACTIVE, { ...ACTIVE, occupiedAtMs: 1 }],
  ['a lease never moves back within an attempt', ACTIVE, { ...ACTIVE, leaseUntilMs: 1999 }],
  ['no way from active to standby', ACTIVE, { ...BASE, role: 'standby' }],
  ['no way from active to elect', ACTIVE, { ...BASE, role: 'elect' }],
  ['no way from active to take', ACTIVE, { ...BASE, role: 'take' }],
  ['no way from demoting to active', BASE, { ...BASE, role: 'active' }],
]

describe('an invariant that is broken is named', () => {
  for (const [name, before, after] of BROKEN) {
    test(name, () => {
      const roles = `(${before.role} -> ${after.role})`
      expect(() => assertInvariants(before, after)).toThrow(
        new Error(`invariant broken: ${name} ${roles}`),
      )
    })
  }
})

test('a step that breaks none passes', () => {
  expect(() => assertInvariants(BASE, { ...BASE, role: 'standby', seq: 11 })).not.toThrow()
})
