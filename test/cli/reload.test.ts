/**
 * Goal: a changed configuration is refused as a whole with every mistake, or named part by part with the
 * order of restarts. Method: real files against a pretend agent that runs with the files of before.
 */
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run, stepsFor } from '../../src/cli/reload.ts'
import { loadConfig } from '../../src/config/load.ts'
import { fingerprintsOf } from '../../src/config/parts.ts'
import type { OperationRequest } from '../../src/control/schema.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { operationWith, STATUS } from '../fixtures/control-documents.ts'

const PRO = join(import.meta.dirname, '../fixtures/config/pro')
const scratch = mkdtempSync(join(tmpdir(), 'tandem-reload-'))
const directory = join(scratch, 'config')
const etcDirectory = join(scratch, 'etc')
let agent: PretendAgent | null = null

/** The agent runs with the files as they are now. */
beforeEach(async () => {
  cpSync(PRO, directory, { recursive: true })
  const key = join(scratch, 'key')
  writeFileSync(key, `1 ${'0123456789abcdef'.repeat(4)}\n`)
  chmodSync(key, 0o600)
  change('config.yml', '/etc/tandem/key', key)
  const loaded = await loadConfig({ directory, node: 'sp1', etcDirectory })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  const self = { ...STATUS.self, configuration: fingerprintsOf(loaded.config) }
  agent = await startPretendAgent(pretendPorts({ status: async () => ({ ...STATUS, self }) }))
})
afterEach(async () => {
  await agent?.stop()
  agent = null
})
afterAll(() => rmSync(scratch, { recursive: true }))

function change(file: string, from: string, to: string): void {
  const path = join(directory, file)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) throw new Error(`nothing to replace: ${from}`)
  writeFileSync(path, text.replaceAll(from, to))
}

async function reload(...args: string[]) {
  const io = capturedIo({ env: { TANDEM_RUN: agent?.runDir ?? '/nowhere' } })
  const doors = { machine: { interfaceExists: () => true }, etcDirectory }
  const exitCode = await run(['--config', directory, ...args], io, doors)
  return { exitCode, out: io.out, err: io.err }
}

describe('tandem reload', () => {
  test('says that nothing is to be done while the files are those the agent runs with', async () => {
    expect(await reload()).toEqual({
      exitCode: 0,
      out: 'the agent runs with this configuration; nothing is to be done\n',
      err: '',
    })
  })

  test('refuses a configuration with a mistake as a whole, and names the mistake', async () => {
    change('config.yml', '192.0.2.3', '192.0.2.333')
    const { exitCode, out, err } = await reload()
    expect([exitCode, out]).toEqual([3, ''])
    expect(err).toContain('192.0.2.333')
    expect(err).toMatch(/\ntandem reload: refused; the agent goes on as it is\n$/)
    const told = JSON.parse((await reload('--json')).out)
    expect([told.ok, told.mistakes.length > 0]).toEqual([false, true])
  })

  test('names what the pair must agree on, and restarts the standby first', async () => {
    change('config.yml', '192.0.2.3', '192.0.2.4')
    expect(await reload()).toEqual({
      exitCode: 3,
      out: `The configuration is sound. It needs a restart: ping nodes
Nodes that differ in these neither hand over to each other nor take over from each other.
  1. give both nodes the same files; tandem reload on each names the same parts
  2. on sp2, the standby: systemctl restart tandemd, and wait until tandem status answers there; from here on no node can replace the other
  3. on sp1, at once: systemctl restart tandemd; nobody serves until its agent is up again, then one is elected
`,
      err: '',
    })
  })

  test('hands over first where the nodes may differ', async () => {
    change('config.yml', 'timing: fast', 'timing: fast\n  gate: nftables')
    expect(await reload()).toEqual({
      exitCode: 3,
      out: `The configuration is sound. It needs a restart: gate
The nodes may differ in these: no service is interrupted.
  1. on sp1: ngcp-make-standby, so that sp2 serves
  2. on sp1, the standby by then: systemctl restart tandemd
`,
      err: '',
    })
  })

  test('has the agent take over what it can, and says what that was', async () => {
    change('config.yml', 'timing: fast', 'timing: fast\n  outside_checks: process')
    const loaded = await loadConfig({ directory, node: 'sp1', etcDirectory })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
    const { config } = loaded
    await agent?.stop()
    let taken = false
    const requests: OperationRequest[] = []
    const before = { ...config, outsideChecks: [] }
    const ports = pretendPorts({
      status: async () => ({
        ...STATUS,
        self: { ...STATUS.self, configuration: fingerprintsOf(taken ? config : before) },
      }),
      operate: async (request) => {
        requests.push(request)
        taken = true
        const steps = [{ atMs: 3, sentence: 'what is asked from outside is in force' }]
        return { ...operationWith({ kind: 'reload', state: 'done' }), steps }
      },
    })
    agent = await startPretendAgent(ports)
    expect(await reload()).toEqual({
      exitCode: 0,
      out: 'In force:\n  what is asked from outside is in force\nthe agent runs with this configuration; nothing is to be done\n',
      err: '',
    })
    expect(requests).toEqual([{ kind: 'reload', node: null, force: false }])
  })

  test('says why the agent took over nothing', async () => {
    change('config.yml', 'timing: fast', 'timing: fast\n  outside_checks: process')
    await agent?.stop()
    const reason = { code: 'not-applied', sentence: 'lb does not end', mend: 'tandem reload' }
    const ports = pretendPorts({
      operate: async () => ({ ...operationWith({ kind: 'reload', state: 'refused' }), reason }),
    })
    agent = await startPretendAgent(ports)
    expect(await reload('--node', 'sp1')).toEqual({
      exitCode: 3,
      out: '',
      err: 'tandem reload: refused: lb does not end (not-applied)\n  mend: tandem reload\n',
    })
  })

  test('finds mistakes also where no agent runs, and else says that none does', async () => {
    await agent?.stop()
    agent = null
    expect((await reload('--node', 'sp1')).exitCode).toBe(2)
    change('config.yml', '192.0.2.3', '192.0.2.333')
    expect((await reload('--node', 'sp1')).exitCode).toBe(3)
  })
})

describe('the order of restarts', () => {
  const seen = (role: 'active' | 'standby', theirs: 'active' | 'standby' | null) => ({
    ...STATUS,
    local: { ...STATUS.local, role },
    peer: { ...STATUS.peer, role: theirs },
  })
  const first = (steps: readonly string[]) => steps.map((step) => step.split(/[,:]/)[0])

  test('is standby, then active, seen from either node', () => {
    const pair = [{ reach: 'pair' as const }, { reach: 'node' as const }]
    const [, ...ofActive] = first(stepsFor(pair, seen('active', 'standby')))
    const [, ...ofStandby] = first(stepsFor(pair, seen('standby', 'active')))
    expect([ofActive, ofStandby]).toEqual([
      ['on sp2', 'on sp1'],
      ['on sp1', 'on sp2'],
    ])
  })

  test('is this node alone, where the nodes may differ and it does not serve', () => {
    expect(stepsFor([{ reach: 'node' }], seen('standby', null))).toEqual([
      'on sp1, which does not serve: systemctl restart tandemd',
    ])
  })
})
