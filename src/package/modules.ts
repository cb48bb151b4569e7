/**
 * Which modules of others run in the agent? Copies them: node dist/package/modules.js FROM TO
 *
 * The lock file knows which of those that are installed are needed at run time; what only a compiler or
 * a reader of sources needs is left out. A copy instead of a second installation: what was tested is what
 * is shipped, and no registry is asked.
 */
import { cpSync, readFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'

/** One module of others, below `node_modules`. */
export interface Module {
  /** Place below `node_modules`: `fastify`, `pino/node_modules/split2`. */
  place: string
  name: string
  version: string
  /** As its authors state it, SPDX. */
  license: string
}

/** Needed by compilers only: types, and headers of C++. */
const COMPILED_AWAY = /(^|\/)(@types\/|undici-types$|nan$)/

/** How the files are called in which a module states its licence. */
export const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i

/** What lies beside a module's code and is not read when it runs: its tests, its pages, programs of its own. */
const BESIDE =
  /^(tests?|spec|integration|benchmarks?|docs?|examples?|bin|bin\.m?js|\..+|.+\.lock|binding\.gyp)$/
/** Of a native add-on only what was built is needed. */
const BUILD_REST = ['obj.target', '.deps', 'Makefile', 'binding.Makefile', 'config.gypi']

/**
 * The modules that are needed at run time, by the lock file.
 *
 * @param modules  the `node_modules` where they are installed; one that is not there is a mistake
 */
export function runtimeModules(modules: string): Module[] {
  const lock = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; optional?: boolean }>
  }
  return Object.entries(lock.packages)
    .filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true)
    .map(([path]) => path.replace(/^node_modules\//, ''))
    .filter((place) => !COMPILED_AWAY.test(place))
    .sort()
    .map((place) => {
      const about = JSON.parse(readFileSync(join(modules, place, 'package.json'), 'utf8'))
      const { name, version, license } = about as Record<string, unknown>
      return { place, name: String(name), version: String(version), license: String(license) }
    })
}

/** Copies one module without the ones below it. */
function copy({ place }: Module, from: string, to: string): void {
  const source = join(from, place)
  cpSync(source, join(to, place), {
    recursive: true,
    filter: (path) => isNeeded(relative(source, path)),
  })
}

/** @param path  inside the module; empty for the module itself */
function isNeeded(path: string): boolean {
  const parts = path.split(sep)
  const name = basename(path)
  if (parts.includes('node_modules')) return false
  if (BESIDE.test(parts[0] ?? '') || name.startsWith('.')) return false
  if (parts.some((part) => BUILD_REST.includes(part))) return false
  return (
    !/\.(d\.[cm]?ts|[cm]?ts|map|cc|c|h|gypi|mk|markdown|html|sh)$/i.test(name) && !isProse(name)
  )
}

/** Readmes and change lists; licences are in the copyright file of the package. */
function isProse(name: string): boolean {
  return /\.md$/i.test(name) || LICENCE_FILE.test(name)
}

const [from, to] = process.argv.slice(2)
if (import.meta.filename === process.argv[1] && from !== undefined && to !== undefined) {
  for (const module of runtimeModules(from)) copy(module, from, to)
}
