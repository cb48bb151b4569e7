/** Goal: an archive that would fill the disk is refused before its first byte. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { assertRoom } from '../../src/resources/archive-room.ts'
import { freeSpace } from '../../src/system/free-space.ts'

const directory = mkdtempSync(join(tmpdir(), 'tandem-room-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('what fits is let through, and the directory is there afterwards, for its owner only', async () => {
  const path = join(directory, 'archive', 'redis')
  await assertRoom(path, 0)
  expect(statSync(path).mode & 0o777).toBe(0o700)
})

test('what leaves too little free is refused with what to do', async () => {
  const { freeBytes = 0 } = (await freeSpace(directory)) ?? {}
  await expect(assertRoom(directory, freeBytes)).rejects.toThrow(
    /^archive: .* has \d+ MB free; up to \d+ MB are needed and \d+ MB must stay free; make room, or remove archives/,
  )
})

test('where nothing can be asked nothing is refused', async () => {
  writeFileSync(join(directory, 'file'), '')
  await assertRoom(join(directory, 'file', 'below'), Number.MAX_SAFE_INTEGER)
})
