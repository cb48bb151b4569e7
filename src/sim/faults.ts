/**
 * What goes wrong? The mix of faults that one seed draws, and when each of them strikes.
 *
 * Swarm: every run switches whole kinds of fault off or on, so that some runs have none of a kind and
 * others a lot of it; rare combinations turn up that an even mix would never show. All of it within
 * the assumptions of PROTOCOL, so that whatever is found is a fault of the program: a partition stays
 * for at least 4H (A4); either address probes work, or nodes that reach the same ping nodes hear each
 * other, through a reflecting one or because nothing is lost between them (A5, A6).
 *
 * What each kind does: `strike.ts`. Covered elsewhere: effects that fail or run late (`refused` comes
 * of stops between effects), suspended machines, fence agents that lie and clocks beyond A1 (what is
 * not protected: scenarios), two nodes of one name and differing configurations (claims on "own name"
 * and A3), wrong positions (claims on "position").
 */
import type { Effect } from '../core/effect.ts'
import type { NodeName } from '../core/policy.ts'
import { GOOD_MANNERS, type SimNode } from './node.ts'
import { isStoreKind, STORE_FAULT_KINDS, type StoreFaultKind, strikeStore } from './store-strike.ts'
import { strike, strikeNode } from './strike.ts'
import type { World } from './world.ts'

