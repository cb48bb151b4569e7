/**
 * What does a word mean to an operator? Terminal and page colour it alike; the word itself always says it too.
 */

/** `dim`: of no weight now. */
export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'dim'

export interface Word {
  text: string
  tone: Tone
}

export function word(text: string, tone: Tone = 'plain'): Word {
  return { text, tone }
}
