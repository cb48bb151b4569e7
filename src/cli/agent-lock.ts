/**
 * Who may act by hand? Nobody while an agent runs: what it holds together must not be moved beside it.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Io } from './command.ts'
import { OCF, type OcfCode, sayOcf } from './ocf.ts'

export interface AgentPlace {
  runDir: string
  /** Takes a lock for as long as we run; false: somebody else has it. */
  lockFile(path: string): boolean
  io: Io
}

/**
 * Takes the lock of the agent, so that none starts meanwhile, or says that one runs.
 *
 * @param alone  what it alone does, a clause
 * @returns the exit code; null when there is none
 */
export async function refuseBesideAgent(place: AgentPlace, alone: string): Promise<OcfCode | null> {
  await mkdir(place.runDir, { recursive: true, mode: 0o755 })
  const lock = join(place.runDir, 'agent.lock')
  if (place.lockFile(lock)) return null
  const sentence = `an agent is running (it holds ${lock}): it alone ${alone}`
  return sayOcf(place.io, OCF.generic, sentence)
}
