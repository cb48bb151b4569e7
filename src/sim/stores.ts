/**
 * What becomes of the data? Pretend stores: one number per node, copied from the active to the other.
 *
 * The active's stores grow when something is written; the other node copies what it sees as long as
 * a wire carries and its own stores are not active. What a store holds survives its agent and its
 * machine. Only as much as the rules about data (PROTOCOL, "Data") need to be seen at work.
 */
import type { Position } from '../core/heartbeat.ts'
import type { NodeName } from '../core/policy.ts'
import type { SimNode } from './node.ts'
import type { World } from './world.ts'

export class Stores {
  /** Nothing is copied although the wires carry. */
  halted = false
  readonly #world: World
  readonly #kept: Record<NodeName, Position> = {
    sp1: { term: 0, offset: 0 },
    sp2: { term: 0, offset: 0 },
  }

  constructor(world: World) {
    this.#world = world
    const again = (): void => {
      this.#replicate()
      world.timeline.after(world.nodes.sp1.policy.timing.heartbeatMs / 4, again)
    }
    if (world.nodes.sp1.policy.data.takeover !== 'none') again()
  }

  /** An application writes through the node that serves. */
  write(name: NodeName, count: number): void {
    const node = this.#world.nodes[name]
    const { position } = node.loop?.state ?? { position: this.#kept[name] }
    this.#hold(node, { term: position.term, offset: position.offset + count })
  }

  /** Starts the agent over what its stores hold. */
  started(name: NodeName): void {
    this.#world.nodes[name].take({ type: 'position', position: this.#kept[name] })
  }

  #replicate(): void {
    const { nodes, network } = this.#world
    for (const node of [nodes.sp1, nodes.sp2]) {
      const state = node.loop?.state
      const target = this.#world.other(node)
      if (state === undefined || !state.armed) continue
      this.#kept[node.name] = state.position
      const carries = network.crosslink(node.name) || network.direct(node.name, target.name)
      const free = target.running && !target.stopped && target.loop?.state.role === 'standby'
      if (!this.halted && carries && free && !same(this.#kept[target.name], state.position)) {
        this.#hold(target, state.position)
      }
    }
  }

  #hold(node: SimNode, position: Position): void {
    this.#kept[node.name] = position
    node.take({ type: 'position', position })
  }
}

function same(a: Position, b: Position): boolean {
  return a.term === b.term && a.offset === b.offset
}
