/**
 * What can be done to a pair in a transcript? One command per line, in an operator's words.
 *
 * The table below is the language: the form of each command, and what it does. How a node, a time or
 * a wire is written is said in scenario-word.ts.
 */
import type { NodeName } from '../core/policy.ts'
import type { Weather } from './network.ts'
import type { Manners } from './node.ts'
import type { Rehearsal } from './rehearsal.ts'
import { count, duration, either, node, place, ratio, WordFault, wires } from './scenario-word.ts'

type Words = readonly string[]

interface Command {
  /** Words in capitals stand for what is given. */
  form: string
  carryOut(rehearsal: Rehearsal, words: Words): void
}

function weather(rehearsal: Rehearsal, change: Partial<Weather>): void {
  const { network } = rehearsal.world
  network.weather = { ...network.weather, ...change }
}

function manners(rehearsal: Rehearsal, word: string | undefined, change: Partial<Manners>): void {
  const one = rehearsal.world.nodes[node(word)]
  one.manners = { ...one.manners, ...change }
}

/** Segments of the LAN, each with its places; the crosslink is no part of it. */
function divide(rehearsal: Rehearsal, words: Words): void {
  let segment = 1
  for (const word of words) {
    if (word === '|') segment += 1
    else rehearsal.world.network.move(place(rehearsal.world.network, word), segment)
  }
}

