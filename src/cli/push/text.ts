/**
 * How does a push tell what it found and what it did?
 */
import { formatReport } from '../../config/check-report.ts'
import type { Paint } from '../paint.ts'
import { printable } from '../table.ts'
import type { FileDifference } from './difference.ts'
import type { PushAnswer, ReloadOutcome } from './exchange.ts'

const IS_WORDS = {
  changed: 'differs',
  new: 'is not there',
  gone: 'is only there',
} as const

/** Every file that differs, with the lines. */
export function differencesText(
  differences: readonly FileDifference[],
  { peerNode, paint }: { peerNode: string; paint: Paint },
): string {
  return differences
    .map(({ name, is, doubt, diff }) => {
      const head = `${name} ${is === 'changed' ? `differs on ${peerNode}` : IS_WORDS[is]}`
      const doubted = doubt === null ? '' : paint(`  it ${printable(doubt)}\n`, 'warn')
      const lines = diff === null ? '  more than can be shown\n' : indented(diff)
      return `${head}\n${doubted}${lines}`
    })
    .join('\n')
}

/** What the reload on the peer came to. */
export function reloadSentences({ exitCode, document }: ReloadOutcome, peerNode: string): string[] {
  if (document === null || document.ok !== true) {
    const why = document?.message ?? `its reload ended with ${exitCode}`
    return [`not in force on ${peerNode}: ${why}`]
  }
  const { applied = [], changed = [], steps = [] } = document
  const inForce = applied.map((sentence) => `in force on ${peerNode}: ${sentence}`)
  if (changed.length === 0) return [...inForce, `the agent of ${peerNode} runs with these files`]
  const parts = changed.map(({ part }) => part).join(', ')
  return [
    ...inForce,
    `needs a restart: ${parts}`,
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
  ]
}

/** Why the peer refused, with its mistakes. */
export function refusalText(answer: Extract<PushAnswer, { ok: false }>, peerNode: string): string {
  const { message, mend, mistakes, unchanged } = answer
  const report = mistakes.length === 0 ? '' : `${formatReport(mistakes)}\n`
  const state = unchanged
    ? `nothing was changed on ${peerNode}`
    : `${peerNode} has the new files, and its agent does not run with them`
  return `${report}tandem config push: refused by ${peerNode}: ${printable(message)}; ${state}\n  mend: ${printable(mend)}\n`
}

/** One line may hold what a terminal would take as an order. */
function indented(diff: string): string {
  return diff
    .split('\n')
    .filter((line, index, all) => line !== '' || index < all.length - 1)
    .map((line) => `  ${printable(line)}\n`)
    .join('')
}
