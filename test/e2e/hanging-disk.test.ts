/**
 * Goal: an agent that is asked to stop is gone soon, whatever its disk does: an ordinary exit of a process
 * waits for calls that hang in the kernel. Method: the state directory lies on a file system of its own
 * that is frozen, so that every write to it hangs.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LabNode } from '../../src/lab/node.ts'
import { tandemPair } from '../../src/lab/pair.ts'
import { planLab } from '../../src/lab/plan.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'

const tool = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', timeout: 10_000 })
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A file system in a file can be made and frozen here. */
function canFreeze(): boolean {
  if (process.getuid?.() !== 0) return false
  try {
    for (const needed of ['losetup', 'fsfreeze', 'mkfs.ext4'])
      tool('sh', '-c', `command -v ${needed}`)
    tool('losetup', '--find')
    return true
  } catch {
    return false
  }
}

/** Longest a stop may take: the hands, the control thread and the disk, each to its limit. */
const GONE_WITHIN_MS = 5_000

describe.skipIf(!canFreeze())('an agent whose disk hangs', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tandem-disk-'))
  let lab: Lab
  let node: LabNode

  beforeAll(async () => {
    lab = await buildLab(planLab('tandemdisk'))
    node = new LabNode(lab, 'sp1')
    await tandemPair('fast').prepare(lab)
    await node.reinstall()
    const image = join(scratch, 'image')
    tool('truncate', '-s', '16M', image)
    tool('mkfs.ext4', '-q', image)
    tool('mount', '-o', 'loop', image, node.directories.state)
  })

  afterAll(async () => {
    const { state } = node.directories
    try {
      tool('fsfreeze', '-u', state)
    } catch {
      // It was not frozen.
    }
    node.signal('SIGKILL')
    await sleep(200)
    tool('umount', '--lazy', state)
    await lab.destroy()
    rmSync(scratch, { recursive: true })
  })

  const log = (): string => readFileSync(node.logFile, 'utf8')
  async function until(holds: () => boolean, limitMs: number): Promise<number> {
    const beganMs = performance.now()
    while (!holds()) {
      if (performance.now() - beganMs > limitMs) throw new Error(`not in time:\n${log()}`)
      await sleep(20)
    }
    return performance.now() - beganMs
  }

  it('is gone soon after SIGTERM all the same, and says what hangs', async () => {
    const { pid } = node.launch(agentCommand(node))
    await until(() => log().includes('listening'), 20_000)
    tool('fsfreeze', '-f', node.directories.state)
    process.kill(pid, 'SIGTERM')
    const alive = (): boolean => node.processes().includes(pid)
    expect(await until(() => !alive(), 15_000)).toBeLessThan(GONE_WITHIN_MS)
    expect(log()).toContain('ends without waiting any longer for the disk with')
  })
})

function agentCommand(node: LabNode): string[] {
  const { config, state, run } = node.directories
  const program = join(import.meta.dirname, '../../dist/cli/tandem.js')
  const places = ['--config', config, '--state', state, '--run', run, '--node', node.name]
  return [process.execPath, program, 'agent', ...places]
}