function replay(rehearsal: Rehearsal, from: NodeName, everyMs: number): void {
  const { world } = rehearsal
  const to = world.nodes[from === 'sp1' ? 'sp2' : 'sp1']
  const kept = (world.recording ?? []).filter((entry) => entry.from === from)
  world.recording = null
  kept.forEach(({ heartbeat }, index) => {
    world.timeline.after(index * everyMs, () => world.replay(to, heartbeat))
  })
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  run: { form: 'run TIME', carryOut: (r, [time]) => r.run(duration(time)) },
  start: { form: 'start NODE', carryOut: (r, [name]) => r.start(node(name)) },
  kill: { form: 'kill NODE', carryOut: (r, [name]) => r.world.nodes[node(name)].kill() },
  restart: {
    form: 'restart NODE after TIME',
    carryOut: (r, [name, , time]) => {
      r.world.nodes[node(name)].kill()
      r.world.timeline.after(duration(time), () => r.start(node(name)))
    },
  },
  'power-off': {
    form: 'power-off NODE',
    carryOut: (r, [name]) => {
      r.world.nodes[node(name)].powerOff()
      r.chronicle.gateMoved(r.world.nodes[node(name)])
    },
  },
  stop: {
    form: 'stop NODE for TIME',
    carryOut: (r, [name, , time]) => r.world.nodes[node(name)].stop(duration(time)),
  },
  suspend: {
    form: 'suspend NODE for TIME',
    carryOut: (r, [name, , time]) => {
      const one = r.world.nodes[node(name)]
      one.suspend(duration(time))
      r.world.timeline.after(duration(time), () => r.chronicle.gateMoved(one))
    },
  },
  cut: {
    form: 'cut crosslink | sp1>sp2 | sp2>sp1 | nodes | lan NODE',
    carryOut: (r, [what, name]) => {
      if (what === 'lan') r.world.network.move(node(name), name === 'sp1' ? 98 : 99)
      else for (const wire of wires(what)) r.world.network.cut(wire)
    },
  },
  mend: {
    form: 'mend crosslink | sp1>sp2 | sp2>sp1 | nodes | lan NODE',
    carryOut: (r, [what, name]) => {
      if (what === 'lan') r.world.network.move(node(name), 0)
      else for (const wire of wires(what)) r.world.network.mend(wire)
    },
  },
  divide: { form: 'divide PLACE … | PLACE …', carryOut: divide },
  heal: { form: 'heal', carryOut: (r) => r.world.network.heal() },
  'ping-node': {
    form: 'ping-node PLACE off|on',
    carryOut: (r, [name, state]) => {
      const { out } = r.world.network
      const target = place(r.world.network, name)
      if (either(state, 'off', 'on') === 'off') out.add(target)
      else out.delete(target)
    },
  },
  'ping-nodes': {
    form: 'ping-nodes off|on',
    carryOut: (r, [state]) => {
      const { out, pingNodes } = r.world.network
      if (either(state, 'off', 'on') === 'on') out.clear()
      else for (const one of pingNodes) out.add(one)
    },
  },
  loss: { form: 'loss RATIO', carryOut: (r, [share]) => weather(r, { lossRatio: ratio(share) }) },
  'ping-loss': {
    form: 'ping-loss RATIO',
    carryOut: (r, [share]) => weather(r, { pingLossRatio: ratio(share) }),
  },
  delay: {
    form: 'delay TIME',
    carryOut: (r, [time]) => weather(r, { delayMaxMs: duration(time) }),
  },
  ask: {
    form: 'ask NODE at NODE [force]',
    carryOut: (r, [name, , at, force]) => {
      const one = r.world.nodes[node(at)]
      one.take({ type: 'ask', node: node(name), force: force === 'force' })
    },
  },
  maintenance: {
    form: 'maintenance NODE on|off',
    carryOut: (r, [name, state]) => {
      const one = r.world.nodes[node(name)]
      one.maintenance = either(state, 'on', 'off') === 'on'
      one.take({ type: 'maintenance', on: one.maintenance })
    },
  },
  health: {
    form: 'health NODE good|bad',
    carryOut: (r, [name, state]) => {
      const one = r.world.nodes[node(name)]
      one.healthy = either(state, 'good', 'bad') === 'good'
      one.take({ type: 'health', healthy: one.healthy })
    },
  },
  disk: {
    form: 'disk NODE good|hangs|TIME',
    carryOut: (r, [name, how]) => {
      const diskMs = how === 'good' || how === 'hangs' ? 2 : duration(how)
      manners(r, name, { diskHangs: how === 'hangs', diskMs })
    },
  },
  'lose-disk': {
    form: 'lose-disk NODE',
    carryOut: (r, [name]) => {
      r.world.nodes[node(name)].disk = { term: 0, sole: false }
    },
  },
  timers: {
    form: 'timers NODE late TIME',
    carryOut: (r, [name, , time]) => manners(r, name, { tickLateMs: duration(time) }),
  },
  demotion: {
    form: 'demotion NODE takes TIME',
    carryOut: (r, [name, , time]) => manners(r, name, { demoteMs: duration(time) }),
  },
  write: {
    form: 'write NODE COUNT',
    carryOut: (r, [name, writes]) => r.stores.write(node(name), count(writes)),
  },
  replication: {
    form: 'replication halts|goes-on',
    carryOut: (r, [state]) => {
      r.stores.halted = either(state, 'halts', 'goes-on') === 'halts'
    },
  },
  record: {
    form: 'record',
    carryOut: (r) => {
      r.world.recording = []
    },
  },
  replay: {
    form: 'replay NODE every TIME',
    carryOut: (r, [name, , time]) => replay(r, node(name), duration(time)),
  },
  witness: {
    form: 'witness NODE cut|mended',
    carryOut: (r, [name, state]) => {
      const { unreachable } = r.world.witness
      if (either(state, 'cut', 'mended') === 'cut') unreachable.add(node(name))
      else unreachable.delete(node(name))
    },
  },
  'fence-agent': {
    form: 'fence-agent works|fails|lies',
    carryOut: (r, [how]) => {
      const works = either(how, 'works', 'fails', 'lies') === 'works'
      r.world.fencing = { takesMs: 50, works, lies: how === 'lies' }
    },
  },
  configure: {
    form: 'configure NODE digest WORD',
    carryOut: (r, [name, , digest]) => {
      const one = r.world.nodes[node(name)]
      one.policy = { ...one.policy, digest: digest ?? '' }
    },
  },
}

/**
 * Carries out one line.
 *
 * @throws Error naming what was expected, in words that follow the name of a file and a line
 */
export function carryOutCommand(rehearsal: Rehearsal, line: string): void {
  const [verb, ...words] = line.split(/\s+/)
  const command = Object.hasOwn(COMMANDS, verb ?? '') ? COMMANDS[verb ?? ''] : undefined
  if (command === undefined) {
    throw new Error(`unknown command '${verb}'; there are ${Object.keys(COMMANDS).join(', ')}`)
  }
  try {
    command.carryOut(rehearsal, words)
  } catch (error) {
    if (!(error instanceof WordFault)) throw error
    throw new Error(`'${line}': ${error.message}; the form is: ${command.form}`)
  }
}
