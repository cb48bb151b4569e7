/**
 * What can happen to a node? Everything the decision core ever learns arrives as one of these.
 *
 * Every event carries `nowMs`, milliseconds of a clock that does not stop while the machine sleeps,
 * read just before (PROTOCOL, "Events"). Clocks of two nodes are never compared.
 */
import type { Heartbeat, Position } from './heartbeat.ts'
import type { NodeName } from './policy.ts'

export type Event = { nowMs: number } & (
  | { type: 'start' }
  | { type: 'tick' }
  /** `direct`: not reflected by a ping node. */
  | { type: 'heartbeat'; heartbeat: Heartbeat; direct: boolean }
  /** Ping node number `pingNode`, counted from 0, answered the round of this number. */
  | { type: 'pong'; round: number; pingNode: number }
  /** The probe sent at `sentAtMs` met nobody; or somebody answered, probed or claimed an address. */
  | {
      type: 'probed'
      sentAtMs: number
      clear: boolean
      /** Not clear, and all that was met is somebody else's probe: nobody holds the address yet. */
      knock?: boolean
    }
  /** The hard state asked for under this ticket is on disk. */
  | { type: 'persisted'; ticket: number }
  /** The kernel did not do what the gate was asked (K4). */
  | { type: 'refused' }
  | { type: 'demoted' }
  | { type: 'witness'; sentAtMs: number; attempt: number; granted: boolean }
  | { type: 'fenced'; off: boolean }
  /** An operator names the node to become active. `force` accepts stale data, never T0 to T3. */
  | { type: 'ask'; node: NodeName; force: boolean }
  | { type: 'health'; healthy: boolean }
  /** `force`: an active gives the right back at once, whether or not anybody can take it. */
  | { type: 'maintenance'; on: boolean; force?: boolean }
  /**
   * The peer served last, as far as our disk tells, and our stores have not followed since: what they
   * hold may lack what it confirmed. For stores that cannot prove more.
   */
  | { type: 'behind'; behind: boolean }
  /** How far our data reaches. */
  | { type: 'position'; position: Position }
  /**
   * Whether our store confirms a write only when the peer has it, by its own word: asked to, it may
   * not do so yet, and one that waited too long may have gone on alone by itself.
   */
  | { type: 'confirms'; together: boolean }
  /** Nobody can write any more; the data reaches this far. */
  | { type: 'frozen'; position: Position }
)

export type EventType = Event['type']
