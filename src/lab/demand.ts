/**
 * What must hold after a fault, in numbers, and did it?
 *
 * The bounds are those of PROTOCOL, "Bounds", written as it writes them, in the letters of its
 * "Times". A client sees a little more than the protocol promises: it asks only every few
 * milliseconds, and the machine itself pauses now and then. The control address tells how much; that
 * much is allowed for, and nothing else. What the README promises of many runs is `requirement.ts`.
 */
import type { TimingProfileName } from './platform-files.ts'

/** H, S, L, M and C of a profile, and D, which follows from them; ms. */
export interface Letters {
  H: number
  S: number
  L: number
  M: number
  C: number
  D: number
}

/** The numbers that are chosen; D follows. */
export type ChosenLetters = Omit<Letters, 'D'>

/**
 * Completes chosen numbers over a profile: what is not given keeps its proportion to H, so that a
 * smaller H alone makes a quicker pair of the same shape.
 */
export function lettersFrom(profile: TimingProfileName, chosen: Partial<ChosenLetters>): Letters {
  const base = LETTERS[profile]
  const H = chosen.H ?? base.H
  const scaled = (letter: 'S' | 'L' | 'M' | 'C'): number =>
    chosen[letter] ?? Math.round((base[letter] * H) / base.H)
  const [S, L, M, C] = [scaled('S'), scaled('L'), scaled('M'), scaled('C')]
  return { H, S, L, M, C, D: S + L + M }
}

/** The two profiles of PROTOCOL, "Times". */
export const LETTERS: Readonly<Record<TimingProfileName, Letters>> = {
  default: { H: 100, S: 300, L: 600, M: 200, C: 1000, D: 1100 },
  fast: { H: 20, S: 60, L: 100, M: 40, C: 200, D: 200 },
}

/** Limits for one stretch of a run; null where nothing is promised. */
export interface Demand {
  /** Longest silence of a floating IP, ms. 0: the service goes on. */
  outageMs: number | null
  /** Most changes of the node that answers. */
  movesMax: number | null
  /** False only for what "Not protected" of PROTOCOL names. */
  dualForbidden: boolean
}

/** What was seen in one stretch of a run. */
export interface Seen {
  outageMs: number
  /** False: the service had not come back when the watch ended. */
  outageEnded: boolean
  /** Longest silence of the control address in the same stretch. */
  controlMs: number
  moves: number
  dualMs: number
  dualProofs: number
  /** Questions to floating IPs that were never answered. */
  lost: number
}

/** An outage counts as far as it is longer than what the machine itself did to the control address. */
export function beyondControlMs(seen: Pick<Seen, 'outageMs' | 'controlMs'>): number {
  return Math.max(0, seen.outageMs - seen.controlMs)
}

/** A service that goes on may stutter this long: scheduling noise measured on virtual machines. */
export const NOISE_MS = 50

/**
 * Compares.
 *
 * @returns one clause per broken demand, none when all hold
 */
export function judge(seen: Seen, demand: Demand): string[] {
  const failures: string[] = []
  if (demand.outageMs !== null) {
    // The control address is asked as often: its longest silence covers the probes' own steps.
    const limitMs = Math.max(demand.outageMs, NOISE_MS) + seen.controlMs
    if (!seen.outageEnded && seen.outageMs > limitMs) failures.push('service did not come back')
    else if (seen.outageMs > limitMs) {
      failures.push(`silent ${seen.outageMs.toFixed(0)} ms, allowed ${limitMs.toFixed(0)} ms`)
    }
  }
  if (demand.movesMax !== null && seen.moves > demand.movesMax) {
    failures.push(`moved ${seen.moves} times, allowed ${demand.movesMax}`)
  }
  if (demand.dualForbidden && (seen.dualMs > 0 || seen.dualProofs > 0)) {
    failures.push(`both served for ${seen.dualMs.toFixed(1)} ms (${seen.dualProofs} answers)`)
  }
  return failures
}
