/**
 * With which number does a command end?
 *
 * One table for every `tandem` command. Scripts rely on it: a number never changes its meaning.
 * Resource agents (OCF codes) and `ngcp-check-active` (0 to 3, the platform's own meaning) have
 * tables of their own and never use this one.
 */

export const EXIT = {
  /** What was asked is so. */
  done: 0,
  /** The command line is wrong; nothing was tried. */
  usage: 1,
  /** No agent gives a usable answer. */
  unreachable: 2,
  /** Understood and not done; the reason was printed. */
  refused: 3,
  /** Not known to be done within the time limit; it may still happen. */
  timedOut: 4,
  /** Done, but the last check of it did not succeed; `verify`: the nodes differ; `replay`: the decisions do. */
  unverified: 5,
  /** Begun and not brought to an end; the reason was printed. */
  failed: 6,
  /** `simulate`: both gates were open at one instant, or a term was used twice. */
  unsafe: 10,
  /** `simulate`: the pair did not settle after everything was mended. */
  stuck: 11,
  /** `simulate`: the code under trial failed; this command itself did not. */
  crashed: 12,
  /** A mistake in this program (EX_SOFTWARE of sysexits.h). */
  internal: 70,
} as const satisfies Record<string, number>

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
