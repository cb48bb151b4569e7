/**
 * What is left in the kernel when the program itself is to go? The gate: without an agent it stays shut, and
 * keeps the floating IPs off this machine until the next boot. (The addresses went with the agent.)
 */
import { removeGate } from '../gate/choose.ts'
import { pathExists } from '../system/file.ts'
import { claimDirectories } from './directories.ts'

/** @returns what could not be removed, one sentence each; also that an agent runs, which needs its gate */
export async function clearAway(places: { runDir: string; stateDir: string }): Promise<string[]> {
  // Where no agent ever ran there is nothing to look for, and nothing to be made for it.
  if (!(await pathExists(places.runDir))) return []
  const refusal = await claimDirectories(places)
  return refusal === null ? removeGate(places.runDir) : [refusal.message]
}
