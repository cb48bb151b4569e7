// What snmpd is answered line by line: values in the order of their OIDs, nothing to set, nothing that is not there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/snmp.ts'
import { ROOT_OID, snmpValues, valueAfter } from '../../src/cli/snmp-tree.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { STATUS } from '../fixtures/control-documents.ts'

async function* linesOf(text: string) {
  yield* text.split('\n')
}

test('a walk meets every value once, in order, whatever the number of alarms', () => {
  const [alarm] = STATUS.alarms
  if (alarm === undefined) throw new Error('an alarm is needed')
  const values = snmpValues({ ...STATUS, alarms: Array.from({ length: 12 }, () => alarm) })
  const met: string[] = []
  for (let at = valueAfter(values, ROOT_OID); at !== null; at = valueAfter(values, at.oid)) {
    met.push(at.oid)
  }
  expect(met).toEqual(values.map(({ oid }) => oid))
  expect(met.length).toBe(14 + 5 * 12)
})

test('what a sentence holds stays one line of plain text', () => {
  const [alarm] = STATUS.alarms
  if (alarm === undefined) throw new Error('an alarm is needed')
  const values = snmpValues({
    ...STATUS,
    alarms: [{ ...alarm, sentence: `a\nNONE\u001b${'x'.repeat(999)}` }],
  })
  for (const { value } of values) expect(value).toMatch(/^[ -~]{0,255}$/)
})

test('without an agent there is one value, and nothing can be set', async () => {
  const io = capturedIo({ env: { TANDEM_RUN: '/nowhere' } })
  const state = `${ROOT_OID}.1.2.0`
  const text = `PING\nget\n${state}\nget\n${ROOT_OID}.1.1.0\ngetnext\n${state}\nset\n${state}\ninteger 1\nodd`
  expect(await run([], io, { lines: linesOf(text), now: () => 0 })).toBe(0)
  expect(io.out).toBe(`PONG\n${state}\ninteger\n4\nNONE\nNONE\nnot-writable\nNONE\n`)
})

test('the MIB names every value with its number and type, and no other', () => {
  const path = join(import.meta.dirname, '../../packaging/snmp/TANDEM-MIB.txt')
  const text = readFileSync(path, 'utf8').replaceAll(/^\s*--.*$/gm, '')
  const places = new Map<string, string>([['enterprises', '.1.3.6.1.4.1']])
  const leaves = new Map<string, string>()
  const definitions =
    /^(\w+) (?:OBJECT-TYPE|OBJECT IDENTIFIER|MODULE-IDENTITY)([\s\S]*?)::= \{ (\w+) ([\d ]+) \}/gm
  for (const [, name = '', body = '', parent = '', numbers = ''] of text.matchAll(definitions)) {
    const oid = `${places.get(parent)}.${numbers.replaceAll(' ', '.')}`
    places.set(name, oid)
    const syntax = /SYNTAX (\w+)/.exec(body)?.[1] ?? ''
    if (/MAX-ACCESS read-only/.test(body)) leaves.set(oid, syntax)
  }
  expect(places.get('tandem')).toBe(ROOT_OID)
  const types: Record<string, string> = {
    ...{ DisplayString: 'string', INTEGER: 'integer', Integer32: 'integer', TruthValue: 'integer' },
    ...{ Gauge32: 'gauge', Counter64: 'counter64' },
  }
  const named = [...leaves].map(([oid, syntax]) => `${oid} ${types[syntax]}`)
  const values = snmpValues(STATUS).map(({ oid, type }) => `${oid.replace(/\.\d+$/, '')} ${type}`)
  expect(named).toEqual(values)
})
