/**
 * How much is that of a store? What an offset counts, for people.
 */

/** `1.2 kB`, `3 transactions`: what an offset of such a store counts. */
export function amountOf(kind: 'redis' | 'mariadb', units: number): string {
  if (kind === 'mariadb') return `${units} transaction${units === 1 ? '' : 's'}`
  if (units < 1000) return `${units} B`
  return units < 1_000_000 ? `${round(units / 1000)} kB` : `${round(units / 1_000_000)} MB`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
