// Which seeds of the simulator notice that a rule is missing? Writes seeds.json beside this file.
// node test/rules/hunt.mjs [seeds to try=1500] [words of the rule or of what it is without]
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { editsOf, loadSchedule, loadTable, Workshop } from './build.mjs'

const [count = '1500', ...words] = process.argv.slice(2)
const wanted = words.join(' ')
const options = { virtualMs: 30_000, profile: 'default' }
const file = join(import.meta.dirname, 'seeds.json')

/** The first seed that fails, null when none does. */
function firstFailing(runSchedule) {
  for (let seed = 1; seed <= Number(count); seed += 1) {
    const outcome = runSchedule(seed, options)
    if (outcome.verdict !== 'ok') return outcome
  }
  return null
}

function record(name, seed) {
  const seeds = JSON.parse(readFileSync(file, 'utf8'))
  delete seeds[name]
  if (seed !== null) seeds[name] = seed
  writeFileSync(file, `${JSON.stringify(seeds, null, 2)}\n`)
}

const workshop = new Workshop()
try {
  const { MUTANTS } = await loadTable(workshop.build())
  for (const mutant of MUTANTS) {
    const name = `${mutant.rule}: ${mutant.without}`
    if (!name.includes(wanted)) continue
    const { runSchedule } = await loadSchedule(workshop.build(editsOf(mutant)))
    const outcome = firstFailing(runSchedule)
    record(name, outcome?.seed ?? null)
    const found = outcome === null ? 'no seed' : `${outcome.seed} ${outcome.verdict}`
    console.log(`${name} | ${found} ${outcome?.what ?? ''}`)
  }
} finally {
  rmSync(workshop.directory, { recursive: true })
}
