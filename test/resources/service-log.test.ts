// Goal: a log does not outgrow its bounds while a program writes to it, and nothing but a file is written.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLog, trimLog } from '../../src/resources/service-log.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-log-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

test('its newest part is kept beside it, and who writes goes on at the new end', async () => {
  const path = join(directory, 'a.log')
  const log = await openLog('start of lb', path)
  await log.write('0123456789abcdef')
  await trimLog(path, 10)
  await log.write('new')
  await log.close()
  expect([readFileSync(path, 'utf8'), readFileSync(`${path}.1`, 'utf8')]).toEqual([
    'new',
    '6789abcdef',
  ])
  expect(statSync(path).mode & 0o777).toBe(0o640)
})

test('one within its bounds is left as it is, and one that is not there is not made', async () => {
  const path = join(directory, 'b.log')
  writeFileSync(path, '012345678')
  await trimLog(path, 10)
  await trimLog(join(directory, 'none'), 10)
  expect(readFileSync(path, 'utf8')).toBe('012345678')
  expect(() => statSync(`${path}.1`)).toThrow()
  expect(() => statSync(join(directory, 'none'))).toThrow()
})

test.each([
  ['a link', 'ELOOP', (path: string) => symlinkSync('/etc/hosts', path)],
  ['a pipe', 'ENXIO', (path: string) => execFileSync('mkfifo', [path])],
  ['a directory that is missing', 'ENOENT', () => undefined],
])('%s is refused with its mend', async (kind, why, make) => {
  const path = kind.includes('missing')
    ? join(directory, 'no/such/file')
    : join(directory, kind.slice(2))
  make(path)
  await expect(openLog('start of lb', path)).rejects.toThrow(
    `start of lb: its log ${path} cannot be written (${why}): make the directory, or name another file`,
  )
  // Nor is it emptied.
  await trimLog(path, 1)
  expect(readFileSync('/etc/hosts', 'utf8')).not.toBe('')
})
