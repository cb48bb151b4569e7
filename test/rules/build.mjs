// Builds runnable copies of the program, whole or with a rule taken out, from the sources alone.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

const root = join(import.meta.dirname, '..', '..')

const ROOMS = ['src/core', 'src/sim', 'test/rules', 'test/rules/claims', 'test/rules/mutants']
const FILES = [
  'src/daemon/loop.ts',
  'src/daemon/executor.ts',
  'src/daemon/ports.ts',
  'src/daemon/pulse.ts',
  'src/gate/command-gate.ts',
  'src/gate/gate.ts',
  'src/gate/model-gate.ts',
]

function compile(source) {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    },
  })
  return outputText
}

/** Name of each file, its source, and the same compiled. */
function readProgram() {
  const rooms = ROOMS.flatMap((room) =>
    readdirSync(join(root, room)).map((name) => `${room}/${name}`),
  )
  const names = [...rooms, ...FILES].filter((name) => /(?<!\.test|\.d)\.ts$/.test(name))
  return names.map((name) => {
    const source = readFileSync(join(root, name), 'utf8')
    return { name, source, output: compile(source) }
  })
}

/** The sources as they are, read and compiled once; copies go to a new directory below /tmp. */
export class Workshop {
  #program = readProgram()
  directory = mkdtempSync(join(tmpdir(), 'rules-'))
  #built = 0

  /** Writes a copy with the edits made; returns its directory. */
  build(edits = []) {
    const directory = join(this.directory, String(this.#built))
    this.#built += 1
    for (const { name, source, output } of this.#program) {
      const mine = edits.filter(({ file }) => name === `src/${file}`)
      if (this.#built > 1 && !name.startsWith('src/')) continue
      const target = join(directory, name.replace(/\.ts$/, '.js'))
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, mine.length === 0 ? output : compile(edited(source, mine)))
    }
    for (const { file } of edits) {
      if (!this.#program.some(({ name }) => name === `src/${file}`)) throw new Error(`no ${file}`)
    }
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
    return directory
  }
}

/** Matches however the formatter has broken the lines. */
function anyLayout(find) {
  const words = find.trim().split(/\s+/)
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(escaped.join('\\s+'), 'g')
}

function edited(source, edits) {
  let text = source
  for (const { file, find, replace } of edits) {
    const pattern = anyLayout(find)
    const hits = text.match(pattern)?.length ?? 0
    if (hits !== 1) throw new Error(`${file}: found ${hits} times, not once: ${find}`)
    text = text.replace(pattern, () => replace)
  }
  return text
}

export function editsOf(mutant) {
  const { file, find, replace, also = [] } = mutant
  return [{ file, find, replace }, ...also]
}

const load = (directory, name) => import(pathToFileURL(join(directory, name)).href)

/** What claims are handed, out of one copy. */
export async function loadProgram(directory) {
  const [step, state, policy, invariant, loop, pulse, gate] = await Promise.all(
    [
      'src/core/step.js',
      'src/core/state.js',
      'src/core/policy.js',
      'src/core/invariant.js',
      'src/daemon/loop.js',
      'src/daemon/pulse.js',
      'src/gate/model-gate.js',
    ].map((name) => load(directory, name)),
  )
  return { ...step, ...state, ...policy, ...invariant, ...loop, ...pulse, ...gate }
}

export const loadSchedule = (directory) => load(directory, 'src/sim/schedule.js')

/** The claims and mutants themselves, out of the first copy. */
export const loadTable = (directory) => load(directory, 'test/rules/all.js')
