/**
 * Which files should both nodes have alike?
 *
 * `tandem.drift.files` lists files, directories and patterns; `except` takes some out again. What is not there
 * is left out without a word, so the default suits every platform.
 */
import type { DriftConfig } from './config.ts'
import type { Findings } from './finding.ts'
import { knownKeys } from './known-keys.ts'
import { readInteger, readTexts } from './scalar.ts'
import { child, isEmpty, type Tree } from './tree.ts'

const KEYS = ['files', 'except', 'after_minutes'] as const
const DEFAULT_FILES = ['/etc/kamailio', '/etc/rtpengine', '/etc/ngcp-config/*.yml']
const MINUTE_MS = 60_000
const AFTER_MINUTES = { min: 0, max: 7 * 24 * 60, unit: 'minutes' }
/** A rolling upgrade of one node after the other takes some minutes. */
const DEFAULT_AFTER_MINUTES = 15

export function readDrift(tree: Tree | undefined, findings: Findings): DriftConfig {
  if (tree !== undefined && tree.kind !== 'map' && !isEmpty(tree)) {
    findings.error(tree.place, 'is not a section', 'write "drift: {files: [/etc/…]}"')
  }
  const given = tree === undefined ? undefined : knownKeys(tree, KEYS, findings)
  const told = child(given, 'files')
  const minutes = readInteger(child(given, 'after_minutes'), AFTER_MINUTES, findings)
  return {
    // An empty list is a wish, too: no files.
    files: told === undefined ? DEFAULT_FILES : readPatterns(told, findings),
    except: readPatterns(child(given, 'except'), findings),
    afterMs: (minutes ?? DEFAULT_AFTER_MINUTES) * MINUTE_MS,
  }
}

function readPatterns(tree: Tree | undefined, findings: Findings): string[] {
  return readTexts(tree, findings).flatMap((told) => {
    if (/^\/[^\0]*$/.test(told.text) && !told.text.split('/').includes('..')) return [told.text]
    const mend = 'write a file, a directory or a pattern with * from the root, as /etc/kamailio'
    findings.error(told, 'is not an absolute path', mend)
    return []
  })
}
