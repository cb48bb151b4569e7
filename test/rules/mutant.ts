/**
 * What is a mutant? The program with one rule taken out or turned round.
 *
 * A rule nobody misses is either superfluous or untested; so every rule of PROTOCOL has a mutant
 * here, and every mutant must be caught by a claim or by a seed of the simulator.
 */
export interface Edit {
  /** Below src/. */
  file: string
  /** Occurs exactly once in the file. */
  find: string
  replace: string
}

export interface Mutant extends Edit {
  rule: string
  /** What the world looks like without the rule. */
  without: string
  /** A second line of defence that has to go with the first for anything to change. */
  also?: readonly Edit[]
}

/** Takes one piece of text out of a file. */
export function without(
  rule: string,
  what: string,
  file: string,
  find: string,
  replace = '',
): Mutant {
  return { rule, without: what, file, find, replace }
}
