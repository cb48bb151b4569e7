/**
 * Which lines of the log have a number of their own, and what does journalctl -x say about each?
 *
 * A number (MESSAGE_ID) never changes its meaning, and one that is no longer used stays here. The README's table
 * and `packaging/journal/tandem.catalog` are this one; a test compares.
 */
import type { Transition } from './snapshot.ts'

export interface JournalRow {
  /** 128 bits of chance, as journald writes them. */
  id: string
  subject: string
  /** What it means and what to do, for somebody who reads it in the journal. */
  text: string
}

const row = (id: string, subject: string, text: string): JournalRow => ({ id, subject, text })

export const JOURNAL = {
  'took-over': row(
    '28b14fb92cf74217bf824831941ab7f4',
    'This node took the role over without the word of its peer',
    'The peer was silent for longer than it may serve alone. What led to it: tandem record show; what it may have cost: tandem history.',
  ),
  'became-active': row(
    'd8ed2d22c4da4bc7a938ebb0c9330a44',
    'This node was elected and serves',
    'Both nodes talked and agreed, at a start or for a planned move.',
  ),
  'gave-up': row(
    '5ea470dbfd4947e19ae3a04603b9c732',
    'This node gave up the role',
    'It serves no more: an operator asked, it is unfit, or its lease ended. TANDEM_REASON says which; tandem explain what stands in the way of each node.',
  ),
  'became-standby': row(
    '0f64a47ae42b40c09b171b17fe2942c4',
    'This node is standby',
    'What had to be ended is ended, and it may be elected again.',
  ),
  alarm: row(
    '548aabdd947a446aaa4fb57c1702a227',
    'An alarm was raised',
    'TANDEM_ALARM names it. What to do about it: tandem alarm list.',
  ),
  'alarm-over': row(
    '9099d59ff9ce407daf1ca326b22686ba',
    'An alarm is over',
    'What TANDEM_ALARM names is mended.',
  ),
  'store-loss': row(
    'b56cc4b860c740eebec773d9a122d6b3',
    'What a takeover may have lost of a store',
    'At most so much was confirmed and is not here. tandem data show says whether it was set aside on the peer.',
  ),
  'gate-lost': row(
    '63262a5bf182413da2c2ce69b5d5dd3b',
    'The gate in the kernel is not in force',
    'Somebody or something took it off, and it could not be put back. tandem status names what guards the role instead.',
  ),
  'gate-removed': row(
    '03d260004ea44672b0f343e79879f39d',
    'The gate in the kernel was taken off',
    'Somebody or something removed it while the agent ran. It is put back where that can be done; tandem status says what is in force.',
  ),
  'gate-mended': row(
    'd99e5b23c9944da48662604e7becec6b',
    'The gate in the kernel is in force again',
    'It was taken off by somebody else, and put back.',
  ),
  'store-sick': row(
    'e2e7f9ddb48f4e6e97ae39690d403a51',
    'A store of this node is not well',
    'tandem status names it and what it said.',
  ),
  'store-well': row(
    '050008d2b741456f950152eaed504d60',
    'A store of this node is well again',
    'It answers its probes.',
  ),
  'service-failed': row(
    '6f79b03a4e0c4f70813a25116c56b72e',
    'A service of this node failed, or runs well again',
    'The line begins with "over" when it runs well again. tandem service summary names it, and what its probes said.',
  ),
  'service-restart': row(
    '9beb438e415b413da1b1ea7486a836a0',
    'A service of this node is started again',
    'tandem service summary tells how often that was.',
  ),
  'service-ended': row(
    '845bedb2f846482b9e4d93fddd8fa091',
    'A service of this node ended by itself',
    'It is started again, alone, within its limits. How it ended stands in the line.',
  ),
  switchover: row(
    'dbb7b9f9fc26462dbe4321e0c5be45e9',
    'A planned move was taken back',
    'The line says what stood in the way; both nodes go on as before.',
  ),
  'state-disk': row(
    '8f899ec463764c37af9adb803866b4a5',
    'The state of this node cannot be written',
    'Without it the node is not elected. Free or replace the disk that holds /var/lib/tandem.',
  ),
  listening: row(
    '57dd8ccd777c4e348a3485a0826c174c',
    'The agent has started',
    'Operators are answered; whether the node may serve says tandem status.',
  ),
  stopping: row(
    '58680e9d43a743779286640863c50ec0',
    'The agent ends',
    'An operator or systemd asked. Where the peer is able, it was handed over first.',
  ),
} as const satisfies Record<string, JournalRow>

export type JournalName = keyof typeof JOURNAL

/** Fields of a line by its event: its number, where it has one, and what programs know it by. */
export function fieldsOfEvent(event: string): Record<string, string> {
  const named = Object.hasOwn(JOURNAL, event)
    ? { MESSAGE_ID: JOURNAL[event as JournalName].id }
    : {}
  return { ...named, TANDEM_EVENT: event }
}

/** Of a change of the role; a step on the way to one has no number. */
export function fieldsOfTransition(
  transition: Pick<Transition, 'from' | 'to' | 'opened' | 'term' | 'reason'>,
): Record<string, string | number> {
  const { from, to, opened, term, reason } = transition
  const name = nameOfTransition(transition)
  return {
    ...(name === null ? {} : { MESSAGE_ID: JOURNAL[name].id }),
    TANDEM_ROLE: to,
    TANDEM_ROLE_BEFORE: from,
    TANDEM_SERVES: opened ? 1 : 0,
    TANDEM_TERM: term,
    TANDEM_REASON: reason,
  }
}

function nameOfTransition({
  from,
  to,
  opened,
  reason,
}: Pick<Transition, 'from' | 'to' | 'opened' | 'reason'>): JournalName | null {
  if (opened) return reason === 'takeover-done' ? 'took-over' : 'became-active'
  if (to === 'demoting') return from === 'active' ? 'gave-up' : null
  return to === 'standby' && from === 'demoting' ? 'became-standby' : null
}

/** Of an alarm that begins or is over. */
export function fieldsOfAlarm(
  { code, about }: { code: string; about: string },
  now: 'raised' | 'over',
): Record<string, string | null> {
  const name = now === 'raised' ? 'alarm' : 'alarm-over'
  return {
    MESSAGE_ID: JOURNAL[name].id,
    TANDEM_ALARM: code,
    TANDEM_ALARM_ABOUT: about === '' ? null : about,
  }
}

/** For `journalctl --update-catalog`. */
export function catalogText(): string {
  const entries = Object.values(JOURNAL).map(
    ({ id, subject, text }) =>
      `-- ${id}\nSubject: ${subject}\nDefined-By: Tandem\nDocumentation: file:/usr/share/doc/tandem/README.md\n\n${text}\n`,
  )
  return entries.join('\n')
}
