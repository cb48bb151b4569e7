/**
 * Which faults are measured, how long each is watched, and what PROTOCOL promises about it?
 *
 * Definitions only; `measure.ts` carries them out. Times to watch are long enough for the slowest
 * manager that is compared. Where the fault moves the role, the watch may end earlier, by the same rule
 * for all: one node alone has answered for a whole second.
 */
import type { Demand, Letters } from './demand.ts'
import { APART, burnCpu, type CpuLoad, type Fault, heal, impose, setCable } from './faults.ts'
import type { LabNode } from './node.ts'
import type { Nodes, PairDriver } from './pair.ts'
import { type LabNodeName, otherNode } from './plan.ts'
import type { Lab } from './topology.ts'

/** A pair that serves, about to meet a fault. */
export interface Stage {
  lab: Lab
  driver: PairDriver
  nodes: Nodes
  active: LabNode
  standby: LabNode
  load: CpuLoad | null
}

export interface Scenario {
  name: string
  /** What happens, for people. */
  title: string
  watchMs: number
  /** The watch may end once a single node has served again, but not before this. */
  watchMinMs?: number
  inject(stage: Stage): Promise<void>
  /** Promise while the fault lasts. */
  demand(letters: Letters): Demand
  /** What ends the fault; absent where it ends by itself. */
  mend?: (stage: Stage) => Promise<void>
  mendedWatchMs?: number
  /** Promise after it was mended; that nothing happens unless said otherwise. */
  mendedDemand?: (letters: Letters) => Demand
  /** Questions to nodes are lost by the fault itself: gaps this short do not end a serving span. */
  bridgedMs?: number
  /** The watch is long for statistics; `--seconds` may change it. */
  stretchable?: true
  /** Whose agent the fault itself stops: that this one paused explains nothing. */
  stops?: 'active' | 'standby'
  /** The manager on the active can clean nothing up any more: when is the address gone all the same? */
  leavesAddress?: true
}

const UNDISTURBED: Demand = { outageMs: 0, movesMax: 0, dualForbidden: true }
/** PROTOCOL, "Not protected": told, not judged. */
const UNPROTECTED: Demand = { outageMs: null, movesMax: null, dualForbidden: false }
export const undisturbed = (): Demand => UNDISTURBED

function movesWithin(outageMs: number): Demand {
  return { outageMs, movesMax: 1, dualForbidden: true }
}

const afterNode = (choose: (stage: Stage) => LabNode) => async (stage: Stage) => {
  const node = choose(stage)
  await node.powerOn()
  await stage.driver.start(node)
}
const healAll = (stage: Stage): Promise<void> => heal(stage.lab)

/** Frames dropped in the switch, chosen knowing who is active. */
function dropping(
  name: string,
  title: string,
  watchMs: number,
  demand: Scenario['demand'],
  faults: (active: LabNodeName) => readonly Fault[],
  more: Partial<Scenario> = {},
): Scenario {
  return {
    name,
    title,
    watchMs,
    demand,
    inject: (stage) => impose(stage.lab, faults(stage.active.name)),
    mend: healAll,
    mendedWatchMs: 5000,
    ...more,
  }
}

