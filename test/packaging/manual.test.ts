/**
 * Goal: manual pages and completion tell of every command, option and word that the program takes. Method:
 * both are made from the program's own table and compared with what `--help` prints; bash itself completes.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { dispatch } from '../../src/cli/dispatch.ts'
import { bashCompletion } from '../../src/package/completion.ts'
import { manualPages } from '../../src/package/manual.ts'
import { commandPages, OTHER_NAMES } from '../../src/package/specs.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

const BIN = join(import.meta.dirname, '../../packaging/bin')
const FRAME = { version: '1.2.3', day: '2026-11-30' }
const directory = mkdtempSync(join(tmpdir(), 'tandem-manual-'))
let pages: ReadonlyMap<string, string> = new Map()

beforeAll(async () => {
  pages = await manualPages(FRAME)
  writeFileSync(join(directory, 'tandem'), bashCompletion(await commandPages()))
  // The modules of all commands are compiled first.
}, 60_000)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What a reader sees of a page, without the formatter's marks. */
function shown(name: string): string {
  return (pages.get(name) ?? '')
    .replace(/\\f[BIR]/g, '')
    .replaceAll('\\-', '-')
    .replaceAll('\\e', '\\')
}

async function helpOf(command: string): Promise<string> {
  const io = capturedIo()
  await dispatch([command, '--help'], '1.2.3', io)
  return io.out
}

function optionsIn(text: string): string[] {
  return [...text.matchAll(/^ {2,}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option ?? '')
}

describe('manual pages', () => {
  test.each(Object.keys(COMMANDS))('tandem-%s says what its help says', async (command) => {
    const help = await helpOf(command)
    const page = shown(`tandem-${command}`)
    expect(shown('tandem')).toContain(`tandem-${command}\n`)
    expect(optionsIn(help).length).toBeGreaterThanOrEqual(5)
    for (const option of optionsIn(help)) expect(page).toContain(option)
    const usage = /^Usage: tandem \S+ \[options\] ?(.*)$/m.exec(help)?.[1] ?? 'no usage'
    for (const word of usage.split(' ')) expect(page).toContain(word)
    // Each line of the explanation, however it is set.
    const details = help.slice(help.indexOf('\n\n', 10), help.indexOf('\nEverywhere'))
    for (const line of details.split('\n').filter((found) => found !== '')) {
      if (!line.startsWith('  ') && !/^(Usage|Options)/.test(line))
        expect(page).toContain(line.trim())
    }
  })

  test('every program of the platform has one', () => {
    for (const [name, command] of Object.entries({ ...OTHER_NAMES, tandemd: 'agent' })) {
      expect(pages.get(name)).toBe(`.so man8/tandem-${command}.8\n`)
    }
  })

  test('what the quick check takes stands in the page of that name', () => {
    const program = readFileSync(join(BIN, 'ngcp-check-active'), 'utf8')
    const options = [...program.matchAll(/^ {2}(-{1,2}\w+) /gm)].map(([, option]) => option ?? '')
    expect(options).toEqual(['-v', '-p', '-q', '--run', '--help'])
    for (const option of options) expect(shown('tandem-check-active')).toContain(option)
  })

  test('no line is taken for an order to the formatter', () => {
    for (const [name, page] of pages) {
      const orders = page.split('\n').filter((line) => /^[.']/.test(line))
      const unknown = orders.filter((line) => !/^\.(TH|SH|TP|PP|nf|fi|nh|ad l|so )/.test(line))
      expect(unknown, name).toEqual([])
    }
  })
})

/** What bash would offer for the last of these words. */
function complete(...words: string[]): string[] {
  const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tandem; printf '%s\\n' "\${COMPREPLY[@]}"`
  const output = execFileSync('bash', ['-c', script, 'bash', join(directory, 'tandem'), ...words], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  return output.split('\n').filter((line) => line !== '')
}

describe('completion', () => {
  test('knows every command', () => {
    expect(complete('tandem', '').sort()).toEqual(Object.keys(COMMANDS).sort())
  })

  test.each(Object.keys(COMMANDS))('knows every option of %s', async (command) => {
    expect(complete('tandem', command, '--').sort()).toEqual(
      optionsIn(await helpOf(command)).sort(),
    )
  })

  test('knows words, nodes, and options before the command', () => {
    expect(complete('tandem', 'maintenance', 'o')).toEqual(['on', 'off'])
    expect(complete('tandem', '--node', 'sp1', 'ke')).toEqual(['key'])
    expect(complete('tandem', 'make-active', '--node', '')).toEqual(['sp1', 'sp2'])
    expect(complete('tandem', '--config', directory.slice(0, -1))).toEqual([directory])
  })

  test.each(Object.entries(OTHER_NAMES))('%s takes what tandem %s takes', (name, command) => {
    expect(complete(`/usr/sbin/${name}`, '--')).toEqual(complete('tandem', command, '--'))
  })
})
