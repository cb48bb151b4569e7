/**
 * What must be true after every step? Checked in production too: a wrong active is worse than none
 * for the moment a restart takes.
 */
import type { State } from './state.ts'

/**
 * @throws Error naming the invariant that is broken
 */
export function assertInvariants(before: Readonly<State>, after: Readonly<State>): void {
  const demand = (holds: boolean, name: string): void => {
    if (!holds) throw new Error(`invariant broken: ${name} (${before.role} -> ${after.role})`)
  }
  demand(after.term >= before.term, 'the term never goes back')
  demand(after.seq >= before.seq, 'heartbeat numbers never go back')
  demand(after.grantUntilMs >= before.grantUntilMs, 'a promise is never shortened')
  demand(after.persistedTicket <= after.ticket, 'only what was asked for is on disk')
  if (after.armed) {
    demand(after.role === 'active', 'only an active is armed')
    demand(after.attempt !== null, 'an armed active has an attempt')
    demand(after.occupiedAtMs === null, 'an open gate is not an occupation')
  }
  if (after.role === 'active' && before.role === 'active' && after.attempt === before.attempt) {
    demand(after.leaseUntilMs >= before.leaseUntilMs, 'a lease never moves back within an attempt')
  }
  if (after.role !== before.role) {
    const via = `${before.role}>${after.role}`
    demand(!FORBIDDEN.has(via), `no way from ${before.role} to ${after.role}`)
  }
}

/**
 * Empty cells of the table of roles (see role.ts). One step may go by way of standby: stores that
 * are demoted make a standby, which may become a candidate at once.
 */
const FORBIDDEN = new Set(['active>standby', 'active>elect', 'active>take', 'demoting>active'])
