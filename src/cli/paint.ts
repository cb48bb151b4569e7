/**
 * May this output be coloured, and how does each tone look?
 *
 * Only on a terminal that can, and not when NO_COLOR (no-color.org) is set to anything. The tone says
 * what a word means to an operator; the word itself always says it too.
 */
import type { Tone } from '../control/tone.ts'
import type { Io } from './command.ts'

export type Paint = (text: string, tone: PaintTone) => string

/** `changed`: it was otherwise when one began to watch. */
export type PaintTone = Tone | 'title' | 'changed'

/** Select Graphic Rendition parameters, ECMA-48 8.3.117. */
const SGR: Readonly<Record<PaintTone, string>> = {
  plain: '',
  good: '1;32',
  warn: '33',
  bad: '1;31',
  dim: '2',
  title: '1',
  changed: '7',
}

export function paintFor(io: Io): Paint {
  const { NO_COLOR: noColor, TERM: terminal } = io.env
  const coloured = io.isTty && (noColor ?? '') === '' && terminal !== 'dumb'
  if (!coloured) return (text) => text
  return (text, tone) => (SGR[tone] === '' ? text : `\u001b[${SGR[tone]}m${text}\u001b[0m`)
}
