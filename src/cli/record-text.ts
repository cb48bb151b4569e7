/**
 * How does a record read? A head that says what it was, and a line for each thing that happened.
 */

import { formatMs } from '../control/duration.ts'
import { REASONS } from '../core/reason.ts'
import { replayRefusal } from '../record/replay.ts'
import { missedBy, type Story, type StoryLine } from '../record/story.ts'
import type { Paint } from './paint.ts'
import { cell, printable, table } from './table.ts'

/** Shown of what was before the first change of the role. */
const SHOWN_BEFORE_MS = 5_000

/** `tandem record show`. */
export function storyText(story: Story, paint: Paint, all: boolean): string {
  const fromMs = all ? Number.NEGATIVE_INFINITY : beginOf(story)
  const isShown = ({ atMs, code }: StoryLine): boolean => atMs >= fromMs || code === 'begin'
  const { nodes, pivotMs, wallOffsetMs, offset, lines } = story
  const both = nodes.length > 1
  const head = nodes.map(({ node, summary, record }) => {
    const { changes, program } = record.header
    const when = new Date(record.header.pivotMs + record.header.wallOffsetMs).toISOString()
    const terms = changes.filter(({ opened }) => opened).map(({ term }) => `term ${term}`)
    const outage = both ? [] : [outageSentence(summary.outageMs)]
    const detail = [...outage, ...terms, `version ${program}`].join('; ')
    return `${paint(`${node} ${summary.what}`, 'title')} at ${when}: ${summary.why}\n  ${detail}\n`
  })
  const notes = nodes.flatMap(({ node, record }) => {
    const refusal = replayRefusal(record)
    return refusal === null
      ? []
      : [`The record of ${node} ${refusal}: the conditions T0 to T5 cannot be told.\n`]
  })
  const absent = nodes.flatMap((node) => {
    const ms = missedBy(node, pivotMs)
    if (ms === 0) return []
    const where = ms > 0 ? `begins ${formatMs(ms)} after it` : `ends ${formatMs(-ms)} before it`
    return [
      `${node.node} kept nothing of that moment: its record ${where}. ` +
        'What an agent recorded dies with it.\n',
    ]
  })
  const rows = lines
    .filter(isShown)
    .map((line) => [
      clock(line, wallOffsetMs),
      relative(line.atMs - pivotMs),
      ...(both ? [line.node] : []),
      cell(printable(line.sentence), line.tone),
    ])
  const titles = ['TIME', 'MS', ...(both ? ['NODE'] : []), 'WHAT'].map((text) =>
    cell(text, 'title'),
  )
  const order = offset === null ? '' : `${orderSentence(story)}\n`
  const outage = both ? `${outageSentence(longestOf(story))} (by both records)\n` : ''
  return `${head.join('')}${outage}${absent.join('')}${notes.join('')}${order}\n${table([titles, ...rows], paint)}`
}

function outageSentence(outageMs: number | null): string {
  if (outageMs === null) return 'no outage is known'
  return `nobody is known to have served for ${formatMs(outageMs)}`
}

/** Of what came with these changes of the role. */
function longestOf({ outages, pivotMs }: Story): number | null {
  const lengths = outages.flatMap(({ fromMs, untilMs }) =>
    untilMs === null || untilMs < pivotMs - 1 ? [] : [untilMs - fromMs],
  )
  return lengths.length === 0 ? null : Math.max(...lengths)
}

/** What was long before is another happening; it is in the record all the same. */
function beginOf({ nodes }: Story): number {
  const first = nodes.map(({ record, addMs }) => record.header.pivotMs + addMs)
  return Math.min(...first) - SHOWN_BEFORE_MS
}

function orderSentence({ nodes, offset }: Story): string {
  const [first, second] = nodes.map(({ node }) => node)
  if (offset?.boundMs === null || offset === null) {
    return `The two records share no heartbeat: ${second} is placed by the wall clocks, and the order across both nodes proves nothing.`
  }
  return `Times are those of ${first}. Those of ${second} fit by the heartbeats of both to ${offset.boundMs.toFixed(1)} ms; closer together than that, the order across both nodes is not known.`
}

function clock({ atMs }: StoryLine, wallOffsetMs: number): string {
  return new Date(atMs + wallOffsetMs).toISOString().slice(11, 23)
}

function relative(ms: number): string {
  const sign = ms < 0 ? '-' : '+'
  return `${sign}${Math.abs(ms).toFixed(1)}`.padStart(9)
}

/** `--json` of the same. */
export function storyDocument(story: Story): Record<string, unknown> {
  const { nodes, pivotMs, wallOffsetMs, offset, outages, lines } = story
  const iso = (atMs: number): string => new Date(atMs + wallOffsetMs).toISOString()
  return {
    schema: 1,
    pivotIso: iso(pivotMs),
    order: offset,
    outages: outages.map(({ fromMs, untilMs }) => ({
      fromIso: iso(fromMs),
      ms: untilMs === null ? null : untilMs - fromMs,
    })),
    records: nodes.map(({ node, summary, record, addMs }) => ({
      node,
      ...summary,
      fromIso: iso(record.header.beginMs + addMs),
      untilIso: iso(record.header.endMs + addMs),
      program: record.header.program,
      changes: record.header.changes.map(({ atMs, reason, ...change }) => ({
        atIso: iso(atMs + addMs),
        ...change,
        reason: { code: reason, sentence: REASONS[reason] },
      })),
    })),
    lines: lines.map(({ atMs, node, code, sentence }) => ({
      atIso: iso(atMs),
      ms: Math.round((atMs - pivotMs) * 1000) / 1000,
      node,
      code,
      sentence,
    })),
  }
}
