/**
 * Goal: several files change as one, for whoever reads through the view, and what was replaced is kept.
 * Method: real directories; an interruption is a set that was committed and not moved. (Killed processes:
 * test/e2e/config-push.test.ts.)
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type FileChange,
  finishFileSet,
  hasUnfinishedSet,
  lockFileSet,
  replaceFileSet,
  settleFileSet,
  viewFileSet,
} from '../../src/system/file-set.ts'

const USER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const NOON_MS = Date.UTC(2026, 0, 2, 12)
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-set-'))
  write('a.yml', 'old a\n')
  write('b.yml', 'old b\n')
})
afterEach(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): void {
  mkdirSync(join(directory, name, '..'), { recursive: true })
  writeFileSync(join(directory, name), text)
}

function read(name: string): string | null {
  const path = join(directory, name)
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

function change(name: string, text: string | null): FileChange {
  const bytes = text === null ? null : Buffer.from(text)
  return { name, bytes, mode: 0o640, owner: USER, mtimeMs: NOON_MS }
}

async function seen(name: string): Promise<string | null> {
  const found = await (await viewFileSet(directory)).read(name, { maxBytes: 100 })
  return found.ok ? found.bytes.toString() : null
}

/** As if its process had been killed right after the commit. */
function interruptedSet(id: string): void {
  write(`.tandem/next-${id}/a.yml`, 'new a\n')
  write(`.tandem/next-${id}/config.d/c.yml`, 'new c\n')
  mkdirSync(join(directory, 'config.d'))
  const files = [
    { name: 'a.yml', gone: false },
    { name: 'b.yml', gone: true },
    { name: 'config.d/c.yml', gone: false },
  ]
  write('.tandem/commit', JSON.stringify({ id, files }))
}

describe('a set of files', () => {
  it('changes, adds and takes away, with the mode and time that were sent', async () => {
    utimesSync(join(directory, 'a.yml'), 1_700_000_000, 1_700_000_000)
    chmodSync(join(directory, 'a.yml'), 0o604)
    expect(await lockFileSet(directory, () => true)).toBe(true)
    const changes = [
      change('a.yml', 'new a\n'),
      change('b.yml', null),
      change('config.d/c.yml', 'c'),
    ]
    const backup = join(directory, '.tandem/before/1')
    expect(await replaceFileSet(directory, changes, '1')).toEqual({ ok: true, backup })
    expect([read('a.yml'), read('b.yml'), read('config.d/c.yml')]).toEqual(['new a\n', null, 'c'])
    const { mode, mtimeMs } = statSync(join(directory, 'a.yml'))
    expect([mode & 0o777, mtimeMs]).toEqual([0o640, NOON_MS])
    const kept = statSync(join(backup, 'a.yml'))
    expect([kept.mode & 0o777, kept.mtimeMs]).toEqual([0o604, 1_700_000_000_000])
    expect([readFileSync(join(backup, 'b.yml'), 'utf8'), readdirSync(backup)]).toEqual([
      'old b\n',
      ['a.yml', 'b.yml'],
    ])
    expect(readdirSync(join(directory, '.tandem')).sort()).toEqual(['.gitignore', 'before', 'last'])
  })

  it('is new for a reader from the commit on, before anything was moved', async () => {
    const before = await viewFileSet(directory)
    interruptedSet('7')
    const after = await viewFileSet(directory)
    expect([before.mark === after.mark, read('a.yml')]).toEqual([false, 'old a\n'])
    expect([await seen('a.yml'), await seen('b.yml')]).toEqual(['new a\n', null])
    expect(await after.list('config.d')).toEqual({ ok: true, names: ['c.yml'] })
    // Half of it was moved.
    write('a.yml', 'new a\n')
    rmSync(join(directory, '.tandem/next-7/a.yml'))
    expect(await seen('a.yml')).toBe('new a\n')
    expect(await settleFileSet(directory, () => false)).toBe(false)
    expect(read('b.yml')).toBe('old b\n')
    expect(await settleFileSet(directory, () => true)).toBe(true)
    expect([read('a.yml'), read('b.yml'), read('config.d/c.yml')]).toEqual([
      'new a\n',
      null,
      'new c\n',
    ])
    // A reader that began before sees another mark and reads again; one that began after does not.
    expect([after.mark, (await viewFileSet(directory)).mark]).toEqual(['7', '7'])
    expect(await hasUnfinishedSet(directory)).toBe(false)
    expect(await finishFileSet(directory)).toEqual({ ok: true, finished: false })
  })

  it('leaves the old files and says why when it cannot be written', async () => {
    await lockFileSet(directory, () => true)
    // A file where a directory must be.
    write('config.d', 'no directory')
    const changes = [change('a.yml', 'new a\n'), change('config.d/c.yml', 'c')]
    const result = await replaceFileSet(directory, changes, '2')
    expect(result).toMatchObject({ ok: false, code: 'HA_FILE_FAILED' })
    expect(result.ok ? '' : result.message).toContain(
      `cannot replace files in ${directory}: EEXIST`,
    )
    expect([read('a.yml'), await hasUnfinishedSet(directory)]).toEqual(['old a\n', false])
  })

  it('keeps the ten newest sets that were replaced', async () => {
    await lockFileSet(directory, () => true)
    for (let number = 10; number < 23; number += 1) {
      await replaceFileSet(directory, [change('a.yml', `${number}`)], `${number}`)
    }
    const kept = readdirSync(join(directory, '.tandem/before')).sort()
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([10, '13', '22'])
    expect(readFileSync(join(directory, '.tandem/before/22/a.yml'), 'utf8')).toBe('21')
  })
})
