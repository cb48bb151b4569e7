/**
 * What goes wrong? Faults, and the mix of them that one seed draws.
 *
 * Swarm: every run switches whole kinds of fault off or on, so that some runs have none of a kind and
 * others a lot of it; rare combinations turn up that an even mix would never show. Within the
 * assumptions of PROTOCOL: a partition stays for at least 4H (A4), and either address probes work
 * or nodes that reach the same ping nodes hear each other (A5).
 */
import type { NodeName } from '../core/policy.ts'
import { FAIR_WEATHER, type Place } from './network.ts'
import { GOOD_MANNERS, type SimNode } from './node.ts'
import type { World } from './world.ts'

export const FAULT_KINDS = [
  'loss',
  'ping-loss',
  'delay',
  'repeat',
  'crosslink-cut',
  'crosslink-one-way',
  'partition',
  'ping-node-out',
  'no-transitivity',
  'one-way',
  'agent-kill',
  'power-off',
  'agent-stop',
  'stop-between-effects',
  'late-timers',
  'slow-disk',
  'slow-demote',
  'operator',
  'health',
  'maintenance',
  'replay',
  'clock-rate',
  'witness-cut',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** What one run is made of. */
export interface Mix {
  kinds: ReadonlySet<FaultKind>
  /** Address probes cross the LAN. */
  probesCross: boolean
  reflects: boolean
}

const NAMES = ['sp1', 'sp2'] as const

/** Draws the mix of a run. */
export function drawMix(world: World): Mix {
  const { random } = world
  const kinds = new Set<FaultKind>()
  const density = random.between(0.1, 0.6)
  for (const kind of FAULT_KINDS) if (random.chance(density)) kinds.add(kind)
  const probesCross = random.chance(0.6)
  const reflects = !probesCross || random.chance(0.5)
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
  for (const kind of mix.kinds) {
    const meanMs = random.spread(forMs / 30, forMs / 3)
    const again = (): void => {
      if (timeline.nowMs >= endMs) return
      const lastsMs = strike(world, mix, kind)
      // A4: what has changed stays as it is for a while.
      timeline.after(lastsMs + 4 * heartbeatMs + random.spread(meanMs / 10, meanMs * 3), again)
    }
    timeline.after(random.between(0, meanMs), again)
  }
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
  for (const name of NAMES) {
    const node = world.nodes[name]
    node.manners = GOOD_MANNERS
    node.resume()
    node.healthy = true
    node.maintenance = false
    node.start()
    node.take({ type: 'health', healthy: true })
    node.take({ type: 'maintenance', on: false })
  }
}

/**
 * Lets one fault happen now.
 *
 * @returns how long it lasts, in milliseconds; the same kind does not begin again before
 */
function strike(world: World, mix: Mix, kind: FaultKind): number {
  const { random, network, timeline } = world
  const { heartbeatMs, takeoverSilenceMs } = world.nodes.sp1.policy.timing
  const one = world.nodes[random.chance(0.5) ? 'sp1' : 'sp2']
  const longMs = random.spread(4 * heartbeatMs, 6 * takeoverSilenceMs)
  const forLong = (begin: () => void, end: () => void): number => {
    begin()
    timeline.after(longMs, end)
    return longMs
  }
  switch (kind) {
    case 'loss':
      // With T3 blind, A5 leaves no room for loss on the only path: two in a row may be missed.
      return forLong(
        () =>
          weather(world, { lossRatio: mix.probesCross ? random.next() : random.between(0, 0.2) }),
        () => weather(world, { lossRatio: 0 }),
      )
    case 'ping-loss':
      return forLong(
        () => weather(world, { pingLossRatio: mix.probesCross ? random.next() * 0.7 : 0 }),
        () => weather(world, { pingLossRatio: 0 }),
      )
    case 'delay':
      return forLong(
        () =>
          weather(world, { delayMaxMs: random.spread(1, heartbeatMs / (mix.probesCross ? 1 : 8)) }),
        () => weather(world, { delayMaxMs: FAIR_WEATHER.delayMaxMs }),
      )
    case 'repeat':
      return forLong(
        () => weather(world, { repeatRatio: random.next() }),
        () => weather(world, { repeatRatio: 0 }),
      )
    case 'crosslink-cut':
      return forLong(
        () => cutAll(world, ['crosslink:sp1', 'crosslink:sp2']),
        () => mendAll(world, ['crosslink:sp1', 'crosslink:sp2']),
      )
    case 'crosslink-one-way':
      return forLong(
        () => network.cut(`crosslink:${one.name}`),
        () => network.mend(`crosslink:${one.name}`),
      )
    case 'partition':
      return forLong(
        () => partition(world),
        () => joinSegments(world),
      )
    case 'ping-node-out': {
      const place = network.pingNodes[random.below(network.pingNodes.length)] as Place
      return forLong(
        () => network.out.add(place),
        () => network.out.delete(place),
      )
    }
    case 'no-transitivity':
      // The nodes cannot reach each other but both reach the ping nodes. Needs T3 or reflection.
      return forLong(
        () => cutAll(world, directWires(mix, NAMES)),
        () => mendAll(world, directWires(mix, NAMES)),
      )
    case 'one-way':
      return forLong(
        () => cutAll(world, directWires(mix, [one.name])),
        () => mendAll(world, directWires(mix, [one.name])),
      )
    case 'agent-kill':
      return killed(world, one, longMs, false)
    case 'power-off':
      return killed(world, one, longMs, true)
    case 'agent-stop':
      one.stop(longMs)
      return longMs
    case 'stop-between-effects':
      return forLong(
        () =>
          manners(one, { stopRatio: random.spread(0.001, 0.1), stopMaxMs: 3 * takeoverSilenceMs }),
        () => manners(one, { stopRatio: 0 }),
      )
    case 'late-timers':
      return forLong(
        () => manners(one, { tickLateMs: random.spread(1, heartbeatMs * 2) }),
        () => manners(one, { tickLateMs: GOOD_MANNERS.tickLateMs }),
      )
    case 'slow-disk':
      return forLong(
        () => manners(one, { diskMs: random.spread(5, 2000) }),
        () => manners(one, { diskMs: GOOD_MANNERS.diskMs }),
      )
    case 'slow-demote':
      return forLong(
        () => manners(one, { demoteMs: random.spread(10, 5000) }),
        () => manners(one, { demoteMs: GOOD_MANNERS.demoteMs }),
      )
    case 'operator':
      one.take({ type: 'ask', node: NAMES[random.below(2)] as NodeName, force: random.chance(0.1) })
      return 0
    case 'health':
      return forLong(
        () => setHealth(one, false),
        () => setHealth(one, true),
      )
    case 'maintenance':
      return forLong(
        () => setMaintenance(one, true),
        () => setMaintenance(one, false),
      )
    case 'replay': {
      const kept = world.recording?.[random.below(world.recording.length)]
      if (kept !== undefined) {
        world.replay(world.nodes[kept.from === 'sp1' ? 'sp2' : 'sp1'], kept.heartbeat)
      }
      return 0
    }
    case 'clock-rate':
      return longMs
    case 'witness-cut':
      return forLong(
        () => world.witness.unreachable.add(one.name),
        () => world.witness.unreachable.delete(one.name),
      )
  }
}

function weather(world: World, change: Partial<World['network']['weather']>): void {
  world.network.weather = { ...world.network.weather, ...change }
}

function manners(node: SimNode, change: Partial<SimNode['manners']>): void {
  node.manners = { ...node.manners, ...change }
}

function cutAll(world: World, wires: readonly string[]): void {
  for (const wire of wires) world.network.cut(wire)
}

function mendAll(world: World, wires: readonly string[]): void {
  for (const wire of wires) world.network.mend(wire)
}

/** The wires on which heartbeats of these nodes reach the other directly. Address probes still do. */
function directWires(mix: Mix, from: readonly NodeName[]): string[] {
  const guarded = mix.probesCross || mix.reflects
  return from.flatMap((name) =>
    guarded ? [`crosslink:${name}`, `heartbeat:${name}`] : [`crosslink:${name}`],
  )
}

/** Every place of the LAN on one of two sides; the crosslink is cut with it. */
function partition(world: World): void {
  const { network, random } = world
  for (const place of network.pingNodes) network.move(place, random.below(2))
  network.move('sp1', 0)
  network.move('sp2', 1)
  cutAll(world, ['crosslink:sp1', 'crosslink:sp2'])
}

function joinSegments(world: World): void {
  for (const place of [...world.network.pingNodes, ...NAMES]) world.network.move(place, 0)
  mendAll(world, ['crosslink:sp1', 'crosslink:sp2'])
}

function killed(world: World, node: SimNode, forMs: number, power: boolean): number {
  if (power) node.powerOff()
  else node.kill()
  world.timeline.after(forMs, () => node.start())
  return forMs
}

function setHealth(node: SimNode, healthy: boolean): void {
  node.healthy = healthy
  node.take({ type: 'health', healthy })
}

function setMaintenance(node: SimNode, on: boolean): void {
  node.maintenance = on
  node.take({ type: 'maintenance', on })
}
