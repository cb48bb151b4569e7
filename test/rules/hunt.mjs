// Which seeds of the simulator notice that a rule is missing?
// node test/rules/hunt.mjs [count=1500] [words of the rule or of what it is without]
import { rmSync } from 'node:fs'
import { editsOf, loadSchedule, loadTable, Workshop } from './build.mjs'

const [count = '1500', ...words] = process.argv.slice(2)
const wanted = words.join(' ')
const options = { virtualMs: 30_000, profile: 'default' }
const workshop = new Workshop()
try {
  const { MUTANTS } = await loadTable(workshop.build())
  for (const mutant of MUTANTS) {
    const { rule, without } = mutant
    if (!`${rule}: ${without}`.includes(wanted)) continue
    const { runSchedule } = await loadSchedule(workshop.build(editsOf(mutant)))
    let outcome = null
    for (let seed = 1; seed <= Number(count) && outcome === null; seed += 1) {
      const run = runSchedule(seed, options)
      if (run.verdict !== 'ok') outcome = run
    }
    const found =
      outcome === null ? 'no seed' : `${outcome.seed} ${outcome.verdict} ${outcome.what}`
    console.log(`${rule} | ${without} | ${found}`)
  }
} finally {
  rmSync(workshop.directory, { recursive: true })
}
