/**
 * Which key was probably meant?
 *
 * Case, `-` against `_` and camelCase never make another key; beyond that one slip in a short word
 * and two in a long one do not either. A slip is a wrong, missing, extra or swapped letter.
 */

/** The known word nearest to the one written; null when none is near enough to be meant. */
export function nearMiss(written: string, known: readonly string[]): string | null {
  const plain = plainWord(written)
  let best: { word: string; slips: number } | null = null
  for (const word of known) {
    const target = plainWord(word)
    const allowed = target.length >= 8 ? 2 : target.length >= 4 ? 1 : 0
    // Also keeps the comparison from growing with the length of what was written.
    if (Math.abs(target.length - plain.length) > allowed) continue
    const slips = countSlips(plain, target)
    if (slips <= allowed && (best === null || slips < best.slips)) best = { word, slips }
  }
  return best?.word ?? null
}

/** `mainStallMs`, `Main-Stall-MS` and `main_stall_ms` as the last of them. */
export function snakeCase(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase()
}

function plainWord(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '')
}

/** Optimal string alignment distance: Levenshtein with swaps of neighbours. */
function countSlips(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      let slips = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (same ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        slips = Math.min(slips, (before[j - 2] ?? 0) + 1)
      }
      next.push(slips)
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
