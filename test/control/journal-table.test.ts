// What the journal is told: numbers that are fixed, one meaning each, the same in README and catalog.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  catalogText,
  fieldsOfAlarm,
  fieldsOfEvent,
  fieldsOfTransition,
  JOURNAL,
} from '../../src/control/journal-table.ts'

const ROOT = join(import.meta.dirname, '../..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')

describe('messages for the journal', () => {
  test('have a number of their own each', () => {
    const ids = Object.values(JOURNAL).map(({ id }) => id)
    expect(ids.every((id) => /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('stand in the README and in the catalog as they are, and no other does', () => {
    const table = /\| MESSAGE_ID \| event \| tells \|\n\|[-| ]+\|\n((?:\|.*\n)+)/.exec(README)?.[1]
    const rows = Object.entries(JOURNAL).map(
      ([name, { id, subject }]) => `| \`${id}\` | \`${name}\` | ${subject} |\n`,
    )
    expect(table).toBe(rows.join(''))
    const catalog = readFileSync(join(ROOT, 'packaging/journal/tandem.catalog'), 'utf8')
    expect(catalog).toBe(catalogText())
    expect(README).toContain(`journalctl MESSAGE_ID=${JOURNAL['took-over'].id}`)
  })

  test('tell a takeover from an election, and what is a step on the way from both', () => {
    const step = { from: 'take', to: 'active', opened: true, term: 7 } as const
    expect(fieldsOfTransition({ ...step, reason: 'takeover-done' })).toEqual({
      MESSAGE_ID: JOURNAL['took-over'].id,
      ...{ TANDEM_ROLE: 'active', TANDEM_ROLE_BEFORE: 'take', TANDEM_SERVES: 1 },
      ...{ TANDEM_TERM: 7, TANDEM_REASON: 'takeover-done' },
    })
    const idOf = (change: Partial<Parameters<typeof fieldsOfTransition>[0]>) =>
      fieldsOfTransition({ ...step, reason: 'elected', ...change })['MESSAGE_ID'] ?? null
    expect(idOf({ from: 'elect' })).toBe(JOURNAL['became-active'].id)
    expect(idOf({ from: 'active', to: 'demoting', opened: false })).toBe(JOURNAL['gave-up'].id)
    expect(idOf({ from: 'demoting', to: 'standby', opened: false })).toBe(
      JOURNAL['became-standby'].id,
    )
    expect(idOf({ from: 'standby', to: 'elect', opened: false })).toBe(null)
  })

  test('name an alarm in a field, and every event by its own', () => {
    expect(fieldsOfAlarm({ code: 'gate-lost', about: 'eth0' }, 'raised')).toEqual({
      MESSAGE_ID: JOURNAL.alarm.id,
      ...{ TANDEM_ALARM: 'gate-lost', TANDEM_ALARM_ABOUT: 'eth0' },
    })
    expect(fieldsOfAlarm({ code: 'drift', about: '' }, 'over')).toEqual({
      MESSAGE_ID: JOURNAL['alarm-over'].id,
      ...{ TANDEM_ALARM: 'drift', TANDEM_ALARM_ABOUT: null },
    })
    expect(fieldsOfEvent('gate-lost')).toEqual({
      ...{ MESSAGE_ID: JOURNAL['gate-lost'].id, TANDEM_EVENT: 'gate-lost' },
    })
    expect(fieldsOfEvent('toString')).toEqual({ TANDEM_EVENT: 'toString' })
  })
})
