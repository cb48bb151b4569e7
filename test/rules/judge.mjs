// Who notices that a rule is missing? Runs every claim, and the seeds noted, against each mutant.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { editsOf, loadProgram, loadSchedule, loadTable, Workshop } from './build.mjs'

/** As last hunted: node test/rules/hunt.mjs. */
const SEEDS = JSON.parse(readFileSync(join(import.meta.dirname, 'seeds.json'), 'utf8'))
const OPTIONS = { virtualMs: 30_000, profile: 'default' }

/** The claims of the mutant's own rule first. */
function inOrder(claims, mutant) {
  const rules = mutant.rule.split(', ')
  const own = claims.filter(({ rule }) => rules.includes(rule))
  return [...own, ...claims.filter((claim) => !own.includes(claim))]
}

/** Names of the claims that the program breaks; the first one is enough unless all are asked for. */
async function broken(claims, program, all) {
  const names = []
  for (const { rule, promise, check } of claims) {
    try {
      await check(program)
    } catch {
      names.push(`${rule}: ${promise}`)
      if (!all) break
    }
  }
  return names
}

async function judgeShare({ part, parts, all }) {
  const workshop = new Workshop()
  try {
    const { CLAIMS, MUTANTS } = await loadTable(workshop.build())
    const verdicts = []
    for (const [index, mutant] of MUTANTS.entries()) {
      if (index % parts !== part) continue
      verdicts.push({ index, ...(await judge(workshop, CLAIMS, mutant, all)) })
    }
    return verdicts
  } finally {
    rmSync(workshop.directory, { recursive: true })
  }
}

async function judge(workshop, claims, mutant, all) {
  const { rule, without } = mutant
  try {
    const directory = workshop.build(editsOf(mutant))
    const program = await loadProgram(directory)
    const failing = await broken(inOrder(claims, mutant), program, all)
    const seeds = await found(SEEDS[`${rule}: ${without}`], directory)
    return { rule, without, claims: failing, seeds, error: null }
  } catch (error) {
    return { rule, without, claims: [], seeds: [], error: String(error) }
  }
}

/** The seed noted in the last hunt, if it still notices. */
async function found(seed, directory) {
  if (seed === undefined) return []
  const { runSchedule } = await loadSchedule(directory)
  return runSchedule(seed, OPTIONS).verdict === 'ok' ? [] : [seed]
}

/**
 * The verdict on every mutant, in the order of the table; two threads share the work.
 *
 * With `all` every claim is tried on every mutant, which takes some minutes.
 */
export async function judgeAll(all = false) {
  const parts = 2
  const shares = Array.from(
    { length: parts },
    (_, part) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), {
          workerData: { part, parts, all },
        })
        worker.once('message', (verdicts) => {
          // A mutant may have left a timer behind.
          void worker.terminate()
          resolve(verdicts)
        })
        worker.once('error', reject)
      }),
  )
  return (await Promise.all(shares)).flat().sort((a, b) => a.index - b.index)
}

/** By whom a mutant was caught, in a few words. */
export function caughtBy({ claims, seeds }) {
  const more = claims.length > 1 ? ` (and ${claims.length - 1} more)` : ''
  const words = claims[0] === undefined ? [] : [`${claims[0]}${more}`]
  if (seeds.length > 0) words.push(`seed ${seeds.join(', ')}`)
  return words.join('; ') || 'nobody'
}

if (!isMainThread && workerData?.parts !== undefined) {
  parentPort.postMessage(await judgeShare(workerData))
}
