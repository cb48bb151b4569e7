/**
 * What are loop and executor handed? The doors to everything that is not deciding.
 *
 * The agent hands in real ones, the simulator pretend ones; neither loop nor executor knows.
 */
import type { Effect } from '../core/effect.ts'
import type { Event } from '../core/event.ts'
import type { Heartbeat } from '../core/heartbeat.ts'
import type { State } from '../core/state.ts'
import type { Gate } from '../gate/gate.ts'

/** Carried out before the call returns (K1). */
export interface PromptPorts {
  /** Milliseconds of a clock that counts sleep. */
  now(): number
  gate: Gate
  send(heartbeat: Heartbeat, reflect: boolean): void
}

/** Only started by the call; an event tells of the end. */
export interface StartedPorts {
  ping(round: number): void
  probe(): void
  persist(ticket: number, hard: { term: number; sole: boolean }): void
  promote(): void
  demote(): void
  freeze(): void
  unfreeze(): void
  askWitness(attempt: number): void
  fence(): void
  setAside(): void
  confirm(alone: boolean): void
}

export type Ports = PromptPorts & StartedPorts

/** Looks on; must not throw and must not wait. */
export interface Observer {
  stepped(before: Readonly<State>, event: Event, after: Readonly<State>): void
  carriedOut(effect: Effect, refused: boolean): void
}
