/**
 * How are the cases of calls measured many times? On one pair per way of running services, run by run.
 *
 * A run that met trouble is a result like any other; the pair is then built anew. A case that cannot be
 * run three times in a row is given up. Services take turns, for one that fails too often within a minute makes
 * its node unfit, as it should.
 */
import { existsSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import {
  blankRun,
  type CallsCase,
  type CallsRun,
  hangCase,
  killCase,
  type Mode,
  moveCase,
  powerCutCase,
  ringingCase,
} from './calls-case.ts'
import { beyondPauseMs, judgeCalls } from './calls-requirement.ts'
import { NODE_NAMES } from './plan.ts'
import type { CallsLine } from './record.ts'
import type { StorePair } from './store-pair.ts'
import { buildVoipPair } from './voip.ts'
import { VOIP_SERVICES, type VoipService } from './voip-config.ts'

const TROUBLES_MAX = 3
const CALLS = 20
const MANY_CALLS = 200

export interface CallsBenchOrder {
  /** Power cuts of each kind; the others accordingly. */
  runs: number
  /** Of all cases only these. */
  only: readonly CallsCase[]
  session: string
  prefix: string
  /** Where what the nodes said in a run that broke a promise is kept. */
  logDirectory: string | undefined
  /** Takes each result as soon as it is known. */
  keep(line: CallsLine): void
  progress(text: string): void
}

interface Turn {
  case: CallsCase
  mode: Mode
  service: VoipService | null
  run: number
}

/** Everything, in order. */
export function callsTurns(runs: number): Turn[] {
  const some = Math.ceil(runs / 2)
  const times = (count: number, name: CallsCase, mode: Mode): Turn[] =>
    Array.from({ length: count }, (_, index) => ({
      ...{ case: name, mode, service: null, run: index + 1 },
    }))
  const round = (name: CallsCase, services: readonly VoipService[], run: number): Turn[] =>
    services.map((service) => ({ case: name, mode: 'always', service, run }))
  const rounds = Array.from({ length: some }, (_, index) => [
    ...round('kill', VOIP_SERVICES, index + 1),
    ...round('hang', VOIP_SERVICES, index + 1),
    ...round('hang-workers', ['lb', 'proxy'], index + 1),
  ])
  return [
    ...times(runs, 'power-cut', 'always'),
    // There and back, three times.
    ...times(6, 'move', 'always'),
    ...times(some, 'ringing', 'always'),
    ...rounds.flat(),
    ...times(2, 'many', 'always'),
    ...times(runs, 'power-cut', 'active'),
    ...times(6, 'move', 'active'),
    ...times(some, 'ringing', 'active'),
  ]
}

/** Measures all of it. Throws only when no pair can be built. */
export async function benchCalls(order: CallsBenchOrder): Promise<void> {
  let built: { pair: StorePair; mode: Mode } | null = null
  const troubles = new Map<string, number>()
  const turns = callsTurns(order.runs).filter((turn) => order.only.includes(turn.case))
  try {
    for (const [index, turn] of turns.entries()) {
      const kind = `${turn.case} ${turn.service ?? turn.mode}`
      if ((troubles.get(kind) ?? 0) >= TROUBLES_MAX) continue
      if (built !== null && built.mode !== turn.mode) {
        await built.pair.destroy()
        built = null
      }
      const { mode } = turn
      built ??= { mode, pair: await buildVoipPair(order.prefix, { profile: 'fast', mode }) }
      const result = await oneRun(built.pair, turn)
      order.keep({ ...result, kind: 'calls', session: order.session })
      const broken = judgeCalls([result]).some(({ failures }) => failures.length > 0)
      if (broken && order.logDirectory !== undefined) {
        await keepLogs(
          built.pair,
          `${order.logDirectory}/${kind} ${mode} ${turn.run}`.replaceAll(' ', '-'),
        )
      }
      order.progress(
        `[${index + 1}/${turns.length}] ${kind}, ${mode}, run ${turn.run}: ${figures(result)}`,
      )
      const hadTrouble = result.trouble.length > 0
      troubles.set(kind, hadTrouble ? (troubles.get(kind) ?? 0) + 1 : 0)
      if (!hadTrouble) continue
      await built.pair.destroy()
      built = null
    }
  } finally {
    await built?.pair.destroy()
  }
}

async function oneRun(pair: StorePair, { service, ...turn }: Turn): Promise<CallsRun> {
  const blank = blankRun(turn)
  const ofService = { ...blank, service: service ?? 'lb' }
  try {
    switch (turn.case) {
      case 'power-cut':
        return await powerCutCase(pair, blank, CALLS)
      case 'move':
        return await moveCase(pair, blank, CALLS)
      case 'ringing':
        return await ringingCase(pair, blank, CALLS)
      case 'many':
        return await moveCase(pair, blank, MANY_CALLS)
      case 'kill':
        return await killCase(pair, ofService, CALLS)
      case 'hang':
      case 'hang-workers':
        return await hangCase(pair, ofService)
    }
  } catch (error) {
    const trouble = [error instanceof Error ? error.message : String(error)]
    return { ...blank, service, trouble }
  }
}

/** What the agents and services of both nodes said until now, and what the telephones heard. */
async function keepLogs({ lab, nodes }: StorePair, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  const kept = async (from: string, to: string): Promise<void> => {
    if (existsSync(from)) await copyFile(from, `${directory}/${to}`)
  }
  await kept(`${lab.plan.workDir}/media.pcap`, 'media.pcap')
  for (const name of NODE_NAMES) {
    await kept(nodes[name].logFile, `${name}.log`)
    for (const service of VOIP_SERVICES) {
      await kept(`${lab.plan.workDir}/${name}/voip/${service}.log`, `${name}-${service}.log`)
    }
  }
}

function figures(run: CallsRun): string {
  const { calls, survived, silence, past, noticedMs, backMs, left, trouble } = run
  if (trouble.length > 0) return trouble.join('; ').slice(0, 300)
  const gapMs = beyondPauseMs(run)
  const told = (what: string, ms: number | null): string =>
    ms === null ? '' : `${what} after ${ms.toFixed(0)} ms`
  return [
    calls === 0 ? '' : `${survived} of ${calls} survived`,
    gapMs === null
      ? ''
      : `silence ${gapMs.toFixed(0)} ms (control ${silence?.controlMs.toFixed(0)})`,
    past === 0 ? '' : `${past} packets past the relay`,
    told('noticed', noticedMs),
    told('back', backMs),
    ...left,
  ]
    .filter((part) => part !== '')
    .join(', ')
}
