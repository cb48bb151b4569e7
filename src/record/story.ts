/**
 * What do the records of one or of both nodes tell together? One list in order of time.
 *
 * The lines of the second node are put on the clock of the first (`offset.ts`): closer together than the
 * stated bound, their order may be the other way round.
 */
import { accountOf } from './account.ts'
import type { FlightRecord, RecordSummary } from './file.ts'
import { gapsBetween, type Lanes, lanesOf, type Span } from './lanes.ts'
import { type Offset, offsetOf } from './offset.ts'
import { line, ms, type Told } from './told.ts'

export interface StoryLine extends Told {
  node: string
}

export interface Story {
  /** On the clock of the first record: what times are counted from. */
  pivotMs: number
  /** Wall clock minus that clock. */
  wallOffsetMs: number
  /** Null for one record. */
  offset: Offset | null
  nodes: {
    node: string
    summary: RecordSummary
    record: FlightRecord
    lanes: Lanes
    /** Added to moments of this node to have them on the clock of the first. */
    addMs: number
  }[]
  /** Nobody is known to have served; without an end when that was not seen. */
  outages: { fromMs: number; untilMs: number | null }[]
  lines: StoryLine[]
}

/** @param records  one of each node at most */
export function storyOf(records: readonly FlightRecord[]): Story | null {
  const [first, second] = records
  if (first === undefined) return null
  const offset = second === undefined ? null : offsetOf(first, second)
  const nodes = records.map((record, index) => ({
    node: record.header.node,
    summary: record.header.summary,
    record,
    lanes: lanesOf(record),
    addMs: index === 0 ? 0 : (offset?.addMs ?? 0),
  }))
  const pivotMs = pivotOf(nodes)
  const outages = outagesOf(nodes, pivotMs)
  const lines = nodes.flatMap(({ node, record, lanes, addMs }) =>
    accountOf(record, lanes).map((line) => ({ ...line, node, atMs: line.atMs + addMs })),
  )
  return {
    pivotMs,
    wallOffsetMs: first.header.wallOffsetMs,
    offset,
    nodes,
    outages,
    lines: [...lines, ...outages.map((outage) => outageLine(outage))].sort(
      (a, b) => a.atMs - b.atMs,
    ),
  }
}

/**
 * The gates of both nodes say it all where both recorded the moment; where one did not, its silence is no
 * evidence, and the other one tells what it heard of it besides its own gate.
 */
function outagesOf(nodes: Story['nodes'], pivotMs: number): Story['outages'] {
  const witnesses = nodes.filter((node) => missedBy(node, pivotMs) === 0)
  const [only] = witnesses.length === 0 ? nodes : witnesses
  if (only !== undefined && (nodes.length === 1 || witnesses.length === 1)) {
    return only.lanes.outages.map(({ fromMs, untilMs }) => ({
      fromMs: fromMs + only.addMs,
      untilMs: untilMs === null ? null : untilMs + only.addMs,
    }))
  }
  const gates = nodes.flatMap(({ lanes, addMs }) =>
    lanes.gate.map(
      ({ fromMs, untilMs }): Span => ({ fromMs: fromMs + addMs, untilMs: untilMs + addMs }),
    ),
  )
  return gapsBetween(gates)
}

/** How long after a moment a record begins, or, below nothing, how long before it the record ends; 0: it has it. */
export function missedBy({ record, addMs }: Story['nodes'][number], atMs: number): number {
  const { beginMs, endMs } = record.header
  return Math.max(0, beginMs + addMs - atMs) + Math.min(0, endMs + addMs - atMs)
}

function outageLine({ fromMs, untilMs }: Story['outages'][number]): StoryLine {
  const told =
    untilMs === null
      ? line(fromMs, 'outage', 'from here on nobody is known to serve', 'bad')
      : line(
          untilMs,
          'outage-over',
          `nobody is known to have served for ${ms(untilMs - fromMs)}`,
          'bad',
        )
  return { ...told, node: '' }
}

/** The first moment at which somebody began to serve in these records; else what they are about. */
function pivotOf(nodes: Story['nodes']): number {
  const opened = nodes.flatMap(({ record, addMs }) =>
    record.header.changes.filter((change) => change.opened).map(({ atMs }) => atMs + addMs),
  )
  const about = nodes.map(({ record, addMs }) => record.header.pivotMs + addMs)
  return opened.length > 0 ? Math.min(...opened) : Math.min(...about)
}
