import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/nodename.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

const directory = mkdtempSync(join(tmpdir(), 'tandem-nodename-'))
const file = join(directory, 'ngcp_nodename')
beforeEach(() => rmSync(file, { force: true }))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function named(args: string[] = [], env: Record<string, string> = {}) {
  const io = capturedIo({ env: { TANDEM_CONFIG: directory, ...env } })
  const doors = { etcDirectory: directory, machineName: 'somewhere' }
  return { code: await run(args, io, doors), out: io.out, err: io.err }
}

const SP2 = { code: 0, out: 'sp2\n', err: '' }

describe('nodename', () => {
  test('is what the option, the variable or the file says, in this order', async () => {
    writeFileSync(file, 'sp2\n')
    expect(await named()).toStrictEqual(SP2)
    writeFileSync(file, 'sp1\n')
    expect(await named([], { TANDEM_NODE: 'sp2' })).toStrictEqual(SP2)
    expect(await named(['--node', 'sp2'], { TANDEM_NODE: 'sp1' })).toStrictEqual(SP2)
  })

  test('of a single machine is spce', async () => {
    writeFileSync(file, 'spce')
    expect(await named()).toStrictEqual({ code: 0, out: 'spce\n', err: '' })
  })

  test('is not made up when nothing tells it', async () => {
    for (const content of [null, '', 'sp3']) {
      if (content !== null) writeFileSync(file, content)
      const { code, out, err } = await named()
      expect([code, out, err.split('\n')[0]]).toStrictEqual([
        3,
        '',
        'tandem nodename: it cannot be told',
      ])
    }
  })

  test('is told by ngcp-nodename without starting anything where it stands plainly', () => {
    const program = fileURLToPath(new URL('../../packaging/bin/ngcp-nodename', import.meta.url))
    const env = { TANDEM_NODE: 'sp2', TANDEM_NODEJS: '/bin/false', PATH: '/nowhere' }
    const { status, stdout } = spawnSync(program, [], { env, encoding: 'utf8' })
    expect([status, stdout]).toStrictEqual([0, 'sp2\n'])
  })
})
