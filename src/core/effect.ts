/**
 * What can a node ask to be done? The answer of every decision, in order.
 *
 * K1: `occupy`, `open`, `extend`, `close` and `send` are done before the next effect begins; the
 * others are only started, and an event tells of their end. K2: gate deadlines are absolute
 * milliseconds of the node's clock, so an effect that runs late sets a deadline that has passed.
 */
import type { Heartbeat } from './heartbeat.ts'

export type Effect =
  /** On every direct path; with `reflect` also by way of the ping nodes. */
  | { type: 'send'; heartbeat: Heartbeat; reflect: boolean }
  | { type: 'ping'; round: number }
  | { type: 'probe' }
  /** Writes the hard state; answered by `persisted` with the same ticket. */
  | { type: 'persist'; ticket: number; term: number; sole: boolean }
  | { type: 'occupy'; deadlineMs: number; first: boolean }
  | { type: 'open'; deadlineMs: number; takeover: boolean }
  | { type: 'extend'; deadlineMs: number }
  | { type: 'close' }
  | { type: 'promote' }
  | { type: 'demote' }
  | { type: 'freeze' }
  | { type: 'unfreeze' }
  | { type: 'ask-witness'; attempt: number }
  | { type: 'fence' }
  /** Keep apart what we hold and the peer never saw. */
  | { type: 'set-aside' }
  /** The stores confirm a write by themselves, or only when the peer has it. */
  | { type: 'confirm'; alone: boolean }

export type EffectType = Effect['type']

/** What may still be done after a refusal: everything that takes something back or only asks. */
export function withoutClaims(effects: readonly Effect[]): readonly Effect[] {
  return effects.filter(
    (effect) => effect.type !== 'send' && effect.type !== 'promote' && effect.type !== 'confirm',
  )
}
