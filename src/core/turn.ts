/**
 * What does one decision work on? The state under change, the clock reading, and the effects so far.
 *
 * A turn owns its copy of the state: the functions of the core change it in place, and nobody sees
 * it before `step` hands it out. That keeps each rule a few plain lines, and the whole still a pure
 * function of what it was given.
 */
import type { Effect } from './effect.ts'
import type { Policy } from './policy.ts'
import type { State } from './state.ts'

export interface Turn {
  readonly s: State
  readonly policy: Policy
  readonly now: number
  readonly effects: Effect[]
}

/** Wants the right to be active. */
export function wants(s: State): boolean {
  return s.role === 'active' || s.role === 'elect' || s.role === 'take'
}

/** Heard the peer within S. */
export function hearsPeer(turn: Turn): boolean {
  return turn.now - turn.s.lastHeardMs <= turn.policy.timing.suspicionMs
}

/**
 * Asks for the hard state to be written.
 *
 * @returns the ticket its `persisted` event will carry
 */
export function persist(turn: Turn): number {
  const { s } = turn
  s.ticket += 1
  turn.effects.push({ type: 'persist', ticket: s.ticket, term: s.reservedTerm, sole: s.sole })
  return s.ticket
}

/** Has the next term of this node written. */
export function reserveTerm(turn: Turn): void {
  const { s } = turn
  s.reservedTerm = nextTerm(turn)
  s.reservedTicket = persist(turn)
}

/**
 * Takes the next term; asks for it to be written unless that was done in advance.
 *
 * @returns the ticket without which nothing may be done in this term
 */
export function takeTerm(turn: Turn): number {
  const { s } = turn
  const term = nextTerm(turn)
  if (term > s.reservedTerm) reserveTerm(turn)
  s.term = term
  return s.reservedTicket
}

/** The next term of this node above every term it holds or heard: `sp1` odd, `sp2` even. */
export function nextTerm(turn: Turn): number {
  const above = Math.max(turn.s.term, turn.s.termHeard) + 1
  const odd = turn.policy.node === 'sp1' ? 1 : 0
  return above % 2 === odd ? above : above + 1
}
