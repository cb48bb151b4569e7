/**
 * Writes the manual pages of all commands below a directory: node dist/package/manual.js DIRECTORY
 *
 * Their day is that of SOURCE_DATE_EPOCH, so that the same commit gives the same pages.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT_TEXT } from '../cli/dispatch.ts'
import { programVersion } from '../cli/version.ts'
import { commandPage, overviewPage, type PageFrame, SECTION } from './manual-page.ts'
import { commandPages, OTHER_NAMES } from './specs.ts'

/** Names of all pages and what is in them. */
export async function manualPages(frame: PageFrame): Promise<ReadonlyMap<string, string>> {
  const pages = await commandPages()
  const written = new Map<string, string>()
  written.set('tandem', overviewPage(pages, EXIT_TEXT, frame))
  for (const page of pages) written.set(`tandem-${page.name}`, commandPage(page, frame))
  for (const [name, command] of Object.entries({ ...OTHER_NAMES, tandemd: 'agent' })) {
    written.set(name, `.so man${SECTION}/tandem-${command}.${SECTION}\n`)
  }
  return written
}

const directory = process.argv[2]
if (import.meta.filename === process.argv[1] && directory !== undefined) {
  const seconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? Date.now() / 1000)
  const day = new Date(seconds * 1000).toISOString().slice(0, 10)
  const into = join(directory, `man${SECTION}`)
  mkdirSync(into, { recursive: true })
  for (const [name, page] of await manualPages({ version: programVersion(), day })) {
    writeFileSync(join(into, `${name}.${SECTION}`), page)
  }
}
