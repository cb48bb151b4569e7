// Goal: all processes of a unit are found in either layout, and never those of the whole machine.
// Method: directories as the kernel shows them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cgroupProcesses } from '../../src/resources/service-cgroup.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-cgroup-'))
  for (const [folder, pids] of [
    ['', '1\n2\n'],
    ['systemd', '1\n2\n'],
    ['system.slice/new.service', '12\n11\n0\n'],
    ['system.slice/new.service/below', '13\n'],
    ['systemd/system.slice/old.service', '21\n'],
    ['unified/system.slice/both.service', '31\n'],
  ]) {
    mkdirSync(join(root, folder!), { recursive: true })
    writeFileSync(join(root, folder!, 'cgroup.procs'), pids!)
  }
})
afterAll(() => rmSync(root, { recursive: true }))

test.each([
  ['/system.slice/new.service', [11, 12, 13]],
  ['/system.slice/old.service', [21]],
  ['/system.slice/both.service', [31]],
  ['/system.slice/none.service', []],
  ['', []],
  ['/', []],
  ['//', []],
  ['/system.slice/../..', []],
])('the group %j has the processes %j', async (group, pids) => {
  expect(await cgroupProcesses(group, root)).toEqual(pids)
})
