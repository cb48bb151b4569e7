/**
 * How are the lab's own small programs started? Built JavaScript, at real-time priority if allowed.
 *
 * They are separate programs because each lives in another namespace, and at real-time priority
 * because an instrument that is not scheduled measures itself; how high, says `PRIORITY`.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PRIORITY, realtime } from './process.ts'

/** The checkout or installation this file belongs to: the nearest directory with a package.json. */
export function packageRoot(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory)
    if (parent === directory) throw new Error('lab: no package.json above the program')
    directory = parent
  }
  return directory
}

/**
 * Path of a built file below dist/, also when we ourselves run from sources.
 *
 * @throws Error that says to build first
 */
export function builtFile(path: string): string {
  const file = join(packageRoot(), 'dist', path)
  if (!existsSync(file)) throw new Error(`lab: ${file} is missing; run "npm run build" first`)
  return file
}

const PROGRAMS = {
  responder: PRIORITY.instrument,
  asker: PRIORITY.instrument,
  'store-writer': PRIORITY.application,
  'sql-writer': PRIORITY.application,
} as const

/** Command line of one of the lab's programs. */
export function labProgram(name: keyof typeof PROGRAMS, argument: object): Promise<string[]> {
  const flags = ['--max-semi-space-size=1', '--v8-pool-size=0']
  const file = builtFile(`lab/${name}.js`)
  return realtime([process.execPath, ...flags, file, JSON.stringify(argument)], PROGRAMS[name])
}
