import { describe, expect, it } from 'vitest'
import type { AgentReport, RoleChange } from '../../src/lab/agent-report.ts'
import { plainHex } from '../../src/lab/node-address.ts'
import { toldOf } from '../../src/lab/told.ts'

const SPAN = { gapMs: 40, sinceWallMs: 1000 }

function report(pauses: number, worstLateMs: number, changes: RoleChange[] = []): AgentReport {
  return { loop: { pauses, worstLateMs }, changes }
}
const change = (atWallMs: number, from: string, to: string, reason = 'elected'): RoleChange => ({
  atWallMs,
  from,
  to,
  reason,
})

describe('what agents tell of a run', () => {
  it('is the pause that is new, or G where it only counts as one', () => {
    const pauseOf = (before: AgentReport, after: AgentReport) =>
      toldOf([before], [after], SPAN)?.pauseMs
    expect(pauseOf(report(0, 30), report(1, 75))).toBe(75)
    expect(pauseOf(report(1, 80), report(2, 80))).toBe(40)
    expect(pauseOf(report(1, 80), report(1, 80))).toBe(0)
    expect(pauseOf({ loop: null, changes: [] }, report(1, 80))).toBe(0)
  })

  it('counts since the fault who became active, once, and whose lease ended', () => {
    const before = [
      change(900, 'elect', 'active'),
      change(999, 'active', 'demoting', 'lease-ended'),
    ]
    const after = [
      change(1100, 'active', 'demoting', 'lease-ended'),
      change(1200, 'elect', 'active'),
      change(1201, 'active', 'active'),
      change(1300, 'active', 'demoting', 'operator-asked'),
    ]
    expect(toldOf([report(0, 1), null], [report(0, 1, [...before, ...after]), null], SPAN)).toEqual(
      { pauseMs: 0, activations: 1, leaseEnds: 1 },
    )
  })

  it('is nothing where a manager tells nothing', () => {
    expect(toldOf([null], [null], SPAN)).toBeNull()
  })
})

describe('an IPv6 address as the kernel lists it', () => {
  it('has all of its 32 digits', () => {
    expect([plainHex('fd71::50'), plainHex('2001:db8:1:2:3:4:5:6'), plainHex('::1')]).toEqual([
      'fd710000000000000000000000000050',
      '20010db8000100020003000400050006',
      '00000000000000000000000000000001',
    ])
  })
})
