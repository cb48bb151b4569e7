// Builds a mutated copy of the compiled core and simulator and runs seeds through it.
// Usage: node test/rules/hunt.mjs '<json: {file, find, replace, from, count, options}>' -> JSON line.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

const root = join(import.meta.dirname, '..', '..')

export function buildMutant({ file, find, replace }) {
  const source = readFileSync(join(root, 'src', file), 'utf8')
  if (source.split(find).length !== 2) throw new Error(`${file}: not found exactly once: ${find}`)
  const directory = mkdtempSync(join(tmpdir(), 'mutant-'))
  for (const room of ['core', 'daemon', 'gate', 'sim', 'wire']) {
    cpSync(join(root, 'dist', room), join(directory, room), { recursive: true })
  }
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  const { outputText } = ts.transpileModule(source.replace(find, () => replace), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
    },
  })
  writeFileSync(join(directory, file.replace(/\.ts$/, '.js')), outputText)
  return directory
}

export async function huntMutant(mutant, seeds, options) {
  const directory = buildMutant(mutant)
  try {
    const { runSchedule } = await import(pathToFileURL(join(directory, 'sim', 'schedule.js')).href)
    for (const seed of seeds) {
      const outcome = runSchedule(seed, options)
      if (outcome.verdict !== 'ok') return outcome
    }
    return null
  } finally {
    rmSync(directory, { recursive: true })
  }
}
