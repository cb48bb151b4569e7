/**
 * How are figures written down for Prometheus? Its text format, version 0.0.4, and nothing else of it.
 *
 * A client library keeps a registry of values that others change; ours are all read off one status, so
 * that what is gone (a store, a path) is gone from the next answer, too (D-051).
 */

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  labels: Labels
  value: number
}

export interface Metric {
  /** Ends with the unit; counters end in `_total`. */
  name: string
  type: 'gauge' | 'counter'
  help: string
  samples: readonly Sample[]
}

/** Metrics without samples are left out. */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) =>
      [
        `# HELP ${name} ${escapeHelp(help)}\n`,
        `# TYPE ${name} ${type}\n`,
        ...samples.map(({ labels, value }) => `${name}${labelText(labels)} ${numberText(value)}\n`),
      ].join(''),
    )
    .join('')
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  // Without what dividing by a thousand leaves behind.
  return String(Number(value.toPrecision(15)))
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
