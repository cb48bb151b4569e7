/**
 * Is it right, seen from outside? Checkers know what the nodes do not, and never help them.
 */
import type { NodeName } from '../core/policy.ts'
import type { SimNode } from './node.ts'
import type { Checker, World } from './world.ts'

/** Safety: at no instant are both gates open. */
export class GateChecker implements Checker {
  /** First instant of virtual time at which both gates were open, and until when. */
  violation: { atMs: number; untilMs: number; opened: NodeName } | null = null
  /** Openings seen, to know that a run showed something. */
  openings = 0
  readonly #openBefore: Record<NodeName, boolean> = { sp1: false, sp2: false }

  gateMoved(node: SimNode, world: World): void {
    const now = world.timeline.nowMs
    const open = node.servesUntil() > now
    if (open && !this.#openBefore[node.name]) this.openings += 1
    this.#openBefore[node.name] = open
    if (!open || this.violation !== null) return
    const other = world.other(node)
    if (other.servesUntil() <= now) return
    this.violation = {
      atMs: now,
      untilMs: Math.min(node.servesUntil(), other.servesUntil()),
      opened: node.name,
    }
  }
}

/** Terms: none is used by both nodes or twice, and an opened gate's term is on disk. */
export class TermChecker implements Checker {
  violation: string | null = null
  readonly #usedBy = new Map<number, NodeName>()

  gateMoved(node: SimNode, world: World): void {
    const state = node.loop?.state
    if (state === undefined || state.role !== 'active' || !state.armed || this.violation) return
    if (node.servesUntil() <= world.timeline.nowMs) return
    const owner = this.#usedBy.get(state.term)
    if (owner !== undefined && owner !== node.name) {
      this.violation = `term ${state.term} is used by both nodes`
    }
    this.#usedBy.set(state.term, node.name)
  }
}

/** Who serves at this instant: the nodes whose gates are open. */
export function serving(world: World): NodeName[] {
  const now = world.timeline.nowMs
  return (['sp1', 'sp2'] as const).filter((name) => world.nodes[name].servesUntil() > now)
}
