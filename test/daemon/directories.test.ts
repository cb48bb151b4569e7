import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimDirectories, using } from '../../src/daemon/directories.ts'

let base: string
let places: { runDir: string; stateDir: string }

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'tandem-directories-'))
  places = { runDir: join(base, 'run/tandem'), stateDir: join(base, 'lib/tandem') }
})

afterEach(async () => {
  await rm(base, { recursive: true, force: true })
})

/** Holds a lock as another agent would, until it is ended. */
async function otherHolds(lock: string): Promise<() => Promise<void>> {
  await mkdir(join(lock, '..'), { recursive: true })
  const other = spawn('flock', [lock, 'sh', '-c', 'echo held; read -r _'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(other.stdout, 'data')
  return async () => {
    const over = once(other, 'exit')
    other.stdin.end()
    await over
  }
}

describe('the two directories of an agent', () => {
  it('are made, the state for root alone', async () => {
    expect(await claimDirectories(places)).toBe(null)
    expect((await stat(places.runDir)).mode & 0o777).toBe(0o755)
    expect((await stat(places.stateDir)).mode & 0o777).toBe(0o700)
  })

  it('keep a second agent out by either lock, and let it in when the first is gone', async () => {
    for (const [directory, option] of [
      [places.runDir, '--run'],
      [places.stateDir, '--state'],
    ] as const) {
      const end = await otherHolds(join(directory, 'agent.lock'))
      const fresh = { runDir: `${base}/${option}-run`, stateDir: `${base}/${option}-state` }
      const tried =
        option === '--run' ? { ...fresh, runDir: directory } : { ...fresh, stateDir: directory }
      expect(await claimDirectories(tried)).toEqual({
        ok: false,
        code: 'HA_AGENT_RUNNING',
        message: `another agent of this node holds ${directory}/agent.lock`,
        mend: `stop it first, or give this one a directory of its own with ${option}`,
        hanging: null,
      })
      await end()
    }
    expect(await claimDirectories(places)).toBe(null)
  })

  it('that cannot be used are named with the reason', async () => {
    await mkdir(join(base, 'lib'))
    await writeFile(places.stateDir, 'a file')
    expect(await claimDirectories(places)).toMatchObject({
      code: 'HA_DIRECTORY_UNUSABLE',
      message: expect.stringContaining(`the directory ${places.stateDir} cannot be used: EEXIST`),
      mend: 'see that it is a directory, may be written to, and has room on its disk',
    })
  })

  it('are not blamed for a mistake of ours', async () => {
    const mistake = async () => {
      throw new TypeError('undefined is not a function')
    }
    await expect(using(base, mistake)).rejects.toThrow('undefined is not a function')
  })
})
