/**
 * How does a transcript read, and what does the pair answer?
 *
 * A transcript is a text: a story after `#`, a line `pair` with what the pair is like, commands (see
 * scenario-command.ts), a line `----`, and what both nodes did. `before` puts a command ahead of the
 * zero of the clock: it is carried out, and nothing of it is told. The same text always gives the
 * same answer, to the millisecond.
 *
 *     # The power of the active machine fails.
 *     # The standby takes over once the lease of the other must have run out.
 *
 *     pair active=sp1 data=none
 *     power-off sp1
 *     run 3s
 *     ----
 *        0 ms       power-off sp1
 *        0 ms  sp1  gate closes
 *     1303 ms  sp2  standby -> take: peer-silent
 *     …
 *     outage 1305 ms (0 to 1305), dual 0 ms
 */
import { BLOCKERS } from '../core/reason.ts'
import { switchoverBlocker } from '../core/switchover.ts'
import { serving } from './checkers.ts'
import { toldEntry } from './chronicle.ts'
import { PAIR_DEFAULTS, type PairOptions, Rehearsal } from './rehearsal.ts'
import { carryOutCommand } from './scenario-command.ts'
import { count, duration, either, WordFault } from './scenario-word.ts'

export interface Line {
  /** Counted from 1. */
  number: number
  text: string
  /** Ahead of the zero of the clock. */
  before: boolean
}

export interface Scenario {
  /** Where errors are said to be. */
  file: string
  /** Everything above the rule, as written. */
  head: string
  pair: PairOptions
  commands: readonly Line[]
  /** Everything below the rule. */
  expected: string
}

const RULE = '----'
const NAMES = ['sp1', 'sp2'] as const

const PAIR_KEYS: Readonly<Record<string, (pair: PairOptions, value: string) => void>> = {
  seed: (pair, value) => {
    pair.seed = count(value)
  },
  profile: (pair, value) => {
    pair.profile = either(value, 'default', 'fast')
  },
  mode: (pair, value) => {
    pair.mode = either(value, 'ping', 'witness', 'fence')
  },
  active: (pair, value) => {
    const active = either(value, 'sp1', 'sp2', 'none')
    pair.active = active === 'none' ? null : active
  },
  'ping-nodes': (pair, value) => {
    pair.pingNodeCount = count(value)
  },
  data: (pair, value) => {
    pair.data = either(value, 'none', 'recent', 'strict')
  },
  stale: (pair, value) => {
    pair.stale = either(value, 'serve', 'refuse')
  },
  'stale-wait': (pair, value) => {
    pair.staleWaitMs = duration(value)
  },
  'confirm-alone': (pair, value) => {
    pair.confirmAloneAfterMs = duration(value)
  },
  t3: (pair, value) => {
    pair.probesCross = either(value, 'on', 'off') === 'on'
  },
  reflection: (pair, value) => {
    pair.reflects = either(value, 'on', 'off') === 'on'
  },
  'rate-sp1': (pair, value) => {
    pair.rates = { ...pair.rates, sp1: rate(value) }
  },
  'rate-sp2': (pair, value) => {
    pair.rates = { ...pair.rates, sp2: rate(value) }
  },
}

function rate(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) > 0) return Number(value)
  throw new WordFault('a rate', '0.99', value)
}

/**
 * Reads a transcript.
 *
 * @throws Error naming file, line and what was expected
 */
export function parseScenario(file: string, text: string): Scenario {
  const lines = text.split('\n')
  const ruleAt = lines.indexOf(RULE)
  const head = ruleAt < 0 ? lines : lines.slice(0, ruleAt)
  const pair = { ...PAIR_DEFAULTS }
  const commands: Line[] = []
  head.forEach((line, index) => {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === '' || word === undefined || word.startsWith('#')) return
    if (word === 'pair') {
      inLine(file, index + 1, () => readPair(pair, rest))
      return
    }
    const before = word === 'before'
    const words = before ? rest : [word, ...rest]
    commands.push({ number: index + 1, text: words.join(' '), before })
  })
  const expected = ruleAt < 0 ? '' : lines.slice(ruleAt + 1).join('\n')
  return { file, head: head.join('\n').trimEnd(), pair, commands, expected }
}

