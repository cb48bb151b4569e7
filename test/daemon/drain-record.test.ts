// What an operator wants of the pair outlives the agent; a file that cannot be read costs it, and says so.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DrainRecord } from '../../src/daemon/drain-record.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-drain-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('a word is read back as it was written, and none is not drained', async () => {
  const none = { word: { count: 0, drained: false }, trouble: null }
  expect(await new DrainRecord(directory).read()).toEqual(none)
  const word = { count: 3, drained: true }
  expect(await new DrainRecord(directory).write(word)).toBeNull()
  expect(await new DrainRecord(directory).read()).toEqual({ word, trouble: null })
  expect(statSync(join(directory, 'drain.json')).mode & 0o777).toBe(0o600)
})

test.each([
  '',
  '{}',
  '{"schema":2,"count":1,"drained":true}',
  '{"schema":1,"count":1.5,"drained":true}',
])('a file with %j is told', async (text) => {
  writeFileSync(join(directory, 'drain.json'), text)
  expect(await new DrainRecord(directory).read()).toEqual({
    word: { count: 0, drained: false },
    trouble: `${join(directory, 'drain.json')} is not as we write it`,
  })
})

test('a place that cannot be written is told', async () => {
  const why = await new DrainRecord(join(directory, 'none')).write({ count: 1, drained: true })
  expect(why).toMatch(/^cannot write .*none\/drain.json/)
})