export const FAULT_KINDS = [
  'loss',
  'ping-loss',
  'delay',
  'repeat',
  'crosslink-cut',
  'crosslink-one-way',
  'partition',
  'shifting-partition',
  'ping-node-out',
  'no-transitivity',
  'one-way',
  'agent-kill',
  'power-off',
  'agent-stop',
  'stop-between-effects',
  'strike-at-gate',
  'late-timers',
  'slow-disk',
  'disk-hangs',
  'disk-loss',
  'power-at-persist',
  'slow-demote',
  'operator',
  'health',
  'health-flaps',
  'maintenance',
  'replay',
  'clock-rate',
  'witness-cut',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** What one run is made of. */
export interface Mix {
  kinds: ReadonlySet<FaultKind | StoreFaultKind>
  /** Address probes cross the LAN. */
  probesCross: boolean
  reflects: boolean
}

const NAMES = ['sp1', 'sp2'] as const

/** Kinds that move the same ping nodes, which must stay where they are for a while (A4). */
const DIVIDES: ReadonlySet<FaultKind | StoreFaultKind> = new Set([
  'partition',
  'shifting-partition',
  'cut-then-die',
  'sides-change',
])

/** Kinds that A5 excludes where neither probes nor reflected heartbeats cross. */
const NEEDS_GUARD: ReadonlySet<FaultKind> = new Set(['loss', 'ping-loss', 'no-transitivity'])

/** Ratio of strikes that come with a second one of another kind at the same instant. */
const TOGETHER_RATIO = 0.25

/** Neither address probes nor reflected heartbeats: all rests on nodes that hear each other. */
export function isGuarded(mix: Mix): boolean {
  return mix.probesCross || mix.reflects
}

/** Draws the mix of a run; with `data` also what goes wrong with stores. */
export function drawMix(world: World, data: boolean = false): Mix {
  const { random } = world
  const kinds = new Set<FaultKind | StoreFaultKind>()
  // Stores need some quiet to come into step at all.
  const density = data ? random.spread(0.02, 0.35) : random.between(0.1, 0.6)
  for (const kind of FAULT_KINDS) if (random.chance(density)) kinds.add(kind)
  const probesCross = random.chance(0.6)
  const reflects = random.chance(probesCross ? 0.5 : 0.65)
  if (!probesCross && !reflects) for (const kind of NEEDS_GUARD) kinds.delete(kind)
  // Last, so that runs without data are what they always were.
  if (data) for (const kind of STORE_FAULT_KINDS) if (random.chance(2 * density)) kinds.add(kind)
  return { kinds, probesCross, reflects }
}

/** Breaks things for `forMs` of virtual time, as the mix says. */
export function unleash(world: World, mix: Mix, forMs: number): void {
  const { random, timeline, network } = world
  network.probesCross = mix.probesCross
  network.reflects = mix.reflects
  if (mix.kinds.has('replay')) world.recording = []
  const endMs = timeline.nowMs + forMs
  const { heartbeatMs } = world.nodes.sp1.policy.timing
  const busyUntilMs = new Map<FaultKind | StoreFaultKind, number>()
  const kinds = [...mix.kinds]

  const begin = (kind: FaultKind | StoreFaultKind): number => {
    if ((busyUntilMs.get(kind) ?? 0) > timeline.nowMs) return 0
    const lastsMs = isStoreKind(kind)
      ? strikeStore(world, kind, { guarded: isGuarded(mix), endMs })
      : strike(world, mix, kind, endMs)
    world.struck?.(kind, lastsMs)
    // A4: what has changed stays as it is for a while.
    const calmMs = timeline.nowMs + lastsMs + 4.2 * heartbeatMs
    busyUntilMs.set(kind, calmMs)
    if (DIVIDES.has(kind)) for (const other of DIVIDES) busyUntilMs.set(other, calmMs)
    return lastsMs
  }
  for (const kind of kinds) {
    const meanMs = random.spread(forMs / 60, forMs / 3)
    const again = (): void => {
      if (timeline.nowMs >= endMs) return
      const lastsMs = begin(kind)
      if (random.chance(TOGETHER_RATIO))
        begin(kinds[random.below(kinds.length)] as FaultKind | StoreFaultKind)
      timeline.after(lastsMs + 4.2 * heartbeatMs + random.spread(meanMs / 10, meanMs * 3), again)
    }
    timeline.after(random.between(0, meanMs), again)
  }
  if (mix.kinds.has('strike-at-gate')) strikeAtGate(world, mix, endMs)
}

/** A fault right when a gate opens or shuts: after the command, before anything is told of it. */
function strikeAtGate(world: World, mix: Mix, endMs: number): void {
  const { random, timeline } = world
  const ratio = random.spread(0.02, 0.5)
  const openBefore: Record<NodeName, boolean> = { sp1: false, sp2: false }
  world.checkers.push({
    gateMoved: (node) => {
      const open = node.servesUntil() > timeline.nowMs
      const changed = open !== openBefore[node.name]
      openBefore[node.name] = open
      if (!changed || timeline.nowMs + 10 >= endMs || !random.chance(ratio)) return
      const one = random.chance(0.7) ? node : world.other(node)
      strikeNode(world, mix, one)
    },
  })
}

/** Told of every effect carried out: the power fails while a term or `sole` is being written. */
export function strikeAtEffect(
  world: World,
  mix: Mix,
  node: SimNode,
  effect: Effect,
  endMs: number,
): void {
  if (effect.type !== 'persist' || !mix.kinds.has('power-at-persist')) return
  const { random, timeline } = world
  const inMs = random.between(0, 1.5 * node.manners.diskMs)
  if (timeline.nowMs + inMs >= endMs || !random.chance(0.15)) return
  timeline.after(inMs, () => {
    node.powerOff()
    timeline.after(random.spread(10, 50 * node.policy.timing.heartbeatMs), () => node.start())
  })
}

/** Ends every fault and brings every machine back, healthy. */
export function heal(world: World): void {
  const { network } = world
  const { probesCross, reflects } = network
  network.heal()
  network.probesCross = probesCross
  network.reflects = reflects
  world.recording = null
  world.witness.unreachable.clear()
  world.data?.heal()
  for (const name of NAMES) {
    const node = world.nodes[name]
    node.manners = GOOD_MANNERS
    node.resume()
    node.healthy = true
    node.maintenance = false
    node.start()
    node.tellHealth()
    node.take({ type: 'maintenance', on: false })
  }
}
