/**
 * Can an agent live in its two directories, and is it the only one there?
 *
 * Each holds a lock. The one in the run directory alone would not do: whoever empties it under a running
 * agent makes room for a second one, and two of one node take datagrams and gate from each other, so
 * that the role flaps without end. What a disk refuses is a reason for the operator, no mistake of ours.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { native } from '../system/native.ts'
import type { AgentEnd } from './agent-end.ts'

export type Refusal = Extract<AgentEnd, { ok: false }>

/** As systemd makes them: the run directory is for everybody to look into, the state for root. */
const RUN_MODE = 0o755
const STATE_MODE = 0o700

/**
 * Makes both directories where they are missing, and locks them until this process ends.
 *
 * @returns why not, null when done
 */
export async function claimDirectories(places: {
  runDir: string
  stateDir: string
}): Promise<Refusal | null> {
  return (
    (await claim(places.runDir, RUN_MODE, '--run')) ??
    (await claim(places.stateDir, STATE_MODE, '--state'))
  )
}

/**
 * Does work that needs a directory.
 *
 * @returns what came of it, or why the directory cannot be used
 * @throws what is no refusal of the system: a mistake of ours
 */
export async function using<Value>(
  directory: string,
  work: () => Promise<Value>,
): Promise<{ ok: true; value: Value } | Refusal> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) throw error
    return {
      ok: false,
      code: 'HA_DIRECTORY_UNUSABLE',
      message: `the directory ${directory} cannot be used: ${message}`,
      mend: 'see that it is a directory, may be written to, and has room on its disk',
      hanging: null,
    }
  }
}

async function claim(directory: string, mode: number, option: string): Promise<Refusal | null> {
  const lock = join(directory, 'agent.lock')
  const claimed = await using(directory, async () => {
    await mkdir(directory, { recursive: true, mode })
    return native.lockFile(lock)
  })
  if (!claimed.ok) return claimed
  if (claimed.value) return null
  return {
    ok: false,
    code: 'HA_AGENT_RUNNING',
    message: `another agent of this node holds ${lock}`,
    mend: `stop it first, or give this one a directory of its own with ${option}`,
    hanging: null,
  }
}
