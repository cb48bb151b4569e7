/**
 * What goes wrong with the stores, and for how long? Kinds of their own, drawn only in runs with data.
 *
 * `store-silent`: a server does not answer its agent, or nobody at all. `store-goes-alone`: it stops to
 * wait for the peer by itself, as after its time-out. `copy-halted`: nothing arrives, nothing is
 * applied, or cannot be. `copy-slow`: a few writes at a time. `active-dies`: for long enough to be taken over.
 * `cut-then-die`: the nodes are cut apart, and the active dies alone. `sides-change`: a partition leaves the
 * ping nodes with the active for a while, then with the other. Two are not struck but drawn with the run:
 * `behind-at-start`, a node whose peer served last says so after a start (D-026); `strike-at-word`, a
 * node dies or is cut off right when somebody's word about the data changes.
 */
import type { NodeName } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import type { SimNode } from './node.ts'
import type { World } from './world.ts'

export const STORE_FAULT_KINDS = [
  'store-silent',
  'store-goes-alone',
  'copy-halted',
  'copy-slow',
  'behind-at-start',
  'strike-at-word',
  'active-dies',
  'cut-then-die',
  'sides-change',
] as const

export type StoreFaultKind = (typeof STORE_FAULT_KINDS)[number]

export function isStoreKind(kind: string): kind is StoreFaultKind {
  return STORE_FAULT_KINDS.some((one) => one === kind)
}

const NAMES = ['sp1', 'sp2'] as const

/** What a strike must keep to. */
export interface Bounds {
  /** Nodes that reach the same ping nodes need not hear each other (A5). */
  guarded: boolean
  /** No new trouble after this virtual time. */
  endMs: number
}

/** Longest stretch of a fault, beyond all patience of an agent with its server. */
const LONGEST_MS = 14_000

/**
 * Lets one fault happen now.
 *
 * @returns how long it lasts, in milliseconds
 */
export function strikeStore(world: World, kind: StoreFaultKind, bounds: Bounds): number {
  const { random, timeline, data } = world
  if (data === null) return 0
  const name: NodeName = random.chance(0.5) ? 'sp1' : 'sp2'
  const server = data.servers[name]
  const forMs = random.spread(100, LONGEST_MS)
  const lasting = (begin: () => void, end: () => void): number => {
    begin()
    timeline.after(forMs, end)
    return forMs
  }
  switch (kind) {
    case 'store-silent': {
      const hang = random.chance(0.5) ? 'to-agent' : 'all'
      return lasting(
        () => {
          if (server.up) server.hang = hang
        },
        () => {
          server.hang = 'no'
        },
      )
    }
    case 'store-goes-alone': {
      const writer = data.servers.sp1.writable ? data.servers.sp1 : data.servers.sp2
      writer.aloneUntilMs = timeline.nowMs + forMs
      writer.goAlone()
      return forMs
    }
    case 'copy-halted': {
      const halt = (['receiver', 'applier', 'error'] as const)[random.below(3)] ?? 'error'
      return lasting(
        () => {
          server.halt = halt
        },
        () => {
          server.halt = 'no'
        },
      )
    }
    case 'copy-slow':
      return lasting(
        () => {
          server.pace = 1
        },
        () => {
          server.pace = Number.POSITIVE_INFINITY
        },
      )
    case 'active-dies':
      die(world, serving(world), forMs)
      return forMs
    case 'cut-then-die':
      return cutThenDie(world, bounds)
    case 'sides-change':
      return sidesChange(world, bounds)
    case 'behind-at-start':
    case 'strike-at-word':
      return forMs
  }
}

/** Whoever serves; else either. */
function serving(world: World): SimNode {
  const { nodes, timeline, random } = world
  const now = NAMES.filter((name) => nodes[name].servesUntil() > timeline.nowMs)
  return nodes[now[0] ?? (random.chance(0.5) ? 'sp1' : 'sp2')]
}

function die(world: World, node: SimNode, forMs: number): void {
  const { random, timeline } = world
  const way = random.below(3)
  if (way === 0) {
    node.stop(forMs)
    return
  }
  if (way === 1) node.kill()
  else node.powerOff()
  timeline.after(forMs, () => node.start())
}

