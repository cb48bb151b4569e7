import { describe, expect, it } from 'vitest'
import { NftablesGate } from '../../src/gate/nftables-gate.ts'
import { writeRuleset } from '../../src/gate/nftables-ruleset.ts'
import { PretendDoor } from '../helpers/pretend-door.ts'

const key = Buffer.alloc(16, 7)

/** With a lease of 600 ms a step is 12 ms. */
function build() {
  const door = new PretendDoor()
  const gate = new NftablesGate({ door, key, session: 5n, leaseMs: 600 })
  gate.claim()
  door.sent.length = 0
  return { door, gate }
}

/** Operation number and steps of what was sent. */
const told = (door: PretendDoor) => door.sent.map((sent) => [sent[4], sent[6]])

describe('the nftables gate', () => {
  it('sends a lifetime that ends before the deadline', () => {
    const { door, gate } = build()
    expect(gate.open(door.nowMs + 600, false).done).toBe(true)
    expect(told(door)).toEqual([[3, 49]])
  })

  it('never sends what the rules refuse', () => {
    const { door, gate } = build()
    expect(gate.extend(door.nowMs + 600)).toMatchObject({ done: false, refusal: 'lapsed' })
    expect(gate.open(door.nowMs, false)).toMatchObject({ done: false, refusal: 'past' })
    expect(gate.open(door.nowMs + 600, true)).toMatchObject({ done: false, refusal: 'lapsed' })
    expect(told(door)).toEqual([])
  })

  it('shortens the lifetime when sending took longer than the slack', () => {
    const { door, gate } = build()
    let slow = true
    door.answer = (buffer) => {
      if (slow) door.nowMs += 100
      slow = false
      buffer.writeUInt8(1, 7)
      return true
    }
    expect(gate.open(door.nowMs + 600, false).done).toBe(true)
    expect(told(door)).toEqual([
      [3, 49],
      [3, 41],
    ])
  })

  it('closes at once when the deadline passed while it was sending (what is left of K2)', () => {
    const { door, gate } = build()
    door.answer = (buffer) => {
      door.nowMs += 700
      buffer.writeUInt8(1, 7)
      return true
    }
    expect(gate.open(door.nowMs + 600, false)).toEqual({
      done: false,
      refusal: 'past',
      serveUntilMs: 0,
      occupiedUntilMs: 0,
    })
    expect(told(door)).toEqual([
      [3, 49],
      [5, 0],
    ])
  })

  it('is refused as silent when its table is gone', () => {
    const { door, gate } = build()
    expect(gate.open(door.nowMs + 600, false).done).toBe(true)
    door.answer = () => true
    expect(gate.extend(door.nowMs + 600)).toMatchObject({ done: false, refusal: 'silent' })
    expect(gate.query()).toMatchObject({ done: false, refusal: 'silent', serveUntilMs: 0 })
  })
})

describe('the rules of the nftables gate', () => {
  it('replace our table in one transaction and name no other', () => {
    const text = writeRuleset({
      key,
      addresses: [
        { address: '10.99.0.50', family: 4 },
        { address: 'fd99::50', family: 6 },
      ],
      devices: ['eth0', 'eth1.20'],
      leaseMs: 600,
    })
    const lines = text.split('\n')
    expect(lines.slice(0, 3)).toEqual([
      'table netdev tandem',
      'delete table netdev tandem',
      'table netdev tandem {',
    ])
    expect(lines.filter((line) => line.includes('hook'))).toEqual([
      'type filter hook ingress device lo priority -500; policy accept;',
      'type filter hook ingress devices = { "eth0", "eth1.20" } priority -500;',
      'type filter hook egress devices = { "eth0", "eth1.20" } priority -500;',
    ])
    expect(lines.filter((line) => line.includes('timeout ')).length).toBe(3 * 64)
    expect(lines).toContain(
      '@th,96,8 4 @th,112,8 50 update @serving { numgen inc mod 1 timeout 600ms }',
    )
  })
})
