/**
 * Goal: one node's configuration comes to the other over ssh, whole or not at all, whatever it dies of, and comes
 * into force there without a change of the role. Method: a real pair with a real sshd; and the receiver as a real
 * process that is killed before each of its changes of the file system in turn.
 */
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pack, readAnswer } from '../../src/cli/push/exchange.ts'
import { receive } from '../../src/cli/push/receive.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { LabNode } from '../../src/lab/node.ts'
import { askTandem, type Nodes, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, planLab } from '../../src/lab/plan.ts'
import { inside } from '../../src/lab/process.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'
import { allowLogin, typedWithSsh } from '../helpers/ssh-pair.ts'
import { until } from '../helpers/until.ts'

const TANDEM = join(import.meta.dirname, '../../dist/cli/tandem.js')
const KILL_AT = join(import.meta.dirname, '../fixtures/kill-at.mjs')
const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('a pair whose nodes reach each other by ssh', () => {
  let lab: Lab
  let nodes: Nodes
  let path: string

  beforeAll(async () => {
    lab = await buildLab(planLab('tandempush'))
    nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    const driver = tandemPair('default')
    await driver.prepare(lab)
    for (const node of Object.values(nodes)) {
      await node.reinstall()
      await driver.start(node)
    }
    const address = lab.plan.crosslink.sp2.ipv4
    path = allowLogin(nodes.sp2, { address, workDir: lab.plan.workDir })
  }, 60_000)

  afterAll(async () => {
    await lab?.destroy()
  }, 60_000)

  async function status(node: LabNodeName): Promise<StatusDocument> {
    const result = await askTandem(nodes[node], 'status', '--json')
    return JSON.parse(result.stdout) as StatusDocument
  }

  const push = (...args: string[]) => typedWithSsh(nodes.sp1, path, 'config', 'push', ...args)

  function text(node: LabNodeName): string {
    return readFileSync(join(nodes[node].directories.config, 'config.yml'), 'utf8')
  }

  function write(node: LabNodeName, from: string, to: string): void {
    const place = join(nodes[node].directories.config, 'config.yml')
    writeFileSync(place, text(node).replace(from, to))
  }

  it('takes over what it can at once, names what needs a restart, and keeps its roles', async () => {
    await until(async () => {
      const told = await Promise.all([status('sp1'), status('sp2')]).catch(() => null)
      return told?.some((one) => one.local?.state === 'active') ?? false
    })
    expect(await push()).toMatchObject({ exitCode: 0, err: '' })
    const before = await status('sp2')
    write('sp1', 'tandem:\n', 'tandem:\n  outside_checks: [tcp 127.0.0.1:5038]\n')
    const dry = await push('--dry-run')
    expect([dry.exitCode, text('sp2') === text('sp1')]).toEqual([0, false])
    const word = /--shown ([0-9a-f]+)/.exec(dry.out)?.[1] ?? ''
    const { exitCode, out, err } = await push('--shown', word)
    expect([exitCode, err]).toEqual([0, ''])
    expect(out).toContain('the agent of sp2 runs with these files')
    expect(text('sp2')).toBe(text('sp1'))
    const after = await status('sp2')
    expect([after.local.role, after.self.pid]).toEqual([before.local.role, before.self.pid])
    const partOf = ({ self }: StatusDocument) =>
      self.configuration.find(({ part }) => part === 'outside checks')?.fingerprint
    expect(partOf(after)).not.toBe(partOf(before))

    write('sp1', 'tandem:\n', 'tandem:\n  gate: nftables\n')
    const restart = await push('--json')
    expect([restart.exitCode, JSON.parse(restart.out)]).toMatchObject([
      5,
      { state: 'taken', reload: { changed: [{ part: 'gate' }] } },
    ])
    write('sp2', 'timing: default', 'timing: fast')
    const newer = await push()
    expect([newer.exitCode, newer.err.includes('was changed on sp2 later than here')]).toEqual([
      3,
      true,
    ])
    expect(text('sp2')).toContain('timing: fast')
  }, 120_000)

  it('says plainly that the peer does not let it in', async () => {
    const known = join(lab.plan.workDir, 'ssh-sp2/known')
    writeFileSync(known, '')
    const { exitCode, err } = await push()
    expect(exitCode).toBe(2)
    expect(err).toMatch(/^tandem config push: the peer was not reached: .*nothing was changed\n/)
  }, 60_000)

  /** Files of its own, read by a receiver in the namespace of sp2. */
  describe('a receiver that is killed at any moment', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'tandem-killed-'))
    const directory = join(scratch, 'config')
    let old: string

    beforeAll(() => {
      old = text('sp2')
    })
    afterAll(() => rmSync(scratch, { recursive: true }))

    const configText = (isNew: boolean): string =>
      isNew ? old.replace(/timing: \w+/, 'timing: {profile: default, damping_ms: 1500}') : old

    function install(): void {
      rmSync(directory, { recursive: true, force: true })
      cpSync(nodes.sp2.directories.config, directory, { recursive: true })
      rmSync(join(directory, '.tandem'), { recursive: true, force: true })
      mkdirSync(join(directory, 'config.d'))
      writeFileSync(join(directory, 'config.yml'), old)
      writeFileSync(join(directory, 'config.d/gone.yml'), 'site: {gone: 1}\n')
    }

    const request = (): string => {
      const sent = (name: string, bytes: string) => {
        return { name, content: pack(Buffer.from(bytes)), mode: 0o644, mtimeMs: 1e12 }
      }
      const files = [
        sent('config.yml', configText(true)),
        sent('config.d/new.yml', 'site: {new: 1}\n'),
        { name: 'config.d/gone.yml', content: null, mode: 0, mtimeMs: 0 },
      ]
      const head = { version: 1, kind: 'take', from: 'sp1', fromHost: 'sp1' }
      return JSON.stringify({ ...head, have: {}, expect: null, files })
    }

    /** @param killAt  before which change of the file system; 0 never */
    async function received(killAt: number) {
      const places = ['--config', directory, '--node', 'sp2', '--run', join(scratch, 'run')]
      const command = [process.execPath, TANDEM, 'config', 'receive', ...places]
      const [program = '', ...args] = inside(nodes.sp2.namespace, command)
      const options = { NODE_OPTIONS: `--import ${KILL_AT}`, KILL_AT: String(killAt) }
      const child = spawn(program, args, {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, ...options, KILL_BELOW: directory },
      })
      let out = ''
      child.stdout.on('data', (piece) => {
        out += String(piece)
      })
      child.stdin.end(request())
      const signal = await new Promise<string | null>((resolve) => {
        child.on('close', (_code, name) => resolve(name))
      })
      return { signal, answer: readAnswer(out) }
    }

    /** As the next start of the agent would read it. */
    async function isNew(): Promise<boolean> {
      const { config, files } = await loadConfig({ directory, node: 'sp2', etcDirectory: scratch })
      const names = files.map((file) => file.slice(directory.length + 1))
      const signs = [
        config?.policy.timing.dampingMs === 1500,
        names.includes('config.d/new.yml'),
        !names.includes('config.d/gone.yml'),
      ]
      expect(new Set(signs).size, signs.join(' ')).toBe(1)
      return signs[0] ?? false
    }

    it('leaves the old files or the new ones, and the next one goes on from there', async () => {
      const seen = new Set<boolean>()
      let killAt = 0
      for (let signal: string | null = 'SIGKILL'; signal === 'SIGKILL'; ) {
        killAt += 1
        install()
        const first = await received(killAt)
        signal = first.signal
        if (signal === null) expect(first.answer).toMatchObject({ ok: true, kind: 'take' })
        seen.add(await isNew())
        const doors = { directory, node: 'sp2', etcDirectory: scratch, newId: () => '9999' }
        const second = await receive(request(), {
          ...{ ...doors, interfaceExists: () => true, lockFile: () => true },
          reload: async () => ({ exitCode: 0, document: { ok: true } }),
        })
        expect(second, `killed before change ${killAt}: ${JSON.stringify(second)}`).toMatchObject({
          ok: true,
          kind: 'take',
        })
        expect(await isNew()).toBe(true)
        expect(readFileSync(join(directory, 'config.yml'), 'utf8')).toBe(configText(true))
        const left = ['config.d/gone.yml', '.tandem/commit'].map((name) => join(directory, name))
        expect(left.filter((path) => existsSync(path))).toEqual([])
      }
      expect(seen).toEqual(new Set([false, true]))
      // It was killed in many places, and went through in the end.
      expect(killAt).toBeGreaterThan(25)
    }, 600_000)
  })
})
