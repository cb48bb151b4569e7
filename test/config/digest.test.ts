import { describe, expect, it } from 'vitest'
import { type DigestInput, digestOf } from '../../src/config/digest.ts'
import { TIMING_PROFILES } from '../../src/core/policy.ts'

const ping = (address: string) => ({ address, family: 4, source: 'config' }) as const
const floating = (address: string) =>
  ({ address, family: 4, prefixLength: 24, interface: 'eth0', label: 'eth0:0' }) as const

const FACTS: DigestInput = {
  mode: 'ping',
  timing: TIMING_PROFILES.default,
  pingNodes: [ping('192.0.2.1'), ping('192.0.2.2')],
  witness: null,
  floatingIps: [floating('192.0.2.10'), floating('192.0.2.11')],
}

const WITNESS = {
  endpoints: ['https://192.0.2.61:2379', 'https://192.0.2.62:2379'],
  record: 'pair1',
}

describe('the digest', () => {
  it('stays the same from release to release', () => {
    expect(digestOf(FACTS)).toBe('f98eb72d48133f3a')
  })

  it('does not depend on order, names of interfaces, labels or where a ping node was named', () => {
    const reordered = {
      ...FACTS,
      pingNodes: [...FACTS.pingNodes]
        .reverse()
        .map((node) => ({ ...node, source: 'dns' as const })),
      floatingIps: [...FACTS.floatingIps]
        .reverse()
        .map((ip) => ({ ...ip, interface: 'bond0', label: null })),
    }
    expect(digestOf(reordered)).toBe(digestOf(FACTS))
    const turned = { ...WITNESS, endpoints: WITNESS.endpoints.toReversed() }
    expect(digestOf({ ...FACTS, witness: turned })).toBe(digestOf({ ...FACTS, witness: WITNESS }))
  })

  it('depends on each fact that both nodes must have alike', () => {
    const others: DigestInput[] = [
      { ...FACTS, mode: 'witness' },
      { ...FACTS, mode: 'witness', witness: WITNESS },
      { ...FACTS, mode: 'witness', witness: { ...WITNESS, record: 'pair2' } },
      {
        ...FACTS,
        mode: 'witness',
        witness: { ...WITNESS, endpoints: ['https://192.0.2.61:2379'] },
      },
      { ...FACTS, pingNodes: [ping('192.0.2.1')] },
      { ...FACTS, pingNodes: [ping('192.0.2.1'), ping('192.0.2.3')] },
      { ...FACTS, floatingIps: [floating('192.0.2.10')] },
      { ...FACTS, floatingIps: FACTS.floatingIps.map((ip) => ({ ...ip, prefixLength: 25 })) },
      ...(['heartbeatMs', 'suspicionMs', 'leaseMs', 'marginMs', 'dampingMs'] as const).map(
        (key) => ({ ...FACTS, timing: { ...FACTS.timing, [key]: 1 } }),
      ),
    ]
    const digests = [FACTS, ...others].map(digestOf)
    expect(new Set(digests).size).toBe(digests.length)
  })
})
