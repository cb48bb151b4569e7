import { describe, expect, it } from 'vitest'
import { AddressVerifier } from '../../src/links/verify-address.ts'
import { PretendIcmp } from '../helpers/pretend-icmp.ts'

const pingNodes = [
  { address: '10.0.0.11', family: 4 as const },
  { address: '10.0.0.12', family: 4 as const },
]

function verifying() {
  const icmp = new PretendIcmp(4)
  return {
    icmp,
    verifier: new AddressVerifier({ pingNodes, icmp: { 4: icmp, 6: null }, identifier: 9 }),
  }
}

describe('verifying an address', () => {
  it('asks every ping node from that address and needs one answer', async () => {
    const { icmp, verifier } = verifying()
    const verdict = verifier.verify('10.0.0.50', 1000)
    expect(
      icmp.sent.map(({ packet, destination }) => [packet.subarray(12, 16).join('.'), destination]),
    ).toEqual([
      ['10.0.0.50', '10.0.0.11'],
      ['10.0.0.50', '10.0.0.12'],
    ])
    const second = icmp.sent[1]
    if (second !== undefined) icmp.answer(second)
    expect(await verdict).toBe('verified')
  })

  it('keeps two questions at a time apart', async () => {
    const { icmp, verifier } = verifying()
    const first = verifier.verify('10.0.0.50', 60)
    const other = verifier.verify('10.0.0.51', 60)
    const sent = icmp.sent[2]
    if (sent !== undefined) icmp.answer(sent)
    expect([await first, await other]).toEqual(['unanswered', 'verified'])
  })

  it('repeats, and ends unanswered at its time limit', async () => {
    const { icmp, verifier } = verifying()
    expect(await verifier.verify('10.0.0.50', 60)).toBe('unanswered')
    expect(icmp.sent.length).toBeGreaterThan(2)
  })

  it('is not convinced by a stranger, by other bytes or by an answer that comes too late', async () => {
    const { icmp, verifier } = verifying()
    const verdict = verifier.verify('10.0.0.50', 60)
    const sent = icmp.sent[0]
    if (sent === undefined) throw new Error('nothing sent')
    icmp.answer(sent, '10.0.0.99')
    const other = { ...sent, packet: Buffer.from(sent.packet) }
    other.packet[30] = (other.packet[30] ?? 0) ^ 1
    icmp.answer(other)
    expect(await verdict).toBe('unanswered')
    icmp.answer(sent)
  })

  it('is unanswered at once where no ping node is of the family', async () => {
    const { verifier } = verifying()
    expect(await verifier.verify('fd00::50', 60_000)).toBe('unanswered')
  })
})
