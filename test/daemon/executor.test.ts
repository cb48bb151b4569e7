// One effect, one door: every effect reaches the one it belongs to, with what it carries.
import { expect, test } from 'vitest'
import type { Effect } from '../../src/core/effect.ts'
import { carryOut } from '../../src/daemon/executor.ts'
import type { Ports } from '../../src/daemon/ports.ts'
import type { GateAnswer } from '../../src/gate/gate.ts'
import { PEER } from '../helpers/snapshot-case.ts'

/** Every call of every door, and gates that answer what they are told to. */
function ports(done: boolean) {
  const calls: unknown[][] = []
  const answer: GateAnswer = {
    done,
    refusal: done ? null : 'lapsed',
    serveUntilMs: 0,
    occupiedUntilMs: 0,
  }
  const gateCall =
    (name: string) =>
    (...args: unknown[]): GateAnswer => {
      calls.push([name, ...args])
      return answer
    }
  const call =
    (name: string) =>
    (...args: unknown[]): void => {
      calls.push([name, ...args])
    }
  const doors: Ports = {
    now: () => 0,
    gate: {
      kind: 'ebpf',
      claim: gateCall('claim'),
      occupy: gateCall('occupy'),
      open: gateCall('open'),
      extend: gateCall('extend'),
      close: gateCall('close'),
      query: gateCall('query'),
    },
    send: call('send'),
    ping: call('ping'),
    probe: call('probe'),
    persist: call('persist'),
    promote: call('promote'),
    demote: call('demote'),
    freeze: call('freeze'),
    unfreeze: call('unfreeze'),
    askWitness: call('askWitness'),
    fence: call('fence'),
    setAside: call('setAside'),
    confirm: call('confirm'),
  }
  return { calls, doors }
}

const CASES: readonly [Effect, unknown[]][] = [
  [{ type: 'send', heartbeat: PEER, reflect: true }, ['send', PEER, true]],
  [{ type: 'ping', round: 7 }, ['ping', 7]],
  [{ type: 'probe' }, ['probe']],
  [{ type: 'persist', ticket: 3, term: 9, sole: true }, ['persist', 3, { term: 9, sole: true }]],
  [{ type: 'occupy', deadlineMs: 100, first: true }, ['occupy', 100, true]],
  [{ type: 'open', deadlineMs: 200, takeover: false }, ['open', 200, false]],
  [{ type: 'extend', deadlineMs: 300 }, ['extend', 300]],
  [{ type: 'close' }, ['close']],
  [{ type: 'promote' }, ['promote']],
  [{ type: 'demote' }, ['demote']],
  [{ type: 'freeze' }, ['freeze']],
  [{ type: 'unfreeze' }, ['unfreeze']],
  [{ type: 'ask-witness', attempt: 4 }, ['askWitness', 4]],
  [{ type: 'fence' }, ['fence']],
  [{ type: 'set-aside' }, ['setAside']],
  [{ type: 'confirm', alone: true }, ['confirm', true]],
]
const GATE_EFFECTS = ['occupy', 'open', 'extend', 'close']

test.each(CASES)('%o reaches its door, and no other', (effect, expected) => {
  const { calls, doors } = ports(true)
  expect(carryOut(effect, doors)).toBe(true)
  expect(calls).toEqual([expected])
})

test.each(CASES)('%o is refused by a gate that refuses, and by nobody else', (effect) => {
  const { doors } = ports(false)
  expect(carryOut(effect, doors)).toBe(!GATE_EFFECTS.includes(effect.type))
})
