import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  listDirectory,
  pathExists,
  readFileIfThere,
  readPrivateFile,
  readWholeFile,
  replaceFile,
} from '../../src/system/file.ts'

let scratch = ''
const at = (name: string): string => join(scratch, name)
const LIMITS = { maxBytes: 100 }

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'system-file-'))
})
afterAll(() => {
  rmSync(scratch, { recursive: true })
})

describe('reading a whole file', () => {
  it('gives its bytes, mode and owner', async () => {
    writeFileSync(at('plain'), 'hello', { mode: 0o640 })
    chmodSync(at('plain'), 0o640)
    const content = await readWholeFile(at('plain'), LIMITS)
    expect(content).toEqual({
      ok: true,
      bytes: Buffer.from('hello'),
      mode: 0o640,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    })
  })

  it('accepts a file of exactly the limit and refuses one byte more', async () => {
    writeFileSync(at('full'), 'x'.repeat(100))
    writeFileSync(at('over'), 'x'.repeat(101))
    expect(await readWholeFile(at('full'), LIMITS)).toMatchObject({ ok: true })
    expect(await readWholeFile(at('over'), LIMITS)).toEqual({
      ok: false,
      code: 'HA_FILE_TOO_LARGE',
      message: `${at('over')} is larger than 100 bytes`,
      cause: null,
    })
  })

  it('reads files that claim to be empty', async () => {
    const content = await readWholeFile('/proc/self/status', { maxBytes: 1_000_000 })
    expect(content.ok && content.bytes.length).toBeGreaterThan(100)
  })

  it('says what is wrong with a missing file, a directory, and a link to nowhere', async () => {
    symlinkSync(at('nowhere'), at('link'))
    expect(await readWholeFile(at('missing'), LIMITS)).toMatchObject({
      ok: false,
      code: 'HA_FILE_MISSING',
      message: `cannot read ${at('missing')}: it does not exist`,
    })
    expect(await readWholeFile(scratch, LIMITS)).toMatchObject({ code: 'HA_FILE_NOT_REGULAR' })
    expect(await readWholeFile(at('link'), LIMITS)).toMatchObject({ code: 'HA_FILE_MISSING' })
  })

  it('does not wait for somebody to write into a pipe', async () => {
    execFileSync('mkfifo', [at('pipe')])
    expect(await readWholeFile(at('pipe'), LIMITS)).toMatchObject({ code: 'HA_FILE_NOT_REGULAR' })
    expect(() => readFileIfThere(at('pipe'), LIMITS)).toThrow('is not a regular file')
  })
})

describe('reading a secret', () => {
  it('is refused when anybody but the owner may read or write it', async () => {
    writeFileSync(at('key'), 'secret')
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      chmodSync(at('key'), mode)
      expect(await readPrivateFile(at('key'), LIMITS)).toEqual({
        ok: false,
        code: 'HA_FILE_NOT_PRIVATE',
        message: `${at('key')} has mode 0${mode.toString(8)} instead of 0600`,
        cause: null,
      })
    }
    for (const mode of [0o600, 0o400]) {
      chmodSync(at('key'), mode)
      expect(await readPrivateFile(at('key'), LIMITS)).toMatchObject({ ok: true })
    }
  })

  it.skipIf(process.getuid?.() !== 0)('is refused when it belongs to another user', async () => {
    writeFileSync(at('foreign'), 'secret', { mode: 0o600 })
    chownSync(at('foreign'), 65_534, 65_534)
    expect(await readPrivateFile(at('foreign'), LIMITS)).toMatchObject({
      code: 'HA_FILE_NOT_PRIVATE',
      message: `${at('foreign')} belongs to user 65534 instead of root`,
    })
  })
})

describe('replacing a file', () => {
  it('leaves the new content with the mode asked for, whatever was there, and nothing beside it', async () => {
    mkdirSync(at('dir'))
    const path = at('dir/file')
    writeFileSync(path, 'old and longer', { mode: 0o644 })
    expect(await replaceFile(path, 'new', { mode: 0o600 })).toEqual({ ok: true })
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(statSync(path).mode & 0o7777).toBe(0o600)
    expect(readdirSync(at('dir'))).toEqual(['file'])
  })

  it('sets a mode that the umask would take away', async () => {
    const before = process.umask(0o077)
    try {
      await replaceFile(at('open'), '', { mode: 0o664 })
    } finally {
      process.umask(before)
    }
    expect(statSync(at('open')).mode & 0o7777).toBe(0o664)
  })

  it.skipIf(process.getuid?.() !== 0)('gives it the owner asked for', async () => {
    await replaceFile(at('owned'), 'x', { mode: 0o640, owner: { uid: 65_534, gid: 65_533 } })
    const { uid, gid, mode } = statSync(at('owned'))
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 65_534, gid: 65_533, mode: 0o640 })
  })

  it('leaves everything as it was when it fails', async () => {
    mkdirSync(at('busy/file'), { recursive: true })
    const result = await replaceFile(at('busy/file'), 'new', { mode: 0o600 })
    expect(result).toMatchObject({ ok: false, code: 'HA_FILE_NOT_REGULAR' })
    expect(readdirSync(at('busy'))).toEqual(['file'])
    expect(await replaceFile(at('none/file'), 'new', { mode: 0o600 })).toMatchObject({
      ok: false,
      code: 'HA_FILE_MISSING',
      message: `cannot write ${at('none/file')}: it does not exist`,
    })
  })
})

describe('looking at a directory', () => {
  it('lists names in order, and none where there is no directory', async () => {
    mkdirSync(at('list'))
    for (const name of ['b.yml', 'a.yml']) writeFileSync(join(at('list'), name), '')
    expect(await listDirectory(at('list'))).toEqual({ ok: true, names: ['a.yml', 'b.yml'] })
    expect(await listDirectory(at('no-list'))).toEqual({ ok: true, names: [] })
    expect(await pathExists(at('list'))).toBe(true)
    expect(await pathExists(at('no-list'))).toBe(false)
  })
})

describe('reading a small file at once', () => {
  it('gives its text, nothing where there is none, and refuses one that is too large', () => {
    writeFileSync(at('small'), 'sp1\n')
    writeFileSync(at('large'), 'x'.repeat(101))
    expect(readFileIfThere(at('small'), LIMITS)).toBe('sp1\n')
    expect(readFileIfThere(at('absent'), LIMITS)).toBeNull()
    expect(() => readFileIfThere(at('large'), LIMITS)).toThrow('is larger than 100 bytes')
  })
})
