/** Goal: what is promised fits the configured times, and what cannot be measured is said before anything is done. */
import { describe, expect, it } from 'vitest'
import type { CheckConfig } from '../../src/config/check-text.ts'
import { parseCheck } from '../../src/config/check-text.ts'
import type { PairConfig, StoreConfig } from '../../src/config/config.ts'
import { boundsOf, type DrillRequest, PROBED_MAX, planOf } from '../../src/drill/plan.ts'
import { CONFIG } from '../helpers/snapshot-case.ts'

const MOVE: DrillRequest = { kind: 'switchover', back: false, cutMs: 10_000 }
const check = (text: string): CheckConfig => {
  const read = parseCheck(text)
  if (!read.ok) throw new Error(read.mistake)
  return read.check
}
const store = (name: string, semiSync: boolean): StoreConfig =>
  ({ name, kind: name === 'redis' ? 'redis' : 'mariadb', semiSync }) as StoreConfig
const FULL: PairConfig = {
  ...CONFIG,
  stores: [store('redis', false), store('mariadb', true)],
  outsideChecks: [check('sip udp:10.0.0.50:5060'), check('tcp 10.0.0.50:80')],
  callCheck: check('call a@HOST b@HOST udp:10.0.0.50:5060 local') as CheckConfig & { kind: 'call' },
}

describe('the plan of a drill', () => {
  it('measures what is configured, and names what is not', () => {
    const full = planOf(MOVE, FULL, 'sp2')
    expect(full.legs).toEqual([{ from: 'sp2', to: 'sp1' }])
    expect(full.notMeasured).toEqual([])
    expect(full.measured.join('\n')).toMatch(/OPTIONS.*a call with audio.*redis.*mariadb/s)
    const bare = planOf(MOVE, CONFIG, 'sp1')
    expect(bare.measured).toHaveLength(2)
    expect(bare.notMeasured.map(({ what }) => what)).toEqual([
      'silence of SIP',
      'a call with audio',
      'writes to stores',
    ])
    for (const { mend } of bare.notMeasured) expect(mend).toContain('tandem')
  })

  it('says how each is undone', () => {
    expect(planOf(MOVE, CONFIG, 'sp1').undone).toContain('sp2 stays active')
    const back = planOf({ ...MOVE, back: true }, CONFIG, 'sp1')
    expect(back.legs).toHaveLength(2)
    expect(back.undone).toContain('the way back is the undoing')
    const cut = planOf({ ...MOVE, kind: 'crosslink-cut' }, CONFIG, 'sp1')
    expect(cut.legs).toEqual([{ from: 'sp1', to: 'sp1' }])
    expect(cut.undone).toContain('the kernel itself ends it')
    expect(planOf({ ...MOVE, kind: 'agent-kill' }, CONFIG, 'sp1').undone).toContain(
      'also when this command dies',
    )
  })

  it('does not probe any number of addresses', () => {
    const [first] = CONFIG.floatingIps
    const floatingIps = Array.from({ length: PROBED_MAX + 2 }, () => first!)
    const { measured, notMeasured } = planOf(MOVE, { ...CONFIG, floatingIps }, 'sp1')
    expect(measured).toHaveLength(PROBED_MAX)
    expect(notMeasured[0]?.why).toBe('8 floating IPs are probed at once')
  })
})

it('has the bounds of the configured times', () => {
  // H 20, L 100, M 40.
  const outage = (kind: DrillRequest['kind'], config: PairConfig) => boundsOf(kind, config).outageMs
  expect(outage('switchover', CONFIG)).toBe(100)
  expect(outage('agent-kill', CONFIG)).toBe(420)
  expect(outage('crosslink-cut', FULL)).toBe(60)
  // Announced when the stores take writes.
  expect(outage('switchover', FULL)).toBe(400)
  expect([...boundsOf('switchover', FULL).lost]).toEqual([
    ['redis', 0],
    ['mariadb', 0],
  ])
  // Redis proves nothing when a node dies.
  expect([...boundsOf('agent-kill', FULL).lost]).toEqual([
    ['redis', null],
    ['mariadb', 0],
  ])
})
