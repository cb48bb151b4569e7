import { expect, it } from 'vitest'
import { EbpfGate } from '../../src/gate/ebpf-gate.ts'
import { PretendDoor } from '../helpers/pretend-door.ts'

const key = Buffer.alloc(16, 7)

function build() {
  const door = new PretendDoor()
  return { door, gate: new EbpfGate({ door, key, session: 5n }) }
}

it('sends each command once, with rising numbers and its own flag', () => {
  const { door, gate } = build()
  gate.claim()
  gate.occupy(10, true)
  gate.occupy(10, false)
  gate.open(20, true)
  gate.open(20, false)
  gate.extend(30)
  gate.close()
  gate.query()
  const told = door.sent.map((sent) => [
    sent[4],
    sent[5],
    Number(sent.readBigUInt64LE(32)),
    Number(sent.readBigUInt64LE(40)) / 1e6,
  ])
  expect(told).toEqual([
    [1, 0, 1, 0],
    [2, 1, 2, 10],
    [2, 0, 3, 10],
    [3, 2, 4, 20],
    [3, 0, 5, 20],
    [4, 0, 6, 30],
    [5, 0, 7, 0],
    [0, 0, 8, 0],
  ])
})

it('takes a lost answer, an untouched echo and a broken socket all as silence', () => {
  const { door, gate } = build()
  const silent = { done: false, refusal: 'silent' }
  door.answer = () => false
  expect(gate.extend(10)).toMatchObject(silent)
  door.answer = () => true
  expect(gate.extend(10)).toMatchObject(silent)
  door.answer = () => {
    throw Object.assign(new Error('send'), { code: 'ENETUNREACH' })
  }
  expect(gate.extend(10)).toMatchObject(silent)
})

it('gives its descriptor back', () => {
  const { door, gate } = build()
  gate.dispose()
  expect(door.closed).toEqual([42])
})
