// What an operator is told is compared whole; the pairs are real ones of the simulator. Then it is held
// against the core twice: the first blocker is the one the core stops at, and what is said to happen
// after a fault does happen when the simulator lets that fault strike.
import { describe, expect, test } from 'vitest'
import { type Explanation, explain } from '../../src/core/explain.ts'
import type { NodeName } from '../../src/core/policy.ts'
import { switchoverBlocker } from '../../src/core/switchover.ts'
import { takeoverBlocker } from '../../src/core/takeover.ts'
import { serving } from '../../src/sim/checkers.ts'
import { PAIR_DEFAULTS, type PairOptions, Rehearsal } from '../../src/sim/rehearsal.ts'
import { carryOutCommand } from '../../src/sim/scenario-command.ts'

interface Case {
  /** Continues "told by sp1 when …". */
  when: string
  at: NodeName
  pair?: Partial<PairOptions>
  commands: readonly string[]
  expected: readonly string[]
}

function rehearse(one: Pick<Case, 'pair' | 'commands'>): Rehearsal {
  const rehearsal = new Rehearsal({ ...PAIR_DEFAULTS, ...one.pair })
  for (const line of one.commands) carryOutCommand(rehearsal, line)
  return rehearsal
}

function explained(rehearsal: Rehearsal, at: NodeName): Explanation {
  const node = rehearsal.world.nodes[at]
  if (node.loop === null) throw new Error(`${at} is down`)
  return explain(node.loop.state, node.policy, node.now())
}

function shown({ blockers, ifs }: Explanation): string[] {
  return [
    `takeover: ${blockers.takeover.join(' ') || 'free'}`,
    `switchover: ${blockers.switchover.join(' ') || 'free'}`,
    ...ifs.map(({ fault, outcome, boundMs }) => `${fault} -> ${outcome} [${boundMs}]`),
  ]
}

/** sp2 was down while sp1 went on alone, and cannot catch up. */
const LACKING = [
  ...['power-off sp2', 'run 2s', 'replication halts', 'write sp1 10'],
  ...['run 1s', 'start sp2', 'run 2s'],
]

