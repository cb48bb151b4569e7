/**
 * What is an operator told, and in which words?
 *
 * A notice is one message about everything that is new: alarms that began, go on or are over, and changes of the
 * role. The same document goes to every channel; a mail is its text.
 */
import type { NodeName } from '../core/policy.ts'
import type { StatusDocument, TransitionRecord } from './schema.ts'

export type Alarm = StatusDocument['alarms'][number]

/** What became of an alarm. */
export interface AlarmNews extends Alarm {
  what: 'began' | 'goes-on' | 'over'
  /** It came back so often within the last hour or more. */
  returns: number
  /** When it was over; null while it stands. */
  endedIso: string | null
}

/** A notice, as JSON on the wire. */
export interface Notice {
  schema: 1
  kind: 'news' | 'test'
  node: NodeName
  hostName: string
  atIso: string
  /** The role in the platform's words when this was written. */
  state: StatusDocument['local']['state']
  peerState: StatusDocument['local']['state']
  subject: string
  changes: readonly TransitionRecord[]
  alarms: readonly AlarmNews[]
  /** Alarms that stand, told or not. */
  standing: number
}

export type NoticeFacts = Omit<Notice, 'schema' | 'subject'>

/** A notice with its subject. */
export function noticeOf(facts: NoticeFacts): Notice {
  return { schema: 1, ...facts, subject: subjectOf(facts) }
}

const WORDS: Readonly<Record<AlarmNews['what'], string>> = {
  began: 'Alarm',
  'goes-on': 'Still so',
  over: 'Over',
}

function subjectOf({ kind, hostName, changes, alarms }: NoticeFacts): string {
  const head = `[tandem ${hostName}]`
  if (kind === 'test') return `${head} Test: nothing happened`
  const parts: string[] = []
  const change = changes.at(-1)
  if (change !== undefined) parts.push(`${hostName} serves now (${change.reason.code})`)
  const count = (what: AlarmNews['what']) => alarms.filter((alarm) => alarm.what === what)
  for (const what of ['began', 'goes-on', 'over'] as const) {
    const [first, ...more] = count(what)
    if (first === undefined) continue
    const others = more.length === 0 ? '' : ` and ${more.length} more`
    const name = first.about === '' ? first.code : `${first.code} ${first.about}`
    parts.push(`${WORDS[what]}: ${name}${others}`)
  }
  return oneLine(`${head} ${parts.join('; ')}`)
}

/** For people, as a mail. */
export function noticeText(notice: Notice): string {
  const { kind, node, hostName, atIso, state, peerState, changes, alarms, standing } = notice
  const lines: string[] = []
  if (kind === 'test') {
    lines.push('This is a test of the alarms (tandem alarm test). Nothing happened.', '')
  }
  for (const change of changes) lines.push(...changeLines(hostName, change), '')
  for (const what of ['began', 'goes-on', 'over'] as const) {
    const told = alarms.filter((alarm) => alarm.what === what)
    if (told.length === 0) continue
    for (const alarm of told) lines.push(...alarmLines(alarm), '')
  }
  lines.push(
    `${hostName} (${node}) is ${state}, its peer is ${peerState}; alarms that stand: ${standing}.`,
    'More: tandem status, tandem explain, tandem alarm list',
    `Written on ${hostName} at ${atIso}`,
    '',
  )
  return lines.join('\n')
}

function changeLines(
  hostName: string,
  { atIso, term, reason, outageMs }: TransitionRecord,
): string[] {
  const silence = outageMs === null ? 'not known' : `about ${Math.round(outageMs)} ms`
  return [
    `${hostName} serves since ${atIso}, term ${term}`,
    `  why: ${oneLine(reason.sentence)} (${reason.code})`,
    `  outage: ${silence}`,
  ]
}

function alarmLines({
  what,
  code,
  sentence,
  mend,
  sinceIso,
  endedIso,
  returns,
}: AlarmNews): string[] {
  const times = returns === 0 ? '' : `, came back ${returns} ${returns === 1 ? 'time' : 'times'}`
  const until = endedIso === null ? '' : `, over since ${endedIso}`
  return [
    `${WORDS[what]}: ${oneLine(sentence)}`,
    `  code: ${code}, since ${sinceIso}${until}${times}`,
    ...(what === 'over' ? [] : [`  next step: ${oneLine(mend)}`]),
  ]
}

/** Sentences may repeat what servers said; none of it may become a line or a header of its own. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
