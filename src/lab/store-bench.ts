/**
 * How are the cases of the stores measured many times? On one pair per way of replicating, run by run.
 *
 * A run that met trouble is a result like any other; the pair is then built anew. A case that cannot be
 * run three times in a row is given up.
 */
import type { StoreLine } from './record.ts'
import {
  crosslinkCutCase,
  moveCase,
  powerCutCase,
  type StoreCase,
  type StoreRun,
} from './store-case.ts'
import { StorePair } from './store-pair.ts'

const TROUBLES_MAX = 3
const CROSSLINK_CUT_MS = 15_000

export interface StoreBenchOrder {
  /** Moves there and back, and power cuts of each kind. */
  runs: number
  session: string
  prefix: string
  /** Takes each result as soon as it is known. */
  keep(line: StoreLine): void
  progress(text: string): void
}

interface Series {
  case: StoreCase
  semiSync: boolean
  runs: number
}

/** Everything, in order. */
export function storeSeries(runs: number): Series[] {
  return [
    { case: 'move', semiSync: true, runs: 2 * runs },
    { case: 'power-cut', semiSync: true, runs },
    { case: 'crosslink-cut', semiSync: true, runs: Math.ceil(runs / 5) },
    { case: 'power-cut', semiSync: false, runs },
  ]
}

/** Measures all of it. Throws only when no pair can be built. */
export async function benchStores(order: StoreBenchOrder): Promise<void> {
  let pair: StorePair | null = null
  try {
    for (const series of storeSeries(order.runs)) {
      let troubles = 0
      for (let run = 1; run <= series.runs && troubles < TROUBLES_MAX; run += 1) {
        if (pair !== null && pair.semiSync !== series.semiSync) {
          await pair.destroy()
          pair = null
        }
        const { semiSync } = series
        pair ??= await StorePair.build(order.prefix, { profile: 'fast', semiSync })
        const result = await oneRun(pair, series.case, run)
        order.keep({ ...result, kind: 'store', session: order.session })
        order.progress(`${describe(series, run)}: ${figures(result)}`)
        troubles = result.trouble.length === 0 ? 0 : troubles + 1
        if (troubles === 0) continue
        await pair.destroy()
        pair = null
      }
    }
  } finally {
    await pair?.destroy()
  }
}

async function oneRun(pair: StorePair, name: StoreCase, run: number): Promise<StoreRun> {
  try {
    switch (name) {
      case 'move':
        return await moveCase(pair, run)
      case 'power-cut':
        return await powerCutCase(pair, run)
      case 'crosslink-cut':
        return await crosslinkCutCase(pair, run, CROSSLINK_CUT_MS)
    }
  } catch (error) {
    const trouble = [error instanceof Error ? error.message : String(error)]
    const none = { redis: 0, mariadb: 0 }
    const figures = { stallMs: none, writableMs: none, acknowledged: none, lost: none }
    const rest = { resync: null, aloneMs: null, togetherMs: null, trouble }
    return { case: name, semiSync: pair.semiSync, run, from: 'sp1', to: 'sp1', ...figures, ...rest }
  }
}

function describe({ case: name, semiSync, runs }: Series, run: number): string {
  return `${name} ${run}/${runs} (${semiSync ? 'semi-sync' : 'asynchronous'})`
}

function figures({ case: name, trouble, stallMs, writableMs, lost, aloneMs }: StoreRun): string {
  if (trouble.length > 0) return trouble.join('; ').slice(0, 300)
  const alone = aloneMs === null ? '' : `, alone after ${aloneMs.toFixed(0)}`
  const of = (values: { redis: number; mariadb: number }): string =>
    `redis ${values.redis.toFixed(0)}, sql ${values.mariadb.toFixed(0)}`
  // Elsewhere the longest silence need not be that of the case.
  const writable = name === 'power-cut' ? `, writable ${of(writableMs)} ms` : ''
  return `stall ${of(stallMs)} ms${writable}${alone}; lost ${of(lost)}`
}
