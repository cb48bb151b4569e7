import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { run } from '../../src/cli/token.ts'
import { ownerOf, parseTokens } from '../../src/wire/api-tokens.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

let directory = ''
let file = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-token-'))
  file = join(directory, 'api.tokens')
})
afterEach(() => rmSync(directory, { recursive: true }))

async function token(...args: string[]): Promise<[code: number, out: string, err: string]> {
  const io = capturedIo()
  const code = await run([...args, '--file', file], io)
  const clean = (text: string): string => text.replaceAll(directory, 'DIR')
  return [code, clean(io.out), clean(io.err)]
}

it('a token is shown once, kept as a hash, and lets its owner in', async () => {
  writeFileSync(file, '# ours\n', { mode: 0o600 })
  const [code, out, err] = await token('new', '--role', 'read', '--name', 'prometheus')
  expect([code, err]).toEqual([
    0,
    'DIR/api.tokens: read for prometheus; the token is shown this once:\n',
  ])
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/^# ours\nread prometheus [0-9a-f]{64}\n$/)
  expect(text).not.toContain(out.trim())
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const parsed = parseTokens(text)
  expect(parsed.ok && ownerOf(out.trim(), parsed.tokens)?.name).toBe('prometheus')
})

it('tokens are listed and removed, comments stay', async () => {
  await token('new', '--role', 'operate', '--name', 'carol')
  writeFileSync(file, `# read carol\n${readFileSync(file, 'utf8')}`)
  await token('new', '--role', 'read', '--name', 'lb1')
  expect(await token('list')).toEqual([0, 'operate  carol\nread     lb1\n', ''])
  expect(await token('remove', '--name', 'carol')).toEqual([0, '', ''])
  expect(readFileSync(file, 'utf8')).toMatch(/^# read carol\nread lb1 [0-9a-f]{64}\n$/)
})

it('what cannot be done is said with its mend, and changes nothing', async () => {
  await token('new', '--role', 'read', '--name', 'lb1')
  const before = readFileSync(file, 'utf8')
  expect(await token('new', '--role', 'operate', '--name', 'lb1')).toEqual([
    3,
    '',
    'tandem token: DIR/api.tokens has a token for lb1 already\n  mend: choose another name, or first: tandem token remove --name lb1\n',
  ])
  expect((await token('remove', '--name', 'lb2'))[2]).toBe(
    'tandem token: DIR/api.tokens names no lb2\n  mend: see: tandem token list\n',
  )
  expect((await token('new', '--name', 'x'))[0]).toBe(1)
  expect((await token('new', '--name', 'a b', '--role', 'read'))[0]).toBe(1)
  expect((await token('show'))[0]).toBe(1)
  expect(readFileSync(file, 'utf8')).toBe(before)
  chmodSync(file, 0o644)
  expect(await token('new', '--role', 'read', '--name', 'lb2')).toEqual([
    3,
    '',
    'tandem token: DIR/api.tokens has mode 0644 instead of 0600\n  mend: chown root DIR/api.tokens && chmod 600 DIR/api.tokens\n',
  ])
  writeFileSync(file, 'read\n')
  chmodSync(file, 0o600)
  expect((await token('list'))[2]).toBe(
    'tandem token: DIR/api.tokens, line 1 has no usable name\n  mend: write letters, digits, ".", "_", "-"\n',
  )
})
