import { describe, expect, it } from 'vitest'
import { fakeClock, renderFaults } from '../../src/lab/faults.ts'
import { namespaceOf, planLab } from '../../src/lab/plan.ts'

describe('the plan of a lab', () => {
  it('names everything by its prefix and refuses one that could not be a name', () => {
    const plan = planLab('abc')
    expect(plan.workDir).toBe('/run/tandem-lab-abc')
    expect(namespaceOf(plan, 'sp1')).toBe('abc-sp1')
    expect(() => planLab('../x')).toThrow('lab prefix "../x": use 1 to 16 small letters and digits')
  })

  it('gives no address and no MAC address twice', () => {
    const plan = planLab('abc', { crosslinkFloating: true })
    const machines = [...Object.values(plan.machines), ...Object.values(plan.crosslink)]
    const all = [
      ...machines.flatMap(({ mac, ipv4, ipv6 }) => [mac, ipv4, ipv6]),
      ...plan.floatingIps.map((floating) => floating.address),
    ]
    expect(all.filter((one, index) => all.indexOf(one) !== index)).toEqual([])
  })
})

describe('faults written down', () => {
  const lab = { plan: planLab('abc') }
  const rules = (...faults: Parameters<typeof renderFaults>[1]) =>
    renderFaults(lab, faults)
      .split('\n')
      .filter((line) => /drop$|accept$/.test(line))
      .map((line) => line.trim())

  it('of no fault drop nothing', () => {
    expect(rules()).toEqual([])
  })

  it('of a partition drop both ways on both paths, and let ARP pass first where told to', () => {
    const drops = [
      'iifname "p-sp1" oifname "p-sp2" drop',
      'iifname "x-sp1" oifname "x-sp2" drop',
      'iifname "p-sp2" oifname "p-sp1" drop',
      'iifname "x-sp2" oifname "x-sp1" drop',
    ]
    expect(rules({ kind: 'partition', arpPasses: false })).toEqual(drops)
    const lenient = rules({ kind: 'partition', arpPasses: true })
    expect(lenient.slice(0, 8).every((rule) => rule.endsWith('accept'))).toBe(true)
    expect(lenient.slice(8)).toEqual(drops)
  })

  it('of a split keep the crosslink only while both nodes are on one side', () => {
    expect(rules({ kind: 'split', side: ['sp1', 'ping1'] })).toContain('iifname "x-sp1" drop')
    expect(rules({ kind: 'split', side: ['ping1', 'ping2'] })).toEqual([
      'iifname { "p-ping1", "p-ping2" } oifname != { "p-ping1", "p-ping2" } drop',
      'iifname != { "p-ping1", "p-ping2" } oifname { "p-ping1", "p-ping2" } drop',
    ])
  })

  it('of a wrong clock leave the monotonic one alone unless told otherwise', () => {
    expect(fakeClock('+1d')).toMatchObject({ FAKETIME: '+1d', DONT_FAKE_MONOTONIC: '1' })
    expect(fakeClock('+0 x2', true)).not.toHaveProperty('DONT_FAKE_MONOTONIC')
  })
})
