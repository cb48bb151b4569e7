/**
 * With which account, how often and over what are the two copies of a store compared?
 *
 * Part of a section below `tandem.stores`. Without an account nothing is compared. Without an interval
 * it is compared only when somebody asks: reading everything costs both servers something, and when that
 * fits is the operator's to say.
 */
import type { VerifyConfig } from './config.ts'
import type { Findings } from './finding.ts'
import { readText, readTexts } from './scalar.ts'
import { child, type MapTree, type Tree } from './tree.ts'

export const VERIFY_KEYS = [
  'verify_user',
  'verify_password_file',
  'verify_every',
  'verify_schemas',
] as const

/** How the readers of the section read an account and a path. */
export interface VerifyReaders {
  name: (tree: Tree | undefined) => string | null
  path: (tree: Tree | undefined) => string | null
}

const UNIT_MS = { h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const EVERY_MAX_MS = 366 * UNIT_MS.d

export function readVerify(
  given: MapTree,
  readers: VerifyReaders,
  findings: Findings,
): VerifyConfig | null {
  const user = readers.name(child(given, 'verify_user'))
  const passwordFile = readers.path(child(given, 'verify_password_file'))
  const everyMs = readEvery(child(given, 'verify_every'), findings)
  const schemas = readTexts(child(given, 'verify_schemas'), findings).map(({ text }) => text)
  if (user !== null) {
    return { user, passwordFile, everyMs, schemas: schemas.length === 0 ? null : schemas }
  }
  for (const key of VERIFY_KEYS) {
    const value = child(given, key)
    if (key === 'verify_user' || value === undefined) continue
    findings.error(value, 'means nothing without an account to compare with', 'add verify_user')
    break
  }
  return null
}

function readEvery(tree: Tree | undefined, findings: Findings): number | null {
  const told = readText(tree, findings)
  if (told === null || told.text === 'never') return null
  const [, amount = '', unit = ''] = /^([1-9]\d{0,3})([hdw])$/.exec(told.text) ?? []
  const ms = Number(amount) * (UNIT_MS[unit as keyof typeof UNIT_MS] ?? 0)
  if (ms > 0 && ms <= EVERY_MAX_MS) return ms
  findings.error(
    told,
    'is not an interval',
    'write hours, days or weeks, as 12h, 1d or 1w, or never',
  )
  return null
}
