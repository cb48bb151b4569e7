/**
 * What is one line of an account?
 */
export interface Told {
  /** On the clock of the node that saw it. */
  atMs: number
  /** Stable, for programs. */
  code: string
  sentence: string
  tone: 'plain' | 'good' | 'warn' | 'bad'
}

export function line(
  atMs: number,
  code: string,
  sentence: string,
  tone: Told['tone'] = 'plain',
): Told {
  return { atMs, code, sentence, tone }
}

/** Short stretches to a tenth, for a decision is often one of less than a millisecond. */
export function ms(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`
}