const LOSS_WATCH_MS = 60_000

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'power-cut',
    title: 'power cut of the active, then it boots again',
    watchMs: 5000,
    watchMinMs: 1500,
    stops: 'active',
    inject: (stage) => stage.active.powerOff(),
    demand: ({ D, H }) => movesWithin(D + 3 * H),
    mend: afterNode((stage) => stage.active),
    mendedWatchMs: 4000,
  },
  {
    name: 'standby-power-cut',
    title: 'power cut of the standby, then it boots again',
    watchMs: 3000,
    stops: 'standby',
    inject: (stage) => stage.standby.powerOff(),
    demand: undisturbed,
    mend: afterNode((stage) => stage.standby),
    mendedWatchMs: 4000,
  },
  {
    name: 'switchover',
    title: "planned switchover by the manager's own command",
    watchMs: 5000,
    watchMinMs: 1500,
    inject: (stage) => stage.driver.switchover(stage.active),
    demand: ({ H }) => movesWithin(3 * H),
  },
  {
    name: 'agent-kill',
    title: 'all of the manager on the active SIGKILLed, then started again',
    watchMs: 6000,
    watchMinMs: 3000,
    stops: 'active',
    leavesAddress: true,
    inject: async (stage) => stage.active.signal('SIGKILL'),
    demand: ({ L, M, H }) => movesWithin(2 * L + M + 6 * H),
    mend: (stage) => stage.driver.start(stage.active),
    mendedWatchMs: 4000,
  },
  {
    name: 'agent-freeze',
    title: 'all of the manager on the active SIGSTOPped for 20 s',
    watchMs: 20_000,
    stops: 'active',
    leavesAddress: true,
    inject: async (stage) => stage.active.pause(),
    demand: ({ L, M, H }) => movesWithin(2 * L + M + 6 * H),
    mend: async (stage) => stage.active.resume(),
    mendedWatchMs: 6000,
  },
  {
    name: 'crosslink-cut',
    title: 'crosslink unplugged for 15 s',
    watchMs: 15_000,
    inject: (stage) => setCable(stage.lab, 'crosslink', 'down'),
    demand: undisturbed,
    mend: healAll,
    mendedWatchMs: 5000,
  },
  {
    name: 'lan-cut',
    title: 'LAN cable of the active unplugged (carrier lost)',
    watchMs: 8000,
    watchMinMs: 2000,
    inject: (stage) => setCable(stage.lab, { lanOf: stage.active.name }, 'down'),
    demand: ({ C, H }) => movesWithin(C + 4 * H),
    mend: healAll,
    mendedWatchMs: 5000,
  },
  dropping(
    'lan-silent',
    'LAN of the active dead, carrier stays',
    8000,
    ({ C, H }) => movesWithin(C + 4 * H),
    (active) => [{ kind: 'lan-silent', machine: active }],
    { watchMinMs: 2000 },
  ),
  dropping('partition', 'nodes apart on all direct paths, ARP too', 15_000, undisturbed, () => [
    { kind: 'partition', arpPasses: false },
  ]),
  dropping(
    'partition-arp',
    'nodes apart but for ARP, no ping node reflects',
    15_000,
    undisturbed,
    () => [{ kind: 'partition', arpPasses: true }, { kind: 'no-reflection' }],
  ),
  dropping(
    'partition-blind',
    'nodes apart, ARP too, and no ping node reflects (not protected)',
    15_000,
    () => UNPROTECTED,
    () => APART,
    { mendedDemand: () => UNPROTECTED },
  ),
  dropping(
    'one-way-active-unheard',
    'frames of the active do not reach the standby, no reflection',
    8000,
    ({ L, M, H }) => movesWithin(2 * L + M + 10 * H),
    (active) => [{ kind: 'one-way', from: active }, { kind: 'no-reflection' }],
  ),
  dropping(
    'one-way-standby-unheard',
    'frames of the standby do not reach the active, no reflection',
    8000,
    undisturbed,
    (active) => [{ kind: 'one-way', from: otherNode(active) }, { kind: 'no-reflection' }],
  ),
  dropping('ping-node-dead', 'one ping node dead', 8000, undisturbed, () => [
    { kind: 'lan-silent', machine: 'ping2' },
  ]),
  {
    name: 'cpu-load',
    title: '8 busy loops at normal priority',
    watchMs: LOSS_WATCH_MS,
    stretchable: true,
    inject: async (stage) => {
      stage.load = burnCpu(stage.lab, 8, 120)
    },
    demand: undisturbed,
    mend: async (stage) => stage.load?.stop(),
    mendedWatchMs: 2000,
  },
  dropping(
    'loss-10',
    '10 % loss between the nodes on all paths',
    LOSS_WATCH_MS,
    undisturbed,
    () => [{ kind: 'loss', percent: 10 }],
    { stretchable: true, mendedWatchMs: 2000 },
  ),
  dropping(
    'loss-30',
    '30 % loss between the nodes on all paths',
    LOSS_WATCH_MS,
    undisturbed,
    () => [{ kind: 'loss', percent: 30 }],
    { stretchable: true, mendedWatchMs: 2000 },
  ),
  dropping(
    'loss-10-everywhere',
    '10 % loss on everything, ping nodes and clients too',
    LOSS_WATCH_MS,
    undisturbed,
    () => [{ kind: 'loss-everywhere', percent: 10 }],
    // The client loses every fifth exchange: seven in a row happen, a hundred do not.
    { stretchable: true, mendedWatchMs: 2000, bridgedMs: 100 },
  ),
]
