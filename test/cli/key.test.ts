import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/key.ts'
import { fingerprint, parseKeys } from '../../src/wire/key.ts'

let directory = ''
let file = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-key-'))
  file = join(directory, 'key')
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

async function key(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await run([...args, '--file', file], {
    stdout: (text) => {
      out += text
    },
    stderr: (text) => {
      err += text
    },
    env: {},
    isTty: false,
  })
  for (const text of [out, err]) expect(text).not.toMatch(/[0-9a-f]{16}/)
  const clean = (text: string) =>
    text.replaceAll(directory, 'DIR').replace(/\([0-9a-f]{8}\)/g, '(FP)')
  return { code, out: clean(out), err: clean(err) }
}

function ids(path = file): number[] {
  const read = parseKeys(readFileSync(path, 'utf8'))
  return read.ok ? read.keys.map((one) => one.id) : []
}

const mode = (path: string) => statSync(path).mode & 0o777

describe('tandem key new', () => {
  it('makes a 0600 file with a key that nobody is shown', async () => {
    expect(await key('new')).toEqual({
      code: 0,
      out:
        'DIR/key: made key 1 (FP)\n' +
        'Copy it to the other node, with mode 0600: scp -p DIR/key root@PEER:DIR/key\n',
      err: '',
    })
    expect([mode(file), ids()]).toEqual([0o600, [1]])
  })

  it('makes another key each time', async () => {
    const prints = new Set<string>()
    for (let time = 0; time < 5; time += 1) {
      rmSync(file, { force: true })
      await key('new')
      const read = parseKeys(readFileSync(file, 'utf8'))
      if (read.ok && read.keys[0] !== undefined) prints.add(fingerprint(read.keys[0]))
    }
    expect(prints.size).toBe(5)
  })

  it('does not overwrite a key', async () => {
    await key('new')
    const before = readFileSync(file, 'utf8')
    expect(await key('new')).toEqual({
      code: 3,
      out: '',
      err:
        'tandem key: DIR/key is there already\n' +
        '  mend: replace the key with "tandem key rotate --prepare", or move the file away first\n',
    })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('names the directory that is missing', async () => {
    file = join(directory, 'none', 'key')
    expect(await key('new')).toEqual({
      code: 3,
      out: '',
      err:
        'tandem key: cannot write DIR/none/key: it does not exist\n' +
        '  mend: make the directory first: mkdir -p DIR/none\n',
    })
  })
})

describe('tandem key rotate', () => {
  it('replaces the key in three steps, each of which may be repeated', async () => {
    await key('new')
    const copy = join(directory, 'copy')
    expect(await key('rotate', '--prepare', '--write-to', copy)).toEqual({
      code: 0,
      out:
        'DIR/key: key 2 (FP) is added, accepted and not signing\n' +
        '1. Copy it to the other node, with mode 0600: scp -p DIR/copy root@PEER:DIR/key\n' +
        '2. On both nodes: systemctl reload tandemd\n' +
        '3. On both nodes, one after the other: tandem key rotate --activate\n',
      err: '',
    })
    expect([ids(), ids(copy), mode(copy)]).toEqual([[1, 2], [1, 2], 0o600])
    const prepared = readFileSync(file, 'utf8')
    expect((await key('rotate', '--prepare')).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe(prepared)

    for (let time = 0; time < 2; time += 1) {
      expect(await key('rotate', '--activate')).toEqual({
        code: 0,
        out:
          'DIR/key: key 2 (FP) signs, key 1 (FP) is still accepted\n' +
          '1. systemctl reload tandemd\n' +
          '2. The same on the other node.\n' +
          '3. Then, on both nodes: tandem key rotate --finish\n',
        err: '',
      })
      expect(ids()).toEqual([2, 1])
    }
    expect((await key('show-id')).out).toBe('2 (FP)  signs\n1 (FP)  accepted\n')

    for (let time = 0; time < 2; time += 1) {
      expect(await key('rotate', '--finish')).toEqual({
        code: 0,
        out:
          'DIR/key: only key 2 (FP) is left\n' +
          'systemctl reload tandemd; the same on the other node.\n',
        err: '',
      })
      expect([ids(), mode(file)]).toEqual([[2], 0o600])
    }
  })

  it('goes round after id 255', async () => {
    writeFileSync(file, `255 ${'ab'.repeat(32)}\n`, { mode: 0o600 })
    await key('rotate', '--prepare')
    expect(ids()).toEqual([255, 1])
    await key('rotate', '--activate')
    expect(ids()).toEqual([1, 255])
    await key('rotate', '--finish')
    expect(ids()).toEqual([1])
  })

  it('refuses a step out of order and says which one is due', async () => {
    await key('new')
    expect((await key('rotate', '--activate')).err).toBe(
      'tandem key: DIR/key holds only key 1 (FP); no new one is prepared\n' +
        '  mend: begin with: tandem key rotate --prepare\n',
    )
    await key('rotate', '--prepare')
    expect((await key('rotate', '--finish')).err).toBe(
      'tandem key: DIR/key: the new key 2 (FP) does not sign yet\n' +
        '  mend: first, on both nodes: tandem key rotate --activate\n',
    )
    await key('rotate', '--activate')
    expect((await key('rotate', '--prepare')).err).toBe(
      'tandem key: DIR/key still holds the old key 1 (FP) of the last rotation\n' +
        '  mend: end that one first: tandem key rotate --finish\n',
    )
    expect(ids()).toEqual([2, 1])
  })

  it('does not write the copy over another file', async () => {
    await key('new')
    const copy = join(directory, 'copy')
    writeFileSync(copy, 'precious')
    expect(await key('rotate', '--prepare', '--write-to', copy)).toEqual({
      code: 3,
      out: '',
      err: 'tandem key: DIR/copy is there already\n  mend: remove it, or name another file with --write-to\n',
    })
    expect([readFileSync(copy, 'utf8'), ids()]).toEqual(['precious', [1]])
  })
})

describe('a key file that is not fit', () => {
  it('is refused when others may read it', async () => {
    await key('new')
    chmodSync(file, 0o640)
    expect(await key('show-id')).toEqual({
      code: 3,
      out: '',
      err:
        'tandem key: DIR/key has mode 0640 instead of 0600\n' +
        '  mend: chown root DIR/key && chmod 600 DIR/key\n',
    })
  })

  it('is refused when it is not there, or holds no proper key', async () => {
    expect((await key('show-id')).err).toBe(
      'tandem key: cannot read DIR/key: it does not exist\n' +
        '  mend: make one with "tandem key new", or copy it from the other node\n',
    )
    writeFileSync(file, '# key\n1 swordfish\n', { mode: 0o600 })
    expect(await key('rotate', '--prepare')).toEqual({
      code: 3,
      out: '',
      err:
        'tandem key: DIR/key, line 2 has a secret that is not hexadecimal\n' +
        '  mend: Make a new one with "tandem key new" and copy it to the peer.\n',
    })
  })
})

describe('the command line of tandem key', () => {
  const wrong: [string[], string][] = [
    [['old'], "'old' is none of new, rotate, show-id"],
    [['rotate'], 'rotate needs one of --prepare, --activate, --finish'],
    [['rotate', '--prepare', '--finish'], 'rotate needs one of --prepare, --activate, --finish'],
    [['new', '--prepare'], '--prepare belongs to: tandem key rotate'],
    [['show-id', '--write-to', 'x'], '--write-to belongs to new and to rotate --prepare'],
    [[], 'missing argument: new|rotate|show-id'],
  ]
  for (const [args, complaint] of wrong)
    it(`with "${args.join(' ')}" is a usage error`, async () => {
      expect(await key(...args)).toEqual({
        code: 1,
        out: '',
        err: `tandem key: ${complaint}\n  see: tandem key --help\n`,
      })
    })
})
