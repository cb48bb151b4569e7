/**
 * May this output be coloured, and how does each tone look?
 *
 * Only on a terminal that can, and not when NO_COLOR (no-color.org) is set to anything. The tone says
 * what a word means to an operator; the word itself always says it too.
 */
import type { Io } from './command.ts'

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'dim' | 'title'

export type Paint = (text: string, tone: Tone) => string

/** Select Graphic Rendition parameters, ECMA-48 8.3.117. */
const SGR: Readonly<Record<Tone, string>> = {
  plain: '',
  good: '1;32',
  warn: '33',
  bad: '1;31',
  dim: '2',
  title: '1',
}

export function paintFor(io: Io): Paint {
  const { NO_COLOR: noColor, TERM: terminal } = io.env
  const coloured = io.isTty && (noColor ?? '') === '' && terminal !== 'dumb'
  if (!coloured) return (text) => text
  return (text, tone) => (SGR[tone] === '' ? text : `\u001b[${SGR[tone]}m${text}\u001b[0m`)
}
