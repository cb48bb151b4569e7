/**
 * Is the account that compares two servers allowed what it needs, on both of them?
 */
import type { StoreFinding } from './replicated-store.ts'

export type Side = 'ours' | 'theirs'

/** What is wrong at one server. */
export interface AccessFault {
  wanted: string
  why: string
}

const SIDES = [
  ['ours', 'our server'],
  ['theirs', "the peer's server"],
] as const

/**
 * Tries both servers, one after the other.
 *
 * @param mend  what to do about any of it
 */
export async function inspectBothServers(
  mend: string,
  inspect: (side: Side, where: string) => Promise<readonly AccessFault[]>,
): Promise<StoreFinding[]> {
  const findings: StoreFinding[] = []
  for (const [side, where] of SIDES) {
    for (const { wanted, why } of await inspect(side, where)) {
      const setting = `verify account at ${where}`
      findings.push({ severity: 'error', setting, found: null, wanted, why, mend })
    }
  }
  return findings
}
