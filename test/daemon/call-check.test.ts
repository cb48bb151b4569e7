/** Goal: one call per takeover, tried on while it fails, and told once. Method: a pretend call on a virtual clock. */
import { beforeEach, describe, expect, it } from 'vitest'
import { CallCheck } from '../../src/daemon/call-check.ts'
import { VirtualClock } from '../helpers/virtual-clock.ts'

let clock: VirtualClock
let answers: (string | null)[]
let placedMs: number[]
let told: string[]
let call: CallCheck

beforeEach(() => {
  clock = new VirtualClock()
  answers = []
  placedMs = []
  told = []
  call = new CallCheck({
    check: {
      label: 'call a@HOST b@HOST udp:10.0.0.50:5060',
      everyMs: 60_000,
      run: async () => {
        placedMs.push(clock.nowMs)
        const fault = answers.shift() ?? null
        const ok = fault === null
        return { ok, durationMs: 1, why: ok ? 'answered after 30 ms' : fault }
      },
      close: () => undefined,
    },
    now: () => clock.nowMs,
    wait: clock.wait,
    changed: () => undefined,
    told: (ok, why) => told.push(`${ok} ${why}`),
  })
})

describe('the test call of a takeover', () => {
  it('is placed once, when every service is up', async () => {
    call.serve(true)
    await clock.pass(2_000)
    expect(placedMs).toEqual([])
    call.allServed()
    await clock.pass(600_000)
    expect([placedMs.length, told]).toEqual([1, ['true answered after 30 ms']])
    expect(call.last).toMatchObject({ ok: true, why: 'answered after 30 ms' })
  })

  it('does not wait for ever for services that do not come up', async () => {
    call.serve(true)
    await clock.pass(11_000)
    expect(placedMs).toEqual([10_000])
  })

  it('is tried on while it fails, and told when it failed twice and when it is over', async () => {
    answers = ['refused: 403', 'no-audio: nothing came', 'no-audio: nothing came']
    call.serve(true)
    call.allServed()
    await clock.pass(1_000)
    expect([call.last, told]).toEqual([null, []])
    await clock.pass(5_000)
    expect(call.last).toMatchObject({ ok: false, why: 'no-audio: nothing came' })
    await clock.pass(130_000)
    expect(placedMs.map((atMs) => Math.round(atMs / 1000))).toEqual([0, 5, 65, 125])
    expect(told).toEqual(['false no-audio: nothing came', 'true answered after 30 ms'])
  })

  it('is none of a node that does not serve any more', async () => {
    answers = ['refused: 403', 'refused: 403']
    call.serve(true)
    call.allServed()
    await clock.pass(6_000)
    call.serve(false)
    await clock.pass(600_000)
    expect([placedMs.length, call.last]).toEqual([2, null])
  })
})
