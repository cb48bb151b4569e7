// In which order gate and addresses move, and what is refused for want of an address.
import { beforeEach, describe, expect, test } from 'vitest'
import { ServiceGate } from '../../src/daemon/service-gate.ts'
import { ModelGate } from '../../src/gate/model-gate.ts'

let nowMs = 0
let present = false
let said: string[] = []
let gate: ServiceGate
let inner: ModelGate

beforeEach(() => {
  nowMs = 1_000
  present = false
  said = []
  inner = new ModelGate(() => nowMs)
  gate = new ServiceGate(inner, {
    present: () => present,
    add: () => said.push('add'),
    want: (wanted) => said.push(wanted ? 'want' : 'not wanted'),
    remove: () => said.push('remove'),
  })
})

describe('an occupation', () => {
  test('without the addresses is refused and asks for them, and the kernel is not asked', () => {
    expect(gate.occupy(1_100, true)).toEqual({
      done: false,
      refusal: 'state',
      serveUntilMs: 0,
      occupiedUntilMs: 0,
    })
    expect(said).toEqual(['add'])
    expect(gate.counts).toEqual({ commands: 1, refusals: 1 })
    expect(inner.query().occupiedUntilMs).toBe(0)
  })

  test('with them begins, and they are kept from the first success on', () => {
    present = true
    expect(gate.occupy(1_100, true)).toEqual({
      done: true,
      refusal: null,
      serveUntilMs: 0,
      occupiedUntilMs: 1_100,
    })
    gate.occupy(1_120, false)
    expect(said).toEqual(['want'])
    expect(gate.counts).toEqual({ commands: 2, refusals: 0 })
  })

  test('that the kernel refuses keeps nothing', () => {
    present = true
    expect(gate.occupy(900, true).refusal).toBe('past')
    expect(said).toEqual([])
  })
})

describe('an opening', () => {
  test('does not wait for the addresses: the gate opens and they follow', () => {
    expect(gate.open(1_100, false).done).toBe(true)
    expect(said).toEqual(['add', 'want'])
    expect(gate.query().serveUntilMs).toBe(1_100)
  })

  test('over an occupation only opens: they are there and wanted already', () => {
    present = true
    gate.occupy(1_100, true)
    expect(gate.open(1_100, true).done).toBe(true)
    expect(said).toEqual(['want'])
  })

  test('that is refused does not make them wanted', () => {
    present = true
    expect(gate.open(1_100, true)).toMatchObject({ done: false, refusal: 'lapsed' })
    expect(said).toEqual([])
    expect(gate.counts).toEqual({ commands: 1, refusals: 1 })
  })
})

test('shutting comes before the addresses go, and they go once', () => {
  present = true
  gate.open(1_100, false)
  said = []
  const closing = new ServiceGate(
    {
      kind: 'ebpf',
      claim: () => inner.claim(),
      occupy: (deadlineMs, first) => inner.occupy(deadlineMs, first),
      open: (deadlineMs, takeover) => inner.open(deadlineMs, takeover),
      extend: (deadlineMs) => inner.extend(deadlineMs),
      query: () => inner.query(),
      close: () => {
        said.push('close')
        return inner.close()
      },
    },
    {
      present: () => true,
      add: () => said.push('add'),
      want: (wanted) => said.push(wanted ? 'want' : 'not wanted'),
      remove: () => said.push('remove'),
    },
  )
  inner.close()
  closing.open(1_100, false)
  closing.close()
  closing.close()
  expect(said).toEqual(['want', 'close', 'not wanted', 'remove', 'close'])
})

test('an extension goes to the kernel as it is, and a refusal is counted', () => {
  present = true
  gate.open(1_100, false)
  expect(gate.extend(1_200).serveUntilMs).toBe(1_200)
  nowMs = 1_300
  expect(gate.extend(1_400)).toMatchObject({ done: false, refusal: 'lapsed' })
  expect(gate.counts).toEqual({ commands: 3, refusals: 1 })
})

test('a claim and a look are no reason to touch the addresses', () => {
  gate.claim()
  gate.query()
  expect(said).toEqual([])
  expect(gate.counts).toEqual({ commands: 1, refusals: 0 })
  expect([gate.kind, gate.present]).toEqual(['ebpf', false])
})
