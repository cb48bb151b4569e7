// Who notices that a rule is missing? Runs every claim, and the seeds noted, against each mutant.
import { rmSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { editsOf, loadProgram, loadSchedule, loadTable, Workshop } from './build.mjs'

const OPTIONS = { virtualMs: 30_000, profile: 'default' }

/** Names of the claims that the program breaks. */
async function broken(claims, program) {
  const names = []
  for (const { rule, promise, check } of claims) {
    try {
      await check(program)
    } catch {
      names.push(`${rule}: ${promise}`)
    }
  }
  return names
}

async function judgeShare(part, parts) {
  const workshop = new Workshop()
  try {
    const { CLAIMS, MUTANTS } = await loadTable(workshop.build())
    const verdicts = []
    for (const [index, mutant] of MUTANTS.entries()) {
      if (index % parts !== part) continue
      verdicts.push({ index, ...(await judge(workshop, CLAIMS, mutant)) })
    }
    return verdicts
  } finally {
    rmSync(workshop.directory, { recursive: true })
  }
}

async function judge(workshop, claims, mutant) {
  const { rule, without } = mutant
  try {
    const directory = workshop.build(editsOf(mutant))
    const failing = await broken(claims, await loadProgram(directory))
    const { runSchedule } = await loadSchedule(directory)
    const seeds = (mutant.seeds ?? []).filter(
      (seed) => runSchedule(seed, OPTIONS).verdict !== 'ok',
    )
    return { rule, without, claims: failing, seeds, error: null }
  } catch (error) {
    return { rule, without, claims: [], seeds: [], error: String(error) }
  }
}

/** The verdict on every mutant, in the order of the table; two threads share the work. */
export async function judgeAll() {
  const parts = 2
  const shares = Array.from(
    { length: parts },
    (_, part) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: { part, parts } })
        worker.once('message', resolve)
        worker.once('error', reject)
      }),
  )
  return (await Promise.all(shares)).flat().sort((a, b) => a.index - b.index)
}

/** By whom a mutant was caught, in a few words. */
export function caughtBy({ rule, claims, seeds }) {
  const own = claims.filter((name) => name.startsWith(`${rule.split(',')[0]}:`))
  const first = own[0] ?? claims[0]
  const more = claims.length > 1 ? ` (and ${claims.length - 1} more)` : ''
  const words = first === undefined ? [] : [`claim “${first}”${more}`]
  if (seeds.length > 0) words.push(`seed ${seeds.join(', ')}`)
  return words.join('; ') || 'nobody'
}

if (!isMainThread && workerData?.parts !== undefined) {
  parentPort.postMessage(await judgeShare(workerData.part, workerData.parts))
}
