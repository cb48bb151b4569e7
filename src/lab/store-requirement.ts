/**
 * Which figures are required of the stores, and did the runs keep them?
 *
 * Cases and their figures are `store-case.ts`. Nothing is forgiven here: a lost write is a lost write, and
 * a stall is what an application felt, whatever the machine did meanwhile.
 */
import { LETTERS } from './demand.ts'
import { spread } from './outage.ts'
import type { PerStore, StoreCase, StoreRun } from './store-case.ts'
import type { Verdict } from './verdict.ts'

/** Median and longest stall of a planned move, ms. */
const MOVE_STALL_MS = {
  redis: { median: 60, max: 200 },
  mariadb: { median: 100, max: 300 },
} as const
/** From the fault to a gate that is open again, `D + 3H`, and what the stores may add. */
const WRITABLE_MS = LETTERS.fast.D + 3 * LETTERS.fast.H + 400
/**
 * Longest stall when the standby's store falls silent and its agent does not: three looks of the active at
 * its store, the word to the peer and its answer, `sole` on disk, and as much again on a busy machine.
 */
const SILENT_STORE_MS = 1_500

type Judge = (runs: readonly StoreRun[]) => Pick<Verdict, 'required' | 'measured' | 'failures'>

interface Row {
  case: StoreCase
  semiSync: boolean
  title: string
  judge: Judge
}

const ROWS: readonly Row[] = [
  {
    ...{ case: 'move', semiSync: true },
    title: 'planned move, Redis and MariaDB, 500 writes/s each',
    judge: (runs) => ({
      required: `0 lost; stall median/max redis ${bounds('redis')}, sql ${bounds('mariadb')} ms; partial resync`,
      measured: `${lost(runs)}; redis ${threeOf(runs, 'stallMs', 'redis')}, sql ${threeOf(runs, 'stallMs', 'mariadb')}`,
      failures: [
        ...noneLost(runs, ['redis', 'mariadb']),
        ...overStall(runs, 'redis'),
        ...overStall(runs, 'mariadb'),
        ...runs.flatMap(({ run, resync }) =>
          resync?.full === 0 && resync.partial === 1
            ? []
            : [`run ${run}: ${resync?.full} full, ${resync?.partial} partial resyncs`],
        ),
      ],
    }),
  },
  {
    ...{ case: 'power-cut', semiSync: true },
    title: 'power cut of the active, semi-sync',
    judge: (runs) => ({
      required: `0 sql lost; sql writable within ${WRITABLE_MS} ms`,
      measured: `${lost(runs)}; sql writable ${threeOf(runs, 'writableMs', 'mariadb')}`,
      failures: [...noneLost(runs, ['mariadb']), ...late(runs)],
    }),
  },
  {
    ...{ case: 'power-cut', semiSync: false },
    title: 'power cut of the active, asynchronous',
    judge: (runs) => ({
      required: `sql writable within ${WRITABLE_MS} ms; what is lost is counted`,
      measured: `${lost(runs)}; sql writable ${threeOf(runs, 'writableMs', 'mariadb')}`,
      failures: late(runs),
    }),
  },
  {
    ...{ case: 'crosslink-cut', semiSync: true },
    title: 'crosslink cut for 15 s under writes, semi-sync',
    judge: (runs) => ({
      required: `no role change, 0 lost; sql stall at most ${SILENT_STORE_MS} ms; in sync again`,
      measured: `${lost(runs)}; sql stall ${threeOf(runs, 'stallMs', 'mariadb')}, alone after ${span(runs, 'aloneMs')}, together ${span(runs, 'togetherMs')} after`,
      failures: [
        ...noneLost(runs, ['redis', 'mariadb']),
        ...runs.flatMap(({ run, from, to }) => (from === to ? [] : [`run ${run}: the role moved`])),
        ...runs.flatMap(({ run, stallMs }) =>
          stallMs.mariadb > SILENT_STORE_MS
            ? [`run ${run}: sql stall ${stallMs.mariadb.toFixed(0)} ms`]
            : [],
        ),
        ...runs.flatMap(({ run, aloneMs, togetherMs }) =>
          aloneMs === null || togetherMs === null ? [`run ${run}: sync did not change`] : [],
        ),
      ],
    }),
  },
]

/** Verdicts in the order of the table; none for what was not measured. */
export function judgeStores(runs: readonly StoreRun[]): Verdict[] {
  return ROWS.flatMap(({ title, judge, ...row }) => {
    const here = runs.filter((run) => run.case === row.case && run.semiSync === row.semiSync)
    if (here.length === 0) return []
    const troubled = here.flatMap(({ run, trouble }) =>
      trouble.map((text) => `run ${run}: ${text}`),
    )
    // One that met trouble may have no figures.
    const whole = here.filter(({ trouble }) => trouble.length === 0)
    const { required, measured, failures } = judge(whole)
    const all = [...troubled, ...failures]
    return [{ title, required, measured, runs: here.length, failures: all, forgiven: [] }]
  })
}

function bounds(store: keyof PerStore): string {
  const { median, max } = MOVE_STALL_MS[store]
  return `${median}/${max}`
}

function threeOf(
  runs: readonly StoreRun[],
  figure: 'stallMs' | 'writableMs',
  store: keyof PerStore,
): string {
  return three(runs.map((run) => run[figure][store]))
}

function span(runs: readonly StoreRun[], figure: 'aloneMs' | 'togetherMs'): string {
  return three(runs.flatMap((run) => run[figure] ?? []))
}

function three(values: readonly number[]): string {
  const found = spread(values)
  if (found === null) return '-'
  return `${[found.min, found.median, found.max].map((ms) => ms.toFixed(0)).join(' / ')} ms`
}

function lost(runs: readonly StoreRun[]): string {
  const sum = (of: (run: StoreRun) => number): number =>
    runs.reduce((total, run) => total + of(run), 0)
  const part = (store: keyof PerStore): string =>
    `${sum((run) => run.lost[store])} of ${sum((run) => run.acknowledged[store])}`
  return `lost redis ${part('redis')}, sql ${part('mariadb')}`
}

function noneLost(runs: readonly StoreRun[], stores: readonly (keyof PerStore)[]): string[] {
  return runs.flatMap((run) =>
    stores
      .filter((store) => run.lost[store] > 0)
      .map((store) => `run ${run.run}: ${run.lost[store]} writes of ${store} lost`),
  )
}

function overStall(runs: readonly StoreRun[], store: keyof PerStore): string[] {
  const found = spread(runs.map(({ stallMs }) => stallMs[store]))
  if (found === null) return []
  const { median, max } = MOVE_STALL_MS[store]
  return [
    ...(found.median > median ? [`${store}: median stall ${found.median.toFixed(0)} ms`] : []),
    ...(found.max > max ? [`${store}: longest stall ${found.max.toFixed(0)} ms`] : []),
  ]
}

function late(runs: readonly StoreRun[]): string[] {
  return runs.flatMap(({ run, writableMs }) =>
    writableMs.mariadb > WRITABLE_MS
      ? [`run ${run}: sql writable after ${writableMs.mariadb.toFixed(0)} ms`]
      : [],
  )
}
