/**
 * Under which identifiers do our echo requests go out, so that nobody takes one for another?
 */
import { randomInt } from 'node:crypto'
import { reflectionIdentifier } from './reflection.ts'

/** Three identifiers of echo requests that do not meet; random, so that old answers are strangers. */
export function drawIdentifiers(port: number): { rounds: number; verify: number } {
  const taken = reflectionIdentifier(port)
  const free = (avoid: readonly number[]): number => {
    const drawn = randomInt(1, 65_534)
    return avoid.includes(drawn) ? free(avoid) : drawn
  }
  const rounds = free([taken])
  return { rounds, verify: free([taken, rounds]) }
}
