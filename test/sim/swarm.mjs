// Runs many schedules of the simulator in two threads and sums them up.
// By hand: node test/sim/swarm.mjs FIRST COUNT [default|fast] [virtual ms] [none|recent|strict] [kind,kind]
import { rmSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { loadSchedule, Workshop } from '../rules/build.mjs'

const THREADS = 2

function count(sums, key) {
  sums[key] = (sums[key] ?? 0) + 1
}

async function runShare({ part, first, schedules, options }) {
  const workshop = new Workshop()
  try {
    const { runSchedule } = await loadSchedule(workshop.build())
    const sum = {
      schedules: 0,
      steps: 0,
      openings: 0,
      cpuMs: 0,
      modes: {},
      kinds: {},
      data: null,
      bad: [],
    }
    const began = performance.now()
    for (let seed = first + part; seed < first + schedules; seed += THREADS) {
      const outcome = runSchedule(seed, options)
      sum.schedules += 1
      sum.steps += outcome.steps
      sum.openings += outcome.openings
      count(sum.modes, outcome.mode)
      for (const kind of outcome.kinds) count(sum.kinds, kind)
      sum.data = added(sum.data, outcome.data ?? null)
      if (outcome.verdict !== 'ok') sum.bad.push(outcome)
    }
    sum.cpuMs = performance.now() - began
    return sum
  } finally {
    rmSync(workshop.directory, { recursive: true })
  }
}

/** Of two tallies of the data: sums, and of the longest time the longer one. */
function added(a, b) {
  if (a === null || b === null) return a ?? b
  const entries = Object.entries(a).map(([key, value]) => {
    if (typeof value === 'object') return [key, added(value, b[key])]
    return [key, key.endsWith('MaxMs') ? Math.max(value, b[key]) : value + b[key]]
  })
  return Object.fromEntries(entries)
}

function add(a, b) {
  const sum = { ...a, bad: [...a.bad, ...b.bad], modes: { ...a.modes }, kinds: { ...a.kinds } }
  for (const key of ['schedules', 'steps', 'openings', 'cpuMs']) sum[key] += b[key]
  sum.data = added(a.data, b.data)
  for (const part of ['modes', 'kinds']) {
    for (const [key, value] of Object.entries(b[part]))
      sum[part][key] = (sum[part][key] ?? 0) + value
  }
  return sum
}

/** Runs `schedules` seeds from `first` on. */
export async function swarm({ first, schedules, options }) {
  const shares = Array.from(
    { length: THREADS },
    (_, part) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), {
          workerData: { part, first, schedules, options },
        })
        worker.once('message', resolve)
        worker.once('error', reject)
      }),
  )
  return (await Promise.all(shares)).reduce(add)
}

/** What a swarm has shown, in a few lines. */
export function summary({ schedules, steps, openings, cpuMs, modes, kinds, bad }) {
  const share = (counts) =>
    Object.entries(counts)
      .map(([name, number]) => `${name} ${((100 * number) / schedules).toFixed(0)} %`)
      .join(', ')
  const perSecond = Math.round((1000 * steps) / cpuMs)
  const found = bad.map(({ seed, verdict, mode, what }) => `${seed} ${verdict} (${mode}): ${what}`)
  return [
    `${schedules} schedules, ${steps} steps, ${perSecond} steps/s a thread, ${openings} openings`,
    `modes: ${share(modes)}`,
    `kinds: ${share(kinds)}`,
    ...found,
  ].join('\n')
}

/** What became of the data, in a few lines; empty where none was kept. */
export function dataSummary({ data }) {
  if (data === null) return ''
  const words = (counts) =>
    Object.entries(counts)
      .map(([name, number]) => `${name} ${number}`)
      .join(', ')
  const { confirmed, lost, steps, takeovers, itselfMaxMs, dropped, vacant } = data
  return [
    `writes confirmed: ${words(confirmed)}; lost as allowed: ${words(lost)}`,
    `alone by itself at most ${Math.round(itselfMaxMs)} ms before a write that was lost for it`,
    `takeovers with everything there ${takeovers}; steps: ${words(steps)}`,
    `given up on return ${dropped}; pairs without an active in the end: ${words(vacant)}`,
  ].join('\n')
}

if (!isMainThread && workerData?.schedules !== undefined) {
  parentPort.postMessage(await runShare(workerData))
} else if (isMainThread && process.argv[1] === import.meta.filename) {
  const [first, schedules, profile = 'default', virtualMs = '30000', data = 'none', only] =
    process.argv.slice(2)
  const options = { profile, virtualMs: Number(virtualMs), data }
  if (only !== undefined) options.only = only.split(',')
  const sum = await swarm({ first: Number(first), schedules: Number(schedules), options })
  console.log([summary(sum), dataSummary(sum)].join('\n').trimEnd())
}