const CASES: readonly Case[] = [
  {
    when: 'all is well and it is active',
    at: 'sp1',
    commands: [],
    expected: [
      'takeover: free',
      'switchover: free',
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'the agent of sp2 freezes -> nothing moves: sp1 goes on [0]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp1 is cut -> sp2 reaches more ping nodes and is handed the role [1400]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp1 dies -> sp2 takes over [1400]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'all is well and it stands by',
    at: 'sp2',
    commands: [],
    expected: [
      'takeover: promise peer-heard not-told-long-enough address-answered',
      'switchover: free',
      'the machine of sp1 dies -> sp2 takes over [1400]',
      'the agent of sp1 freezes -> sp2 takes over [2000]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp2 is cut -> nothing moves: sp1 goes on, but sp2 could not take over meanwhile [0]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'it is active and the peer is in maintenance',
    at: 'sp1',
    commands: ['maintenance sp2 on', 'run 500ms'],
    expected: [
      'takeover: free',
      'switchover: peer-not-able',
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'the agent of sp2 freezes -> nothing moves: sp1 goes on [0]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp1 is cut -> sp1 stays active although clients cannot reach it: sp2 could not serve [null]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp1 dies -> nobody serves: sp2 is in maintenance [null]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'it is active and the peer has been dead for a while',
    at: 'sp1',
    commands: ['power-off sp2', 'run 3s'],
    expected: [
      'takeover: free',
      'switchover: peer-silent',
      'the machine of sp2 dies -> sp2 is silent already: see what stands in the way [null]',
      'the agent of sp2 freezes -> sp2 is silent already: see what stands in the way [null]',
      'the crosslink is cut -> sp2 is silent already: see what stands in the way [null]',
      'the LAN of sp1 is cut -> sp1 stops serving after 600 ms and nobody serves: sp2 is silent [null]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      'all ping nodes die -> sp1 stops serving after 600 ms and nobody serves: sp1 does not reach a majority of the ping nodes [null]',
      'the machine of sp1 dies -> unknown: sp2 is not heard [null]',
      'both machines reboot (counted from the last agent up) -> if sp2 stays silent, sp1 takes over; else the two elect one of them [1700]',
    ],
  },
  {
    when: 'it stands by and its services have failed',
    at: 'sp2',
    commands: ['health sp2 bad', 'run 500ms'],
    expected: [
      'takeover: unhealthy promise peer-heard not-told-long-enough address-answered',
      'switchover: unhealthy',
      'the machine of sp1 dies -> sp2 takes over only after the configured wait: services of sp2 failed [120600]',
      'the agent of sp1 freezes -> sp2 takes over only after the configured wait: services of sp2 failed [120600]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp2 is cut -> nothing moves: sp1 goes on, but sp2 could not take over meanwhile [0]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'it stands by and its LAN is cut',
    at: 'sp2',
    commands: ['cut lan sp2', 'run 1s'],
    expected: [
      'takeover: promise peer-heard not-told-long-enough no-majority address-answered',
      'switchover: free',
      'the machine of sp1 dies -> nobody serves: sp2 does not reach a majority of the ping nodes [null]',
      'the agent of sp1 freezes -> nobody serves: sp2 does not reach a majority of the ping nodes [null]',
      'the crosslink is cut -> nothing moves: sp1 goes on [0]',
      'the LAN of sp2 is cut -> nothing moves: sp1 goes on, but sp2 could not take over meanwhile [0]',
      "a ping node dies (the gateway, say) -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'the configurations differ and it stands by',
    at: 'sp2',
    commands: ['configure sp2 digest other', 'restart sp2 after 10ms', 'run 3s'],
    expected: [
      'takeover: digest-differs promise peer-heard not-told-long-enough address-answered',
      'switchover: digest-differs',
      'the machine of sp1 dies -> nobody serves: the nodes are configured differently [null]',
      'the agent of sp1 freezes -> nobody serves: the nodes are configured differently [null]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp2 is cut -> nothing moves: sp1 goes on, but sp2 could not take over meanwhile [0]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'both machines reboot (counted from the last agent up) -> nobody serves: the nodes are configured differently [null]',
    ],
  },
  {
    when: 'the standby lacks data and stale data is refused',
    at: 'sp1',
    pair: { data: 'strict' },
    commands: LACKING,
    expected: [
      'takeover: free',
      'switchover: free',
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'the agent of sp2 freezes -> nothing moves: sp1 goes on [0]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp1 is cut -> sp1 stays active, with writes frozen now and then, until sp2 has its data [null]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp1 dies -> nobody serves: sp2 may lack confirmed data [null]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'it lacks data and stale data may serve later',
    at: 'sp2',
    pair: { data: 'strict', stale: 'serve', staleWaitMs: 5_000 },
    commands: LACKING,
    expected: [
      'takeover: data-may-be-stale promise peer-heard not-told-long-enough address-answered',
      'switchover: free',
      'the machine of sp1 dies -> sp2 takes over only after the configured wait: sp2 may lack confirmed data [5600]',
      'the agent of sp1 freezes -> sp2 takes over only after the configured wait: sp2 may lack confirmed data [5600]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp2 is cut -> nothing moves: sp1 goes on, but sp2 could not take over meanwhile [0]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'every ping node is dead and it is active',
    at: 'sp1',
    commands: ['ping-nodes off', 'run 1s'],
    expected: [
      'takeover: free',
      'switchover: free',
      'the machine of sp2 dies -> sp1 stops serving after 600 ms and nobody serves: sp1 does not reach a majority of the ping nodes [null]',
      'the agent of sp2 freezes -> sp1 stops serving after 600 ms and nobody serves: sp1 does not reach a majority of the ping nodes [null]',
      'the crosslink is cut -> if the LAN is down too, as no ping node answers: nobody serves: sp2 does not reach a majority of the ping nodes [null]',
      'the LAN of sp1 is cut -> sp1 stays active although clients cannot reach it: sp2 reaches no ping node either [null]',
      "a ping node dies (the gateway, say) -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp1 dies -> nobody serves: sp2 does not reach a majority of the ping nodes [null]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'a witness guards the pair and it stands by',
    at: 'sp2',
    pair: { mode: 'witness', profile: 'fast' },
    commands: [],
    expected: [
      'takeover: promise peer-heard',
      'switchover: free',
      'the machine of sp1 dies -> sp2 takes over [200]',
      'the agent of sp1 freezes -> sp2 takes over [200]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp2 is cut -> nothing moves: sp1 goes on, but sp2 could not take over meanwhile [0]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      "all ping nodes die -> nothing moves: the peer's grants carry sp1 on, but no takeover is possible meanwhile [0]",
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [80]',
    ],
  },
  {
    when: 'fencing guards the pair and it stands by',
    at: 'sp2',
    pair: { mode: 'fence' },
    commands: [],
    expected: [
      'takeover: promise peer-heard not-told-long-enough not-fenced',
      'switchover: free',
      'the machine of sp1 dies -> sp2 has the other switched off and takes over: 2600 ms, and what the fence agent takes [null]',
      'the agent of sp1 freezes -> sp2 has the other switched off and takes over: 2600 ms, and what the fence agent takes [null]',
      'the crosslink is cut -> nothing moves: heartbeats go on over the LAN [0]',
      'the LAN of sp2 is cut -> nothing moves: sp1 goes on, but sp2 could not take over meanwhile [0]',
      'a ping node dies (the gateway, say) -> nothing moves: sp1 goes on [0]',
      'all ping nodes die -> nothing moves: sp1 goes on [0]',
      'the machine of sp2 dies -> nothing moves: sp1 goes on [0]',
      'both machines reboot (counted from the last agent up) -> the two elect one of them [400]',
    ],
  },
  {
    when: 'it has just lost its peer and everything else as well',
    at: 'sp2',
    commands: ['cut crosslink', 'divide sp1 ping0 ping1 ping2 | sp2', 'run 2s'],
    expected: [
      'takeover: not-told-long-enough no-majority address-answered',
      'switchover: peer-silent',
      'the machine of sp1 dies -> sp1 is silent already: see what stands in the way [null]',
      'the agent of sp1 freezes -> sp1 is silent already: see what stands in the way [null]',
      'the crosslink is cut -> sp1 is silent already: see what stands in the way [null]',
      'the LAN of sp2 is cut -> nobody serves now, and nobody would [null]',
      'a ping node dies (the gateway, say) -> nobody serves now, and nobody would [null]',
      'all ping nodes die -> nobody serves now, and nobody would [null]',
      'the machine of sp2 dies -> unknown: sp1 is not heard [null]',
      'both machines reboot (counted from the last agent up) -> if sp1 stays silent, nobody serves: sp2 does not reach a majority of the ping nodes; else the two elect one of them [null]',
    ],
  },
]

describe('explain', () => {
  test.each(CASES)('tells all of it at $at when $when', ({ at, pair, commands, expected }) => {
    expect(shown(explained(rehearse({ ...(pair && { pair }), commands }), at))).toEqual(expected)
  })

  test('names first what the core stops at, whatever the state', () => {
    for (const seed of [3, 14, 15, 92]) {
      const rehearsal = rehearse({ pair: { seed }, commands: [] })
      for (const line of TROUBLES) {
        carryOutCommand(rehearsal, line)
        for (const at of ['sp1', 'sp2'] as const) compareWithCore(rehearsal, at)
      }
    }
  })
})

const TROUBLES = [
  ...['cut nodes', 'run 130ms', 'run 270ms', 'run 900ms', 'mend nodes', 'run 1s'],
  ...['ping-nodes off', 'run 400ms', 'cut crosslink', 'run 2s', 'ping-nodes on', 'run 1500ms'],
  ...['mend crosslink', 'run 50ms', 'maintenance sp1 on', 'run 200ms', 'health sp2 bad', 'run 1s'],
  ...['stop sp2 for 900ms', 'run 950ms', 'maintenance sp1 off', 'run 20ms', 'run 2s'],
]

function compareWithCore(rehearsal: Rehearsal, at: NodeName): void {
  const node = rehearsal.world.nodes[at]
  const { loop, policy } = node
  if (loop === null) return
  const now = node.now()
  const turn = { s: loop.state, policy, now, effects: [] }
  const { blockers } = explain(loop.state, policy, now)
  if (loop.state.role === 'active')
    expect(blockers.switchover[0] ?? null).toBe(switchoverBlocker(turn))
  else expect(blockers.takeover[0] ?? null).toBe(takeoverBlocker(turn))
}

/** What strikes for each line of "what if", in its order. */
function strikes(at: NodeName, peerUp: boolean): readonly (readonly string[])[] {
  const peer = at === 'sp1' ? 'sp2' : 'sp1'
  const starts = peerUp ? [`start ${peer}`, `start ${at}`] : [`start ${at}`]
  return [
    [`power-off ${peer}`],
    [`stop ${peer} for 3600s`],
    ['cut crosslink'],
    [`cut lan ${at}`],
    ['ping-node ping0 off'],
    ['ping-nodes off'],
    [`power-off ${at}`],
    [`power-off ${peer}`, `power-off ${at}`, ...starts],
  ]
}

/** Who served after the fault, in the words of what was said of it. */
function came(rehearsal: Rehearsal, fromMs: number, boundMs: number | null): string {
  const { world, chronicle } = rehearsal
  const opened = (['sp1', 'sp2'] as const).flatMap((name) => chronicle.opensAfter(name, fromMs))
  rehearsal.run(boundMs ?? 4000)
  if (boundMs === 0) rehearsal.run(4000)
  const outages = chronicle.outages(fromMs, rehearsal.nowMs)
  if (serving(world).length === 0) return 'nobody serves'
  return outages.length + opened.length === 0 ? 'nothing moves' : 'served in time'
}

function promised(outcome: string, boundMs: number | null): string | null {
  if (boundMs === 0) return 'nothing moves'
  if (boundMs !== null) return 'served in time'
  return /^nobody serves: |and nobody serves: /.test(outcome) ? 'nobody serves' : null
}

describe('what is said to happen', () => {
  test.each(CASES)('happens, as told by $at when $when', ({ at, pair, commands }) => {
    const one = { ...(pair && { pair }), commands }
    const { ifs } = explained(rehearse(one), at)
    const peerUp = rehearse(one).world.nodes[at === 'sp1' ? 'sp2' : 'sp1'].running
    const found = strikes(at, peerUp).map((lines, index) => {
      const { fault, outcome, boundMs } = ifs[index] ?? { fault: '', outcome: '', boundMs: null }
      const said = promised(outcome, boundMs)
      if (said === null) return { fault, said, was: null }
      const rehearsal = rehearse(one)
      const fromMs = rehearsal.nowMs
      for (const line of lines) carryOutCommand(rehearsal, line)
      return { fault, said, was: came(rehearsal, fromMs, boundMs) }
    })
    expect(found.map(({ fault, was }) => [fault, was])).toEqual(
      found.map(({ fault, said }) => [fault, said]),
    )
  })
})
