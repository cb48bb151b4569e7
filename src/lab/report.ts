/**
 * How are many runs shown on one page? A line per fault and pair: min, median, max, bound, verdict.
 */

import type { NodeCost } from './cost.ts'
import type { Letters } from './demand.ts'
import type { RunResult } from './measure.ts'
import { spread } from './outage.ts'
import type { Scenario } from './scenario.ts'

const COLUMNS = [
  'fault',
  'pair',
  'runs',
  'outage ms (min/med/max)',
  'bound',
  'control max',
  'moves',
  'dual ms',
  'after mending',
  'verdict',
] as const

/** The table of all results, in the order of the scenarios. */
export function renderTable(
  results: readonly RunResult[],
  scenarios: readonly Scenario[],
  letters: Letters,
): string {
  const rows = scenarios.flatMap((scenario) => {
    const here = results.filter((result) => result.fault === scenario.name)
    const pairs = [...new Set(here.map((result) => result.pair))]
    return pairs.map((pair) =>
      row(
        scenario,
        here.filter((result) => result.pair === pair),
        letters,
      ),
    )
  })
  return align([COLUMNS, ...rows])
}

function row(scenario: Scenario, runs: readonly RunResult[], letters: Letters): string[] {
  const during = runs.flatMap((run) => (run.during === null ? [] : [run.during]))
  const mended = runs.flatMap((run) => (run.mended === null ? [] : [run.mended]))
  const demand = scenario.demand(letters)
  const most = (values: readonly number[]): string => (spread(values)?.max ?? 0).toFixed(0)
  const open = during.some((seen) => !seen.outageEnded) ? ' (not over)' : ''
  const failed = runs.filter((run) => run.failures.length > 0).length
  const promised = demand.outageMs !== null || demand.movesMax !== null || demand.dualForbidden
  return [
    scenario.name,
    runs[0]?.pair ?? '',
    `${runs.length}`,
    `${threeOf(during.map((seen) => seen.outageMs))}${open}`,
    demand.outageMs === null ? 'none' : `${demand.outageMs}`,
    most(during.map((seen) => seen.controlMs)),
    most(during.map((seen) => seen.moves)),
    most(during.map((seen) => seen.dualMs)),
    mended.length === 0
      ? ''
      : `${threeOf(mended.map((seen) => seen.outageMs))}, moves ${most(mended.map((seen) => seen.moves))}, dual ${most(mended.map((seen) => seen.dualMs))}`,
    !promised ? 'told' : failed === 0 ? 'pass' : `FAIL ${failed}/${runs.length}`,
  ]
}

function threeOf(values: readonly number[]): string {
  const all = spread(values)
  return all === null
    ? '-'
    : [all.min, all.median, all.max].map((value) => value.toFixed(0)).join(' / ')
}

/** Lines about what an idle pair costs. */
export function renderCost(pair: string, costs: Readonly<Record<string, NodeCost>>): string {
  const rows = Object.entries(costs).map(([who, cost]) => [
    pair,
    who,
    `${(cost.cpuRatio * 100).toFixed(2)} %`,
    `${cost.rssMiB.toFixed(1)}`,
    `${cost.pssMiB.toFixed(1)}`,
    `${cost.processes}`,
  ])
  return align([['pair', 'node', 'CPU idle', 'RSS MiB', 'PSS MiB', 'processes'], ...rows])
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  )
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}
