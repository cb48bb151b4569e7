/**
 * Goal: an operator of the platform finds what they know of monit and ngcp-service. Method: an agent of
 * the tests behind a real socket.
 */
import { describe, expect, it } from 'vitest'
import type { StatusDocument } from '../../src/control/schema.ts'
import { serviceWord } from '../../src/control/service-word.ts'

type Service = StatusDocument['services'][number]

const OK: Service = {
  ...{ name: 'lb', backend: 'systemd', mode: 'active', essential: true, wanted: 'running' },
  ...{ process: 'running', probe: 'well', probed: true, pid: 7, runsMs: 61_000, why: null },
  ...{ trouble: null, failures: 0, failuresMax: 3, exhausted: false, monitored: true, held: false },
}

describe('the state of a service in one clause', () => {
  it.each<[string, Partial<Service>]>([
    ['OK', {}],
    ['OK', { probe: 'unknown', probed: false }],
    ['Initializing', { probe: 'unknown' }],
    ['Initializing', { process: 'unknown', probe: 'unknown' }],
    ['Starting', { process: 'starting', probe: 'unknown' }],
    ['Stopping', { process: 'stopping', probe: 'unknown' }],
    ['Stopped, as wanted', { process: 'stopped', wanted: 'stopped' }],
    ['Does not exist: it ended', { process: 'stopped', why: 'it ended' }],
    ['Does not exist', { process: 'stopped', wanted: null, mode: 'manual' }],
    ['Probes fail: no answer', { probe: 'failing', why: 'no answer' }],
    ['Runs, and should not', { wanted: 'stopped' }],
    ['Not monitored', { monitored: false, wanted: null }],
    ['Stopped by an operator', { held: true, process: 'stopped', wanted: 'stopped' }],
    ['Failed, tried on seldom: no such unit', { exhausted: true, why: 'no such unit' }],
    ['systemctl does not answer', { trouble: 'systemctl does not answer' }],
  ])('is %s', (word, change) => {
    expect(serviceWord({ ...OK, ...change }).text).toBe(word)
  })
})
