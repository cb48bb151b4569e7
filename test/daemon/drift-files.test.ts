/** Goal: fingerprints follow what stands in the files, name no node, and the walk is bounded. Method: real files. */
import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PairConfig } from '../../src/config/config.ts'
import { DriftFiles } from '../../src/daemon/drift-files.ts'
import { CONFIG } from '../helpers/snapshot-case.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drift-'))
})
afterEach(() => rm(directory, { recursive: true }))

const at = (name: string): string => join(directory, name)

function files(
  patterns: readonly string[],
  except: readonly string[] = [],
  config: Partial<PairConfig> = {},
) {
  const drift = { files: patterns.map(at), except: except.map(at), afterMs: 0 }
  return new DriftFiles({ ...CONFIG, ...config, drift })
}
const namesOf = async (walk: DriftFiles) =>
  (await walk.look()).map(({ name }) => name.slice(directory.length + 1))

test('directories, patterns and exceptions mean what they say, and what is not there is no mistake', async () => {
  for (const name of ['kamailio/inc', 'ngcp', '.git']) await mkdir(at(name), { recursive: true })
  const some = ['kamailio/a.cfg', 'kamailio/inc/b.cfg', 'kamailio/a.cfg~', 'kamailio/secret.cfg']
  for (const name of [...some, 'ngcp/config.yml', 'ngcp/.hidden.yml', 'ngcp/other.txt']) {
    await writeFile(at(name), name)
  }
  await symlink(at('kamailio'), at('kamailio/inc/circle'))
  const walk = files(
    ['kamailio', 'ngcp/*.yml', 'nowhere', 'no*/x'],
    ['kamailio/secret.cfg', 'kamailio/inc/circle'],
  )
  expect(await namesOf(walk)).toEqual(['kamailio/a.cfg', 'kamailio/inc/b.cfg', 'ngcp/config.yml'])
  // Without the exception the circle ends by itself.
  expect((await files(['kamailio']).look()).length).toBeLessThan(50)
})

test('a change is seen, also one that leaves the size as it was', async () => {
  await writeFile(at('a'), 'one')
  const walk = files(['a'])
  const [first] = await walk.look()
  expect(await walk.look()).toEqual([first])
  await writeFile(at('a'), 'two')
  const [second] = await walk.look()
  expect(second?.fingerprint).not.toBe(first?.fingerprint)
  await appendFile(at('a'), '!')
  expect((await walk.look())[0]?.fingerprint).not.toBe(second?.fingerprint)
})

test('files that differ in the names and addresses of their node alone are alike', async () => {
  const [path] = CONFIG.paths
  if (path === undefined) throw new Error('a path is needed')
  const swapped = { ...path, ourAddress: path.peerAddress, peerAddress: path.ourAddress }
  const peer = { hostName: 'sp2', peerHostName: 'sp1', paths: [swapped] }
  const listen = (address: string, name: string) => `listen=udp:${address}:5060\nname="${name}"\n`
  await writeFile(at('lb'), listen(path.ourAddress, 'sp1'))
  const [ours] = await files(['lb']).look()
  await writeFile(at('lb'), listen(path.peerAddress, 'sp2'))
  const [theirs] = await files(['lb'], [], peer).look()
  expect([ours?.neutral === theirs?.neutral, ours?.fingerprint === theirs?.fingerprint]).toEqual([
    true,
    false,
  ])
  // An address that merely begins like one of ours is another.
  await writeFile(at('lb'), listen(`${path.ourAddress}0`, 'sp1'))
  expect((await files(['lb']).look())[0]?.neutral).not.toBe(ours?.neutral)
})

test('a file that is too large is told by its size, one that is no file not at all', async () => {
  await writeFile(at('large'), Buffer.alloc(3 * 1024 * 1024))
  const walk = files(['large', 'sub'])
  const [first] = await walk.look()
  await appendFile(at('large'), 'x')
  expect((await walk.look())[0]?.fingerprint).not.toBe(first?.fingerprint)
  await mkdir(at('sub'))
  expect(await namesOf(walk)).toEqual(['large'])
})

test('no more than some hundred files are read', async () => {
  await mkdir(at('many'))
  for (let index = 0; index < 450; index += 1) await writeFile(at(`many/${index}`), '')
  expect((await files(['many']).look()).length).toBe(400)
})
