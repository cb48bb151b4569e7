/**
 * Which keys of a section do we know? All of them in one spelling; one that we do not know is a mistake.
 */
import type { Findings } from './finding.ts'
import { nearMiss, snakeCase } from './near-miss.ts'
import type { MapTree, Tree } from './tree.ts'

/** A section that is none is one without keys. */
export function knownKeys(section: Tree, keys: readonly string[], findings: Findings): MapTree {
  const entries = new Map<string, Tree>()
  const written = section.kind === 'map' ? section.entries : new Map<string, Tree>()
  for (const [name, value] of written) {
    const key = snakeCase(name)
    if (keys.includes(key)) {
      entries.set(key, value)
      continue
    }
    const meant = nearMiss(key, keys)
    const mend = meant === null ? `known are ${keys.join(', ')}` : `did you mean ${meant}?`
    findings.error(value, 'is not a known key', mend)
  }
  return { kind: 'map', entries, place: section.place }
}