function readPair(pair: PairOptions, words: readonly string[]): void {
  for (const word of words) {
    const [key = '', value = ''] = word.split('=')
    const set = Object.hasOwn(PAIR_KEYS, key) ? PAIR_KEYS[key] : undefined
    if (set === undefined) {
      throw new Error(`unknown key '${key}'; there are ${Object.keys(PAIR_KEYS).join(', ')}`)
    }
    try {
      set(pair, value)
    } catch (error) {
      throw new Error(`${key}: ${messageOf(error)}`)
    }
  }
}

function inLine<T>(file: string, number: number, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new Error(`${file}, line ${number}: ${messageOf(error)}`)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What a played transcript showed. */
export interface Played {
  /** Everything below the rule. */
  text: string
  dualMs: number
}

/**
 * Plays a transcript.
 *
 * @throws Error naming file and line of a command that cannot be carried out
 */
export function playScenario(scenario: Scenario): Played {
  const rehearsal = new Rehearsal(scenario.pair)
  const { chronicle } = rehearsal
  const isBefore = (line: Line): boolean => line.before
  for (const line of scenario.commands.filter(isBefore)) act(scenario, rehearsal, line)
  const zeroMs = rehearsal.nowMs
  const toldFrom = chronicle.entries.length
  for (const line of scenario.commands) {
    if (line.before) continue
    if (!line.text.startsWith('run ')) chronicle.note(null, line.text + obstacle(rehearsal, line))
    act(scenario, rehearsal, line)
  }
  const entries = chronicle.entries.slice(toldFrom)
  const dualMs = chronicle.dualMs(rehearsal.nowMs)
  const text = [
    ...entries.map((entry) => toldEntry(entry, zeroMs)),
    '',
    `in the end: ${NAMES.map((name) => inTheEnd(rehearsal, name)).join(', ')}`,
    `${outages(rehearsal, zeroMs)}, dual ${Math.round(dualMs)} ms`,
  ]
  return { text: `${text.join('\n')}\n`, dualMs }
}

function act(scenario: Scenario, rehearsal: Rehearsal, line: Line): void {
  inLine(scenario.file, line.number, () => carryOutCommand(rehearsal, line.text))
}

/** What the active would answer to an operator who asks for the other node. */
function obstacle(rehearsal: Rehearsal, line: Line): string {
  const [verb, target] = line.text.split(' ')
  const active = serving(rehearsal.world)[0]
  if (verb !== 'ask' || active === undefined || active === target) return ''
  const one = rehearsal.world.nodes[active]
  if (one.loop === null) return ''
  const turn = { s: one.loop.state, policy: one.policy, now: one.now(), effects: [] }
  const blocker = switchoverBlocker(turn)
  return blocker === null ? '' : ` (in the way: ${BLOCKERS[blocker][0]})`
}

function inTheEnd(rehearsal: Rehearsal, name: (typeof NAMES)[number]): string {
  const one = rehearsal.world.nodes[name]
  const stopped = one.stopped ? ', stopped' : ''
  const gate = one.servesUntil() > rehearsal.nowMs ? ' and serving' : ''
  return `${name} is ${one.role}${gate}${stopped}`
}

function outages(rehearsal: Rehearsal, zeroMs: number): string {
  const spans = rehearsal.chronicle.outages(zeroMs, rehearsal.nowMs)
  if (spans.length === 0) return 'outage none'
  const words = spans.map(({ fromMs, untilMs }) => {
    const [from, until] = [Math.round(fromMs - zeroMs), Math.round(untilMs - zeroMs)]
    return `${until - from} ms (${from} to ${until === Math.round(rehearsal.nowMs - zeroMs) ? 'the end' : until})`
  })
  return `outage ${words.join(' and ')}`
}
