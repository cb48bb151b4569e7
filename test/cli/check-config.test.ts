import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type CheckDoors, run } from '../../src/cli/check-config.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

const PRO = join(import.meta.dirname, '../fixtures/config/pro')
const scratch = mkdtempSync(join(tmpdir(), 'check-config-'))
const directory = join(scratch, 'config')

beforeEach(() => {
  cpSync(PRO, directory, { recursive: true })
  const key = join(scratch, 'key')
  writeFileSync(key, `1 ${'0123456789abcdef'.repeat(4)}\n`)
  chmodSync(key, 0o600)
  change('config.yml', '/etc/tandem/key', key)
})
afterAll(() => {
  rmSync(scratch, { recursive: true })
})

function change(file: string, from: string, to: string): void {
  const path = join(directory, file)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) throw new Error(`nothing to replace: ${from}`)
  writeFileSync(path, text.replaceAll(from, to))
}

const DOORS: CheckDoors = {
  measure: async (nodes) => ({
    ok: true,
    samples: nodes.map(({ address }) => ({
      address,
      sentCount: 20,
      roundTripsMs: Array(20).fill(address === '192.0.2.3' ? 15 : 0.4),
    })),
  }),
  machine: { interfaceExists: () => true },
  etcDirectory: join(scratch, 'etc'),
  machineName: 'sp1',
}

async function check(args: string[], doors: Partial<CheckDoors> = {}) {
  const io = capturedIo()
  const exitCode = await run(['--config', directory, ...args], io, { ...DOORS, ...doors })
  return { exitCode, out: io.out, err: io.err }
}

const MEANING = `  node         sp1 (sp1), peer sp2
  mode         ping, UDP port 694, gate auto
  timing       fast: heartbeat 20 ms, lease 100 ms, takeover within 260 ms
  path         crosslink on eth1: 192.168.255.251 - 192.168.255.252
               lan on eth0: 192.0.2.11 - 192.0.2.12
  ping node    192.0.2.1
               192.0.2.2
               192.0.2.3
  floating IP  192.0.2.10/24 on eth0:0
               192.0.2.9/24 on eth0:1
               2001:db8:0:1::10/64 on eth0
               192.168.255.250/29 on eth1:0
  digest       89e416300357b7f9 (must be the same on sp2)
`

describe('tandem check-config', () => {
  it('shows what a sound configuration means, how the ping nodes answer, and ends with 0', async () => {
    expect(await check([])).toEqual({
      exitCode: 0,
      out: `${MEANING}
  ping node  loss  median  p99     default  fast
  192.0.2.1  0 %   0.4 ms  0.4 ms  solid    solid
  192.0.2.2  0 %   0.4 ms  0.4 ms  solid    solid
  192.0.2.3  0 %   15 ms   15 ms   solid    tolerable

no errors, no warnings.
`,
      err: '',
    })
  })

  it('ends with 0 on warnings and measures nothing when told not to', async () => {
    change('config.yml', '  - 192.0.2.2\n', '')
    const measure = (): never => {
      throw new Error('measured')
    }
    const { exitCode, out } = await check(['--no-measure'], { measure })
    expect(exitCode).toBe(0)
    expect(out).toContain('makes only 2 ping nodes')
    expect(out).toMatch(/\nno errors, 1 warning\.\n$/)
    expect(out).not.toContain('measured')
  })

  it('ends with 3 on a mistake in a file and does not measure', async () => {
    change('config.yml', 'timing: fast', 'timming: fast')
    const { exitCode, out, err } = await check([])
    const line = readFileSync(join(directory, 'config.yml'), 'utf8')
      .split('\n')
      .findIndex((text) => text.includes('timming'))
    expect({ exitCode, out, err }).toEqual({
      exitCode: 3,
      out: `${directory}/config.yml
  ERROR    line ${line + 1}  tandem.timming: fast
           is not a known key
           -> did you mean timing?

1 error, no warnings: the agent does not start with this.
`,
      err: '',
    })
  })

  it('ends with 3 when an interface or the key is not on this machine, unless told not to look', async () => {
    rmSync(join(scratch, 'key'))
    const machine = { interfaceExists: (name: string) => name !== 'eth1' }
    const { exitCode, out } = await check(['--no-measure'], { machine })
    expect(exitCode).toBe(3)
    expect(out).toContain('hosts.sp1.eth1\n           is not an interface of this machine\n')
    expect(out).toContain('2 errors, no warnings: the agent does not start with this.\n')
    expect((await check(['--no-measure', '--no-machine'], { machine })).exitCode).toBe(0)
  })

  it('goes on without a measurement that fails', async () => {
    for (const measure of [
      async () => ({ ok: false, why: 'not permitted' }) as const,
      async () => {
        throw new Error('not permitted')
      },
    ]) {
      const { exitCode, out } = await check([], { measure })
      expect(exitCode).toBe(0)
      expect(out).toContain('\n  The ping nodes could not be measured: not permitted\n')
    }
  })

  it('prints one JSON document when asked', async () => {
    const { exitCode, out } = await check(['--json', '--node', 'sp2'])
    const document = JSON.parse(out)
    expect(exitCode).toBe(0)
    expect(document).toMatchObject({
      ok: true,
      mistakes: [],
      config: { node: 'sp2', policy: { digest: '89e416300357b7f9' } },
      pingBudget: { profile: 'fast', concern: null },
    })
    expect(document.files).toHaveLength(4)
  })

  it('names the node by option, else by variable, else by the machine', async () => {
    const nodeOf = async (args: string[], variable: string): Promise<string> => {
      const io = capturedIo({ env: { TANDEM_NODE: variable } })
      await run(['--config', directory, '--json', '--no-measure', ...args], io, DOORS)
      return JSON.parse(io.out).config.node
    }
    expect(await nodeOf(['--node', 'sp1'], 'sp2')).toBe('sp1')
    expect(await nodeOf([], 'sp2')).toBe('sp2')
    expect(await nodeOf([], '')).toBe('sp1')
  })

  it('ends with 1 when it is not understood', async () => {
    const { exitCode, out, err } = await check(['--jsn'])
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' })
    expect(err).toContain('unknown option --jsn; did you mean --json?')
  })
})
