/**
 * Would the schedules with data notice if a rule about data were missing? The seeds that did, as noted in
 * data-seeds.json by the last hunt (`node test/sim/data-hunt.mjs`), on copies with the rule taken out.
 *
 * Mutants without a seed here are caught by the claims in test/rules. Every change of the draws makes a seed
 * mean something else: then hunt again.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { judgeNoted } from './data-hunt.mjs'

const SEEDS = JSON.parse(
  readFileSync(join(import.meta.dirname, 'data-seeds.json'), 'utf8'),
) as Record<string, number>

test('every schedule noted for a mutant fails with it', async () => {
  const verdicts = await judgeNoted()
  const rows = verdicts.map(
    ({ name, seed, verdict, what }) => `${name} | ${seed} ${verdict} ${what}`,
  )
  process.stdout.write(`\nwithout the rule | seen by a schedule with data\n${rows.join('\n')}\n`)
  expect(verdicts.map(({ name }) => name).sort()).toEqual(Object.keys(SEEDS).sort())
  expect(verdicts.filter(({ verdict }) => verdict === 'ok').map(({ name }) => name)).toEqual([])
}, 120_000)
