/**
 * What does `systemctl show` say of a unit? Its lines, and what they mean for us.
 *
 * Pure. Names and values: org.freedesktop.systemd1(5) and systemd.unit(5).
 */
import type { StoreFinding } from './replicated-store.ts'
import type { ServiceState } from './service.ts'

/** Everything that is asked for in one look. */
export const UNIT_PROPERTIES = [
  'ActiveState',
  'SubState',
  'MainPID',
  'ControlGroup',
  'Result',
  'LoadState',
  'UnitFileState',
  'ExecMainStatus',
  'Restart',
  'WantedBy',
  'RequiredBy',
] as const

export type UnitProperty = (typeof UNIT_PROPERTIES)[number]

/** One look at a unit. A property that this systemd does not have is empty. */
export type UnitFacts = Readonly<Record<UnitProperty, string>>

/** Reads `Name=value` lines; what was not asked for is left out. */
export function parseUnit(text: string): UnitFacts {
  const facts = Object.fromEntries(UNIT_PROPERTIES.map((name) => [name, ''])) as Record<
    UnitProperty,
    string
  >
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=')
    const name = line.slice(0, Math.max(0, equals))
    if (name in facts) facts[name as UnitProperty] = line.slice(equals + 1).trim()
  }
  return facts
}

/** What the state of a unit is called here. */
export function unitState(facts: UnitFacts): ServiceState {
  switch (facts.ActiveState) {
    case 'active':
    case 'reloading':
    case 'refreshing':
      return 'running'
    case 'activating':
      return 'starting'
    case 'deactivating':
      return 'stopping'
    case 'failed':
      return 'failed'
    default:
      return 'stopped'
  }
}

/** In systemd's own words; null when it runs as it should. */
export function unitDetail(facts: UnitFacts): string | null {
  if (facts.ActiveState === 'active' && facts.SubState === 'running') return null
  const words = [`${facts.ActiveState} (${facts.SubState})`]
  if (facts.Result !== '' && facts.Result !== 'success') {
    const status = /^[1-9]\d*$/.test(facts.ExecMainStatus) ? ` ${facts.ExecMainStatus}` : ''
    words.push(`result ${facts.Result}${status}`)
  }
  return words.join(', ')
}

/** Why a unit cannot be started at all, with the mend; null when it can. */
export function unitMissing(unit: string, facts: UnitFacts): string | null {
  switch (facts.LoadState) {
    case 'loaded':
      return null
    case 'masked':
      return `unit ${unit} is masked: systemctl unmask ${unit}`
    case 'not-found':
      return `there is no unit ${unit} on this host: install its package or mend the name`
    default:
      return `unit ${unit} could not be loaded (${facts.LoadState}): systemd-analyze verify ${unit}`
  }
}

/**
 * Whether systemd refuses to start it for having been started too often. It says so only where the run
 * before ended well; else the result is still that of the run before (seen with systemd 252).
 */
export function startLimitHit(facts: UnitFacts): boolean {
  return facts.Result === 'start-limit-hit'
}

/** What an operator has to mend so that systemd does not start the unit beside us. */
export function unitFindings(unit: string, facts: UnitFacts): StoreFinding[] {
  const findings: StoreFinding[] = []
  const missing = unitMissing(unit, facts)
  if (missing !== null) {
    findings.push({
      severity: 'error',
      setting: unit,
      found: facts.LoadState,
      wanted: 'loaded',
      why: 'It cannot be started, so this node cannot take the role over.',
      mend: missing.slice(missing.indexOf(': ') + 2),
    })
    return findings
  }
  const pulledIn = `${facts.WantedBy} ${facts.RequiredBy}`
    .split(' ')
    .filter((name) => name.endsWith('.target'))
    .join(' ')
  const enabled = /^enabled/.test(facts.UnitFileState)
  if (enabled || pulledIn !== '') {
    findings.push({
      severity: 'error',
      setting: `${unit} at boot`,
      found: pulledIn === '' ? facts.UnitFileState : `${facts.UnitFileState}, for ${pulledIn}`,
      wanted: 'disabled',
      why: 'systemd starts it at boot, on both nodes, before it is known which one is active.',
      mend: `systemctl disable ${unit}`,
    })
  }
  if (facts.Restart !== '' && facts.Restart !== 'no') {
    findings.push({
      severity: 'warning',
      setting: `${unit} Restart=`,
      found: facts.Restart,
      wanted: 'no',
      why: 'systemd starts it again beside us: its restarts are not counted, and do not make the node unfit.',
      mend: `systemctl edit ${unit}, and write the lines "[Service]" and "Restart=no"`,
    })
  }
  return findings
}
