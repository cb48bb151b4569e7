// Goal: what systemctl says of a unit is taken as it is meant. Method: lines as systemd 252 writes them.
import { expect, test } from 'vitest'
import {
  parseUnit,
  startLimitHit,
  type UnitFacts,
  unitDetail,
  unitFindings,
  unitMissing,
  unitState,
} from '../../src/resources/service-systemd-text.ts'

const RUNNING = `Restart=no
MainPID=214
Result=success
ExecMainStatus=0
ControlGroup=/system.slice/system-lb\\x2dx.slice/lb.service
RequiredBy=
WantedBy=
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=disabled
`

function unit(changes: Partial<UnitFacts> = {}): UnitFacts {
  return { ...parseUnit(RUNNING), ...changes }
}

test('every property is read, and what was not asked for is left out', () => {
  expect(parseUnit(`${RUNNING}Other=1\nno line at all\n=\n`)).toEqual({
    ActiveState: 'active',
    SubState: 'running',
    MainPID: '214',
    ControlGroup: '/system.slice/system-lb\\x2dx.slice/lb.service',
    Result: 'success',
    LoadState: 'loaded',
    UnitFileState: 'disabled',
    ExecMainStatus: '0',
    Restart: 'no',
    WantedBy: '',
    RequiredBy: '',
  })
  expect(parseUnit('').LoadState).toBe('')
})

test.each([
  ['active', 'running'],
  ['reloading', 'running'],
  ['refreshing', 'running'],
  ['activating', 'starting'],
  ['deactivating', 'stopping'],
  ['inactive', 'stopped'],
  ['failed', 'failed'],
  ['maintenance', 'stopped'],
])('%s is %s', (active, state) => {
  expect(unitState(unit({ ActiveState: active }))).toBe(state)
})

test('the detail is in the words of systemd, and absent when all is well', () => {
  expect(unitDetail(unit())).toBeNull()
  const failed = unit({ ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' })
  expect(unitDetail({ ...failed, ExecMainStatus: '203' })).toBe(
    'failed (failed), result exit-code 203',
  )
  expect(unitDetail({ ...failed, Result: 'start-limit-hit' })).toBe(
    'failed (failed), result start-limit-hit',
  )
  expect(unitDetail(unit({ SubState: 'exited' }))).toBe('active (exited)')
})

test('a unit that is not there, masked or broken is told with its mend', () => {
  const missing = (state: string): string | null => unitMissing('lb', unit({ LoadState: state }))
  expect(['loaded', 'not-found', 'masked', 'bad-setting'].map(missing)).toEqual([
    null,
    'there is no unit lb on this host: install its package or mend the name',
    'unit lb is masked: systemctl unmask lb',
    'unit lb could not be loaded (bad-setting): systemd-analyze verify lb',
  ])
})

test('only its own result says that a start limit was hit', () => {
  expect(startLimitHit(unit({ Result: 'start-limit-hit' }))).toBe(true)
  expect(startLimitHit(unit({ Result: 'exit-code' }))).toBe(false)
})

test('a unit that only we start leaves nothing to mend', () => {
  expect(unitFindings('lb', unit())).toEqual([])
  expect(unitFindings('lb', unit({ UnitFileState: 'static', WantedBy: 'other.service' }))).toEqual(
    [],
  )
})

test('a unit that systemd starts by itself is told with both reasons and mends', () => {
  const facts = unit({
    UnitFileState: 'enabled',
    WantedBy: 'multi-user.target',
    Restart: 'on-failure',
  })
  expect(unitFindings('lb', facts)).toEqual([
    {
      severity: 'error',
      setting: 'lb at boot',
      found: 'enabled, for multi-user.target',
      wanted: 'disabled',
      why: 'systemd starts it at boot, on both nodes, before it is known which one is active.',
      mend: 'systemctl disable lb',
    },
    {
      severity: 'warning',
      setting: 'lb Restart=',
      found: 'on-failure',
      wanted: 'no',
      why: 'systemd starts it again beside us: its restarts are not counted, and do not make the node unfit.',
      mend: 'systemctl edit lb, and write the lines "[Service]" and "Restart=no"',
    },
  ])
})

test('an init script that is linked into a runlevel is found by who wants it', () => {
  const facts = unit({ UnitFileState: 'generated', WantedBy: 'graphical.target multi-user.target' })
  expect(unitFindings('lb', facts).map(({ found }) => found)).toEqual([
    'generated, for graphical.target multi-user.target',
  ])
})

test('a unit that cannot be started at all has that as its one finding', () => {
  const facts = unit({ LoadState: 'masked', UnitFileState: 'masked', Restart: 'always' })
  expect(unitFindings('lb', facts)).toEqual([
    {
      severity: 'error',
      setting: 'lb',
      found: 'masked',
      wanted: 'loaded',
      why: 'It cannot be started, so this node cannot take the role over.',
      mend: 'systemctl unmask lb',
    },
  ])
})
