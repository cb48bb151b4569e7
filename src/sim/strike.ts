/**
 * What does one fault do, and for how long? Called by `faults.ts`, which decides when and which.
 *
 * Each kind begins at once and plans its own end. Within the assumptions of PROTOCOL: where neither
 * address probes nor reflected heartbeats cross, nothing is lost or late between the nodes, and one
 * direction at a time is cut at most (A5, A6).
 */
import type { NodeName } from '../core/policy.ts'
import { type FaultKind, isGuarded, type Mix } from './faults.ts'
import { FAIR_WEATHER, type Place } from './network.ts'
import { GOOD_MANNERS, type SimNode } from './node.ts'
import type { World } from './world.ts'

const NAMES = ['sp1', 'sp2'] as const

/**
 * Lets one fault happen now.
 *
 * @param endMs  no new trouble after this virtual time
 * @returns how long it lasts, in milliseconds; the same kind does not begin again before
 */
export function strike(world: World, mix: Mix, kind: FaultKind, endMs: number): number {
  const { random, network, timeline } = world
  const { heartbeatMs, takeoverSilenceMs } = world.nodes.sp1.policy.timing
  const one = world.nodes[random.chance(0.5) ? 'sp1' : 'sp2']
  const longMs = random.spread(4.2 * heartbeatMs, 6 * takeoverSilenceMs)
  const shortMs = random.spread(heartbeatMs / 2, 2 * takeoverSilenceMs)
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
          weather(world, {
            delayMaxMs: random.spread(1, heartbeatMs / (mix.probesCross ? 1 : 8)),
          }),
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
    case 'shifting-partition':
      return shiftingPartition(world, endMs)
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
        () => cutAll(world, directWires(NAMES)),
        () => mendAll(world, directWires(NAMES)),
      )
    case 'one-way':
      return forLong(
        () => cutAll(world, directWires([one.name])),
        () => mendAll(world, directWires([one.name])),
      )
    case 'agent-kill':
      return killed(world, one, random.chance(0.5) ? shortMs : longMs, false)
    case 'power-off':
      return killed(world, one, random.chance(0.5) ? shortMs : longMs, true)
    case 'disk-loss':
      one.powerOff()
      one.disk = { term: 0, sole: false }
      world.data?.loseDisk(one.name)
      timeline.after(longMs, () => one.start())
      return longMs
    case 'agent-stop': {
      const stopMs = random.chance(0.6) ? shortMs : longMs
      one.stop(stopMs)
      return stopMs
    }
    case 'stop-between-effects':
      return forLong(
        () =>
          manners(one, {
            stopRatio: random.spread(0.001, 0.1),
            stopMaxMs: random.chance(0.5) ? 3 * takeoverSilenceMs : 3 * heartbeatMs,
          }),
        () => manners(one, { stopRatio: 0 }),
      )
    case 'late-timers':
      return forLong(
        () => manners(one, { tickLateMs: random.spread(1, heartbeatMs * 2) }),
        () => manners(one, { tickLateMs: GOOD_MANNERS.tickLateMs }),
      )
    case 'slow-disk':
      return forLong(
        () => manners(one, { diskMs: random.spread(5, 20 * heartbeatMs) }),
        () => manners(one, { diskMs: GOOD_MANNERS.diskMs }),
      )
    case 'disk-hangs':
      return forLong(
        () => manners(one, { diskHangs: true }),
        () => manners(one, { diskHangs: false }),
      )
    case 'slow-demote':
      return forLong(
        () => manners(one, { demoteMs: random.spread(10, 50 * heartbeatMs) }),
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
    case 'health-flaps':
      return healthFlaps(world, one, endMs)
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
    case 'witness-cut':
      return forLong(
        () => world.witness.unreachable.add(one.name),
        () => world.witness.unreachable.delete(one.name),
      )
    case 'clock-rate':
    case 'strike-at-gate':
    case 'power-at-persist':
      // Drawn with the run, or struck by what the nodes do.
      return longMs
  }
}

/** Stops, kills or cuts off one node, for a short while mostly. */
export function strikeNode(world: World, mix: Mix, node: SimNode): void {
  const { random, timeline } = world
  const { heartbeatMs, takeoverSilenceMs } = node.policy.timing
  const forMs = random.spread(heartbeatMs / 2, 3 * takeoverSilenceMs)
  switch (random.below(isGuarded(mix) ? 4 : 3)) {
    case 0:
      node.stop(forMs)
      return
    case 1:
      killed(world, node, forMs, false)
      return
    case 2:
      // At once it would only be a tidy end of the decision; a moment later it is anywhere in it.
      timeline.after(random.between(0, 3), () => killed(world, node, forMs, true))
      return
    default: {
      const wires = directWires([node.name])
      cutAll(world, wires)
      timeline.after(forMs, () => mendAll(world, wires))
    }
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
function directWires(from: readonly NodeName[]): string[] {
  return from.flatMap((name) => [`crosslink:${name}`, `heartbeat:${name}`])
}

/** Every place of the LAN on one of two sides; the crosslink is cut with it. */
function partition(world: World): void {
  const { network } = world
  shift(world)
  network.move('sp1', 0)
  network.move('sp2', 1)
  cutAll(world, ['crosslink:sp1', 'crosslink:sp2'])
}

function shift(world: World): void {
  const { network, random } = world
  for (const place of network.pingNodes) network.move(place, random.below(2))
}

function joinSegments(world: World): void {
  for (const place of [...world.network.pingNodes, ...NAMES]) world.network.move(place, 0)
  mendAll(world, ['crosslink:sp1', 'crosslink:sp2'])
}

/** Ping nodes change sides as often as A4 allows, for longer than Q. What two rounds are for. */
function shiftingPartition(world: World, endMs: number): number {
  const { random, timeline } = world
  const { heartbeatMs, majorityStreakMs } = world.nodes.sp1.policy.timing
  const turns = Math.ceil(random.spread(majorityStreakMs, 4 * majorityStreakMs) / (5 * heartbeatMs))
  partition(world)
  let lastsMs = 0
  for (let turn = 0; turn < turns; turn += 1) {
    lastsMs += random.between(4.2 * heartbeatMs, 7 * heartbeatMs)
    const last = turn === turns - 1
    timeline.after(lastsMs, () => {
      if (last) joinSegments(world)
      else if (timeline.nowMs < endMs) shift(world)
    })
  }
  return lastsMs
}

/** Services that fail and come back, again and again. */
function healthFlaps(world: World, node: SimNode, endMs: number): number {
  const { random, timeline } = world
  const { heartbeatMs, takeoverSilenceMs } = node.policy.timing
  let lastsMs = 0
  for (let flap = 0; flap < 1 + random.below(12); flap += 1) {
    const healthy = flap % 2 === 1
    timeline.after(lastsMs, () => {
      if (timeline.nowMs < endMs) setHealth(node, healthy)
    })
    lastsMs += random.spread(heartbeatMs / 2, takeoverSilenceMs)
  }
  timeline.after(lastsMs, () => setHealth(node, true))
  return lastsMs
}

function killed(world: World, node: SimNode, forMs: number, power: boolean): number {
  if (power) node.powerOff()
  else node.kill()
  world.timeline.after(forMs, () => node.start())
  return forMs
}

function setHealth(node: SimNode, healthy: boolean): void {
  node.healthy = healthy
  node.tellHealth()
}

function setMaintenance(node: SimNode, on: boolean): void {
  node.maintenance = on
  node.take({ type: 'maintenance', on })
}
