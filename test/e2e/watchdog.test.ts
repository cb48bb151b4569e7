/**
 * Goal: a real agent feeds its watchdog while it is well and no longer, stops it only when it ends as planned, and serves
 * without one. Method: there is no such device where the tests run; a FIFO stands in for it, and its other end tells
 * what the device would have heard. That the machine is then reset is the kernel's part, and not tried here.
 */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readStatus } from '../../src/lab/agent-report.ts'
import { LabNode } from '../../src/lab/node.ts'
import { askTandem, tandemPair } from '../../src/lab/pair.ts'
import { planLab } from '../../src/lab/plan.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0
const LIMIT_MS = 20_000
/** A word each 1.25 s, at the next look: with some of the machine's own delay, never longer apart. */
const TIMEOUT_SECONDS = 5
const SILENT_MS = 4_000

describe.skipIf(!isRoot)('a watchdog', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tandem-watchdog-'))
  const device = join(scratch, 'watchdog')
  let lab: Lab
  let node: LabNode
  let reader: number | null = null

  beforeAll(async () => {
    lab = await buildLab(planLab('tandemdog'))
    node = new LabNode(lab, 'sp1')
  })

  afterAll(async () => {
    node.signal('SIGKILL')
    await lab.destroy()
    rmSync(scratch, { recursive: true })
  })

  beforeEach(async () => {
    execFileSync('mkfifo', [device])
    startReading()
    await configure(device)
    await node.reinstall()
  })

  afterEach(async () => {
    node.signal('SIGKILL')
    await until(async () => node.processes().length === 0, LIMIT_MS)
    stopReading()
    rmSync(device, { force: true })
  })

  const configure = (place: string): Promise<void> => {
    const watchdog = `watchdog: {device: ${place}, timeout_seconds: ${TIMEOUT_SECONDS}}`
    return tandemPair('default', undefined, [], [watchdog]).prepare(lab)
  }

  function startReading(): void {
    reader = openSync(device, constants.O_RDONLY | constants.O_NONBLOCK)
  }

  function stopReading(): void {
    if (reader !== null) closeSync(reader)
    reader = null
  }

  /** What it heard since the last look. `closed`: nobody has it open. */
  function heard(): { words: string; closed: boolean } {
    const bytes = Buffer.alloc(1_000)
    let words = ''
    for (;;) {
      try {
        const length = readSync(reader ?? -1, bytes, 0, bytes.length, null)
        if (length === 0) return { words, closed: true }
        words += bytes.toString('latin1', 0, length)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
        return { words, closed: false }
      }
    }
  }

  /** @returns the process of the agent */
  function start(): number {
    const program = join(import.meta.dirname, '../../dist/cli/tandem.js')
    const { config, state, run } = node.directories
    const places = ['--config', config, '--state', state, '--run', run, '--node', node.name]
    return node.launch([process.execPath, program, 'agent', ...places]).pid
  }

  /** Resolves when so many words came, and nothing else. */
  async function words(count: number): Promise<void> {
    let all = ''
    await until(async () => {
      all += heard().words
      return all.length >= count
    }, LIMIT_MS)
    expect(all).toMatch(/^\0+$/)
  }

  /** Resolves when nobody has it open any more, with what it heard until then. */
  async function closed(): Promise<string> {
    let all = ''
    await until(async () => {
      const found = heard()
      all += found.words
      return found.closed
    }, LIMIT_MS)
    return all
  }

  const log = (): string => readFileSync(node.logFile, 'utf8')
  const codes = async () => (await readStatus(node))?.alarms.map(({ code }) => code)

  it('is fed while the agent is well, shown in its status, and stopped by V when it ends', async () => {
    const pid = start()
    await words(3)
    const status = await readStatus(node)
    expect(status?.watchdog).toEqual({
      ...{ device, identity: null, timeoutSeconds: null, fedMsAgo: expect.any(Number) },
      trouble: null,
    })
    expect(status?.watchdog?.fedMsAgo).toBeLessThan(SILENT_MS)
    expect(await codes()).not.toContain('watchdog')
    const told = await askTandem(node, 'status')
    expect(told.ok ? told.stdout : told.message).toMatch(
      /^watchdog {2}\S+: resets this machine after a time not known without a word, fed .* ago$/m,
    )
    process.kill(pid, 'SIGTERM')
    expect(await closed()).toMatch(/^\0*V$/)
    await until(async () => !node.processes().includes(pid), LIMIT_MS)
    expect(log()).toContain(`${device} was told to stop, for the agent ends`)
  })

  it('hears nothing while the agent stands still, and is fed again when it goes on', async () => {
    const pid = start()
    await words(2)
    process.kill(pid, 'SIGSTOP')
    await sleep(100)
    heard()
    await sleep(SILENT_MS)
    expect(heard()).toEqual({ words: '', closed: false })
    process.kill(pid, 'SIGCONT')
    await words(2)
  })

  it('goes on when the agent is killed, and the next one feeds it', async () => {
    const pid = start()
    await words(2)
    process.kill(pid, 'SIGKILL')
    expect(await closed()).toMatch(/^\0*$/)
    start()
    await words(3)
  })

  it('that takes no word any more is an alarm, until it does', async () => {
    start()
    await words(2)
    stopReading()
    await until(async () => (await codes())?.includes('watchdog'), LIMIT_MS)
    startReading()
    await words(2)
    await until(async () => (await codes())?.includes('watchdog') === false, LIMIT_MS)
  })

  it('that is not there is an alarm, and the agent serves all the same', async () => {
    const missing = join(scratch, 'none')
    await configure(missing)
    start()
    await until(async () => (await readStatus(node))?.local.state === 'active', LIMIT_MS)
    await until(async () => (await codes())?.includes('watchdog'), LIMIT_MS)
    const status = await readStatus(node)
    expect(status?.alarms.find(({ code }) => code === 'watchdog')?.sentence).toBe(
      `watchdog ${missing}: there is no such device`,
    )
    expect(status?.local.state).toBe('active')
  })
})
