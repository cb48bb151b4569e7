/**
 * How quick shall the pair be?
 *
 * Reads `timing`, in its short form a profile's name, in its long form single numbers over a profile.
 * It may stand in one of three places, because operators look for it in all of them; where two
 * places say different things, neither is guessed to be meant. The relations between the numbers are
 * `core/policy.ts`.
 */
import {
  checkTiming,
  TIMING_PROFILES,
  type TimingChoice,
  type TimingProfile,
} from '../core/policy.ts'
import type { PairConfig } from './config.ts'
import type { Findings } from './finding.ts'
import { nearMiss, snakeCase } from './near-miss.ts'
import { readChoice, readInteger } from './scalar.ts'
import { child, isEmpty, type MapTree, placeUnder, type Tree } from './tree.ts'

export interface TimingTold {
  choice: TimingChoice
  profile: PairConfig['timingProfile']
}

const PROFILES = Object.keys(TIMING_PROFILES) as TimingProfile[]

/** Keys of the long form, with the longest time that makes sense for each. */
const NUMBERS: ReadonlyArray<{ key: string; field: keyof TimingChoice; maxMs: number }> = [
  { key: 'heartbeat_ms', field: 'heartbeatMs', maxMs: 5_000 },
  { key: 'suspicion_ms', field: 'suspicionMs', maxMs: 30_000 },
  { key: 'lease_ms', field: 'leaseMs', maxMs: 60_000 },
  { key: 'margin_ms', field: 'marginMs', maxMs: 30_000 },
  { key: 'damping_ms', field: 'dampingMs', maxMs: 60_000 },
]

const KNOWN_KEYS = ['profile', ...NUMBERS.map((number) => number.key)]

/**
 * Reads the timing from wherever it stands.
 *
 * @param root    config.yml, merged
 * @param tandem  its section `tandem`; its keys were checked by the caller
 */
export function readTiming(
  root: MapTree,
  tandem: MapTree | undefined,
  findings: Findings,
): TimingTold {
  const ours = child(tandem, 'timing')
  const short = [child(child(root, 'ha'), 'timing'), child(root, 'timing')]
  const told: { tree: Tree; says: TimingTold }[] = []
  if (ours !== undefined && !isEmpty(ours)) {
    told.push({ tree: ours, says: readLong(ours, findings) })
  }
  for (const tree of short) {
    if (tree !== undefined && !isEmpty(tree)) {
      told.push({ tree, says: readShort(tree, findings) })
    }
  }
  const [first, ...others] = told
  for (const other of others) {
    if (first === undefined || sameChoice(first.says.choice, other.says.choice)) continue
    findings.error(
      other.tree,
      `says something else than ${first.tree.place.key}`,
      `keep ${first.tree.place.key} and remove this one`,
    )
  }
  return first?.says ?? profileTold('default')
}

function profileTold(profile: TimingProfile): TimingTold {
  return { choice: { ...TIMING_PROFILES[profile] }, profile }
}

function readShort(tree: Tree, findings: Findings): TimingTold {
  if (tree.kind === 'map') {
    findings.error(tree, 'cannot be a section here', 'move it to tandem.timing')
    return profileTold('default')
  }
  return profileTold(readChoice(tree, PROFILES, findings) ?? 'default')
}

function readLong(tree: Tree, findings: Findings): TimingTold {
  if (tree.kind !== 'map') return readShort(tree, findings)
  const values = new Map<string, Tree>()
  for (const [written, value] of tree.entries) {
    const key = snakeCase(written)
    if (!KNOWN_KEYS.includes(key)) {
      const meant = nearMiss(key, KNOWN_KEYS)
      const mend = meant === null ? `known are ${KNOWN_KEYS.join(', ')}` : `did you mean ${meant}?`
      findings.error(value, 'is not a known key', mend)
    } else if (values.has(key)) {
      findings.error(value, `is given twice, in two spellings of ${key}`, 'keep one of the two')
    } else {
      values.set(key, value)
    }
  }
  const profile = readChoice(values.get('profile'), PROFILES, findings) ?? 'default'
  const choice: TimingChoice = { ...TIMING_PROFILES[profile] }
  let readable = true
  for (const { key, field, maxMs } of NUMBERS) {
    const value = values.get(key)
    if (isEmpty(value)) continue
    const number = readInteger(value, { min: 1, max: maxMs, unit: 'milliseconds' }, findings)
    if (number === null) readable = false
    else choice[field] = number
  }
  const sound = readable && tellFaults(choice, { tree, values }, findings)
  const same = PROFILES.find((name) => sameChoice(choice, TIMING_PROFILES[name]))
  if (same !== undefined) return profileTold(same)
  if (sound) {
    findings.warning(
      tree,
      'is neither of the two profiles that were measured',
      'test failover with these numbers, or use default or fast',
    )
  }
  return { choice, profile: 'custom' }
}

/** Whether the numbers go together; tells where they do not. */
function tellFaults(
  choice: TimingChoice,
  written: { tree: MapTree; values: ReadonlyMap<string, Tree> },
  findings: Findings,
): boolean {
  const faults = checkTiming(choice)
  for (const fault of faults) {
    const key = NUMBERS.find((number) => number.field === fault.key)?.key ?? fault.key
    const at = written.values.get(key) ?? placeUnder(written.tree, key)
    const value = written.values.has(key) ? '' : `is ${choice[fault.key]} by the profile and `
    findings.error(at, `${value}${fault.why}`, `set ${key} to ${fault.mendMs} or more`)
  }
  return faults.length === 0
}

function sameChoice(a: TimingChoice, b: TimingChoice): boolean {
  return NUMBERS.every(({ field }) => a[field] === b[field])
}