/** The active goes on alone, perhaps long enough to confirm alone; then it dies. */
function cutThenDie(world: World, { guarded, endMs }: Bounds): number {
  const { random, timeline, network } = world
  const active = serving(world)
  const { takeoverSilenceMs, heartbeatMs } = active.policy.timing
  const aloneMs = random.spread(takeoverSilenceMs / 8, 4 * takeoverSilenceMs)
  const deadMs = random.spread(takeoverSilenceMs, 5 * takeoverSilenceMs)
  // The wires may come back before the active dies, with it, or after it was taken over.
  const cutMs = Math.max(5 * heartbeatMs, aloneMs + random.between(-0.2, 1) * takeoverSilenceMs)
  // Unguarded, one direction at a time is cut at most, and another kind may cut the other.
  const way = random.below(guarded ? 3 : 1)
  const from = way === 2 ? NAMES : [random.chance(0.5) ? 'sp1' : 'sp2']
  const wires = from.flatMap((name) => [`crosslink:${name}`, `heartbeat:${name}`])
  if (way === 0) divide(world, active.name)
  else for (const wire of wires) network.cut(wire)
  timeline.after(cutMs, () => {
    if (way === 0) join(world)
    else for (const wire of wires) network.mend(wire)
  })
  timeline.after(aloneMs, () => {
    if (timeline.nowMs < endMs) die(world, active, deadMs)
  })
  return Math.max(cutMs, aloneMs + deadMs)
}

/** Two sides; every ping node is with one of the nodes. Each side stays for longer than A4 asks. */
function divide(world: World, withPingNodes: NodeName): void {
  const { network } = world
  network.move('sp1', 0)
  network.move('sp2', 1)
  for (const place of network.pingNodes) network.move(place, withPingNodes === 'sp1' ? 0 : 1)
  for (const name of NAMES) network.cut(`crosslink:${name}`)
}

function join(world: World): void {
  const { network } = world
  for (const place of [...network.pingNodes, ...NAMES]) network.move(place, 0)
  for (const name of NAMES) network.mend(`crosslink:${name}`)
}

function sidesChange(world: World, { endMs }: Bounds): number {
  const { random, timeline, network } = world
  const active = serving(world).name
  const { takeoverSilenceMs, heartbeatMs } = world.nodes.sp1.policy.timing
  const firstMs = random.spread(5 * heartbeatMs, 6 * takeoverSilenceMs)
  const thenMs = random.spread(5 * heartbeatMs, 4 * takeoverSilenceMs)
  divide(world, active)
  timeline.after(firstMs, () => {
    if (timeline.nowMs >= endMs) return
    for (const place of network.pingNodes) network.move(place, active === 'sp1' ? 1 : 0)
  })
  timeline.after(firstMs + thenMs, () => join(world))
  return firstMs + thenMs
}

/** Told of every step: a fault at the moment in which a word about the data changes, or shortly after. */
export function strikeAtWord(
  world: World,
  node: SimNode,
  { before, after }: { before: Readonly<State>; after: Readonly<State> },
  { ratio, endMs }: { ratio: number; endMs: number },
): void {
  const changed =
    before.confirming !== after.confirming ||
    before.inSync !== after.inSync ||
    before.together !== after.together
  if (!changed) return
  const { random, timeline, network } = world
  if (timeline.nowMs >= endMs || !random.chance(ratio)) return
  const one = random.chance(0.6) ? node : world.other(node)
  const { takeoverSilenceMs, heartbeatMs } = node.policy.timing
  const forMs = random.spread(heartbeatMs, 4 * takeoverSilenceMs)
  const way = random.below(4)
  timeline.after(random.spread(0.1, 2 * heartbeatMs), () => {
    if (timeline.nowMs >= endMs) return
    world.struck?.('strike-at-word', forMs)
    if (way === 0) one.stop(forMs)
    else if (way === 1) {
      const wire = `crosslink:${one.name}`
      network.cut(wire)
      timeline.after(forMs, () => network.mend(wire))
    } else {
      if (way === 2) one.kill()
      else one.powerOff()
      timeline.after(forMs, () => one.start())
    }
  })
}
