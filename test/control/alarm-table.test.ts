// The README's table of alarms is the program's: every code, what it means, and the next step.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ALARMS } from '../../src/control/alarm-table.ts'

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')

test('every alarm stands in the README with its meaning and its mend, and no other does', () => {
  const section =
    /\| alarm \| means \| next step \|\n\|[-| ]+\|\n((?:\|.*\n)+)/.exec(README)?.[1] ?? ''
  const rows = section
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(2, -2).split(' | '))
  const wanted = Object.entries(ALARMS).map(([code, { meaning, mend }]) => [
    `\`${code}\``,
    meaning,
    mend,
  ])
  expect(rows).toEqual(wanted)
})
