/**
 * How is one value read?
 *
 * Strictly: a number is digits and nothing else, a choice is one of its words. Each function tells
 * its mistake and returns null, so that the caller can go on with the default. Nothing given is not
 * a mistake and returns null as well.
 */
import type { Findings } from './finding.ts'
import { nearMiss } from './near-miss.ts'
import { isEmpty, type ScalarTree, type Tree } from './tree.ts'

export interface IntegerRange {
  min: number
  max: number
  /** As `milliseconds`, for messages. */
  unit?: string
}

/** A whole number, decimal, without sign of anything else. */
export function readInteger(
  tree: Tree | undefined,
  range: IntegerRange,
  findings: Findings,
): number | null {
  const scalar = readScalar(tree, 'a number', findings)
  if (scalar === null) return null
  const unit = range.unit === undefined ? '' : ` of ${range.unit}`
  const wanted = `write a whole number${unit} from ${range.min} to ${range.max}, digits only`
  if (!/^(0|[1-9]\d{0,14})$/.test(scalar.text)) {
    findings.error(scalar, 'is not a whole number', wanted)
    return null
  }
  const value = Number(scalar.text)
  if (value < range.min || value > range.max) {
    findings.error(scalar, `is ${value < range.min ? 'too small' : 'too large'}`, wanted)
    return null
  }
  return value
}

/** `yes` and `no` in every spelling of YAML 1.1, quoted or not. */
export function readYesNo(tree: Tree | undefined, findings: Findings): boolean | null {
  const scalar = readScalar(tree, 'yes or no', findings)
  if (scalar === null) return null
  switch (scalar.text.toLowerCase()) {
    case 'yes':
    case 'y':
    case 'on':
    case 'true':
    case '1':
      return true
    case 'no':
    case 'n':
    case 'off':
    case 'false':
    case '0':
      return false
    default:
      findings.error(scalar, 'is neither yes nor no', 'write yes or no')
      return null
  }
}

/** One of a closed set of words. */
export function readChoice<Choice extends string>(
  tree: Tree | undefined,
  choices: readonly Choice[],
  findings: Findings,
): Choice | null {
  const scalar = readScalar(tree, 'one word', findings)
  if (scalar === null) return null
  const found = choices.find((choice) => choice === scalar.text)
  if (found !== undefined) return found
  const meant = nearMiss(scalar.text, choices)
  findings.error(
    scalar,
    `is not one of ${choices.join(', ')}`,
    meant === null ? `write one of ${choices.join(', ')}` : `did you mean ${meant}?`,
  )
  return null
}

/** Any text that is not empty. */
export function readText(tree: Tree | undefined, findings: Findings): ScalarTree | null {
  return readScalar(tree, 'one value', findings)
}

/** A path from the root. */
export function readPath(tree: Tree | undefined, findings: Findings): string | null {
  const text = readText(tree, findings)
  if (text === null) return null
  if (text.text.startsWith('/')) return text.text
  findings.error(text, 'is not an absolute path', 'write it from the root, as /etc/tandem/…')
  return null
}

/**
 * A list of texts: nothing, one value, several in one value with blanks or commas between, or a
 * YAML list. Empty items are left out; items that are no texts are mistakes.
 */
export function readTexts(tree: Tree | undefined, findings: Findings): ScalarTree[] {
  if (tree === undefined || isEmpty(tree)) return []
  if (tree.kind === 'list') return tree.items.flatMap((item) => readTexts(item, findings))
  const scalar = readScalar(tree, 'a list', findings)
  if (scalar === null) return []
  return scalar.text
    .split(/[\s,]+/)
    .filter((text) => text !== '')
    .map((text) => ({ ...scalar, text }))
}

function readScalar(tree: Tree | undefined, wanted: string, findings: Findings): ScalarTree | null {
  if (tree === undefined || isEmpty(tree)) return null
  if (tree.kind === 'scalar') return { ...tree, text: tree.text.trim() }
  const is = tree.kind === 'map' ? 'a section' : 'a list'
  findings.error(tree.place, `is ${is} where ${wanted} is expected`, `write ${wanted}`)
  return null
}
