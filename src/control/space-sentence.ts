/**
 * How is it said that a store is running out of room? Without the figure of this moment: the same
 * sentence is the same alarm.
 */
import type { SpaceSnapshot } from './snapshot.ts'

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** @returns null when there is enough */
export function spaceSentence(space: SpaceSnapshot | null): string | null {
  if (space === null || space.state === 'enough') return null
  const { state, directory, totalBytes } = space
  const of = `of the ${formatBytes(totalBytes)} in ${directory}`
  if (state === 'critical') {
    return (
      `less than ${formatBytes(space.criticalBytes)} ${of} are free or it is about to be full: ` +
      'this node hands over, or refuses being handed to, while the other one has more; free some space'
    )
  }
  return `less than ${formatBytes(space.lowBytes)} ${of} are free or it is full within minutes; free some space`
}

/** As `1.5 GiB`; three digits at the most, for people. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[unit]}`
}
