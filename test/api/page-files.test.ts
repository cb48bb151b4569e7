/** Goal: the page is served whole. Method: what its sources import, and what those import, is looked for. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SHARED } from '../../src/api/page-files.ts'

const CONTROL = join(import.meta.dirname, '../../src/control')

/** Files that are loaded at run time, beneath `control`. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(CONTROL, file), 'utf8')
  return [...text.matchAll(/^(?:import|export) (?!type\b)[^']*from '(\.[^']+)'/gm)].map(
    ([, path = '']) => normalize(join(file, '..', path)),
  )
}

describe('the files of the page', () => {
  it('are all that its modules load, and nothing else of this room', () => {
    const own = readdirSync(join(CONTROL, 'page')).filter((name) => name.endsWith('.ts'))
    const wanted = own.map((name) => `page/${name}`)
    for (const file of wanted) {
      for (const other of importsOf(file)) if (!wanted.includes(other)) wanted.push(other)
    }
    const shared = wanted.filter((file) => !file.startsWith('page/'))
    expect(SHARED.map((name) => name.replace(/js$/, 'ts'))).toEqual(shared.toSorted())
  })
})
