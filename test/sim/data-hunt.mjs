// Which schedules with data notice that a rule about data is missing? Writes data-seeds.json beside this file.
// node test/sim/data-hunt.mjs [seeds to try=1200] [words of the rule or of what it is without]
// A seed below zero is one of the runs with few kinds of fault (data-focus.json).
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { editsOf, loadSchedule, loadTable, Workshop } from '../rules/build.mjs'

/** As the swarm runs them (data-swarm.test.ts). */
const OPTIONS = { virtualMs: 40_000, profile: 'default', data: 'strict' }
/** What tears a pair apart in the moments that matter to its data, and little else. */
const FOCUS = JSON.parse(readFileSync(join(import.meta.dirname, 'data-focus.json'), 'utf8'))
const SEEDS_FILE = join(import.meta.dirname, 'data-seeds.json')
const RULES = ['inSync', 'position', 'sync', 'alone', 'T4']

/** What the schedules could notice at all. */
const isOfData = ({ rule, without }) => RULES.includes(rule) || /sole/.test(without)

const nameOf = ({ rule, without }) => `${rule}: ${without}`

const readSeeds = () => JSON.parse(readFileSync(SEEDS_FILE, 'utf8'))

/** Builds the mutants that are wanted, one after the other. */
async function withMutants(isWanted, act) {
  const workshop = new Workshop()
  try {
    const { MUTANTS } = await loadTable(workshop.build())
    for (const mutant of MUTANTS.filter(isOfData)) {
      if (!isWanted(nameOf(mutant))) continue
      const { runSchedule } = await loadSchedule(workshop.build(editsOf(mutant)))
      act(nameOf(mutant), runSchedule)
    }
  } finally {
    rmSync(workshop.directory, { recursive: true })
  }
}

function run(runSchedule, noted) {
  const options = noted > 0 ? OPTIONS : { ...OPTIONS, only: FOCUS }
  return { ...runSchedule(Math.abs(noted), options), seed: noted }
}

/** The first seed that fails, of either kind; null when none does. */
function firstFailing(runSchedule, count) {
  for (let seed = 1; seed <= count; seed += 1) {
    for (const noted of [seed, -seed]) {
      const outcome = run(runSchedule, noted)
      if (outcome.verdict !== 'ok') return outcome
    }
  }
  return null
}

function record(name, outcome) {
  const seeds = readSeeds()
  delete seeds[name]
  if (outcome !== null) seeds[name] = outcome.seed
  const sorted = Object.fromEntries(Object.entries(seeds).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(SEEDS_FILE, `${JSON.stringify(sorted, null, 2)}\n`)
}

function hunt(count, words) {
  return withMutants(
    (name) => name.includes(words),
    (name, runSchedule) => {
      const outcome = firstFailing(runSchedule, count)
      record(name, outcome)
      const found = outcome === null ? 'no seed' : `${outcome.seed} ${outcome.verdict}`
      console.log(`${name} | ${found} ${outcome?.what ?? ''}`)
    },
  )
}

/** Every mutant that has a seed noted, and what that schedule makes of it. */
async function judge() {
  const seeds = readSeeds()
  const verdicts = []
  await withMutants(
    (name) => seeds[name] !== undefined,
    (name, runSchedule) => {
      const { seed, verdict, what } = run(runSchedule, seeds[name])
      verdicts.push({ name, seed, verdict, what })
    },
  )
  return verdicts
}

/** The same in a thread, where nothing comes between it and the copies it builds. */
export function judgeNoted() {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { judgeData: true } })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

if (!isMainThread && workerData?.judgeData === true) parentPort.postMessage(await judge())
else if (isMainThread && process.argv[1] === import.meta.filename) {
  const [count = '1200', ...words] = process.argv.slice(2)
  await hunt(Number(count), words.join(' '))
}
