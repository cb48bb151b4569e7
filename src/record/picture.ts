/**
 * How does a happening look? A drawing of time from left to right, with rows for what each node was, heard
 * and held.
 *
 * Plain SVG without scripts; its colours follow the reader's choice of light or dark.
 */
import type { Span } from './lanes.ts'
import { type Bar, type Row, rowsOf } from './picture-rows.ts'
import { PICTURE_STYLE } from './picture-style.ts'
import type { Story, StoryLine } from './story.ts'
import { ms } from './told.ts'

const WIDTH = 1240
const LEFT = 212
const RIGHT = 28
const ROW = { normal: { step: 23, bar: 14 }, thin: { step: 13, bar: 6 } } as const
const TOP = 138
const NODE_GAP = 20
const NODE_TITLE = 28
const NOTES_MAX = 14
const NOTE_WIDTH = 16
const TICKS = 10
/** A character of a label in a bar, about. */
const CHARACTER = 6.6

/** Of the whole story, what is near the pivot; the rest would be a line each. */
const NEAR_IN_D = 10
const PADDING_RATIO = 0.25

interface Frame extends Span {
  x(atMs: number): number
}

export function pictureOf(story: Story): string {
  const frame = frameOf(story)
  const pieces: string[] = []
  let y = TOP
  const tops: number[] = []
  for (const { record, lanes, addMs, node, summary } of story.nodes) {
    const top = y
    pieces.push(text(LEFT, y + 16, 'node', `${node} ${summary.what}`))
    y += NODE_TITLE
    const place = (span: Span): Span => ({
      fromMs: span.fromMs + addMs,
      untilMs: span.untilMs + addMs,
    })
    const rows = shownOf(rowsOf(record, lanes), frame, addMs)
    const height = rows.reduce((sum, row) => sum + ROW[row.height].step, 0)
    for (const pause of lanes.pauses.map(place)) {
      pieces.push(band(frame, pause, { y: y - 4, height: height + 4 }, 'pause', 'stood still'))
    }
    for (const row of rows) {
      pieces.push(drawRow(frame, row, y, place))
      y += ROW[row.height].step
    }
    tops.push(top)
    y += NODE_GAP
  }
  const bottom = y - NODE_GAP
  const outages = story.outages
    .map(({ fromMs, untilMs }) => ({ fromMs, untilMs: untilMs ?? frame.untilMs }))
    .filter((span) => span.untilMs > frame.fromMs && span.fromMs < frame.untilMs)
  const notes = notesIn(story, frame)
  const noteText = drawNotes(notes, story, bottom + 30)
  const height = bottom + (notes.length === 0 ? 34 : 46 + 17 * notes.length)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(titleOf(story).what)}</title>`,
    `<style>${PICTURE_STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    ...heading(story),
    ...axis(frame, story.pivotMs, bottom),
    ...outages.map((span) =>
      band(frame, span, { y: TOP - 10, height: bottom - TOP + 12 }, 'outage', ''),
    ),
    ...outages.map((span) => outageLabel(frame, span)),
    ...pieces,
    ...noteMarks(notes, frame, bottom),
    ...noteText,
    '</svg>\n',
  ].join('\n')
}

/** Who serves in the end is what people ask for first; why is with whoever gave it up. */
function titleOf({ nodes }: Story): { what: string; why: string } {
  const told = nodes.find(({ record }) => record.header.changes.some(({ opened }) => opened))
  const { node, summary } = told ?? nodes[0] ?? { node: '', summary: { what: '', why: '' } }
  const gaveUp = nodes.find((one) => one.node !== node && one.summary.what === 'gave up the role')
  const planned = summary.what === 'became active' && gaveUp !== undefined
  const why = planned ? `${gaveUp.node} gave up the role: ${gaveUp.summary.why}` : summary.why
  return { what: `${node} ${summary.what}`, why }
}

function shownOf(rows: readonly Row[], frame: Frame, addMs: number): Row[] {
  const shown = new Set(
    rows
      .filter(({ bars }) =>
        bars.some(
          ({ fromMs, untilMs }) =>
            untilMs + addMs >= frame.fromMs && fromMs + addMs <= frame.untilMs,
        ),
      )
      .map(({ group }) => group),
  )
  return rows.filter(({ group }) => group === null || shown.has(group))
}

function heading(story: Story): string[] {
  const { pivotMs, wallOffsetMs, offset, nodes, outages } = story
  const { what, why } = titleOf(story)
  const when = new Date(pivotMs + wallOffsetMs).toISOString().replace('T', ' ').replace('Z', ' UTC')
  const last = outages.filter(({ untilMs }) => untilMs !== null).at(-1)
  const longest =
    last?.untilMs == null
      ? 'no outage known'
      : `nobody served for ${ms(last.untilMs - last.fromMs)}`
  const second = nodes[1]?.node
  const order =
    offset === null
      ? ''
      : offset.boundMs === null
        ? `${second} placed by the wall clocks`
        : `${second} placed by the heartbeats, to ${offset.boundMs.toFixed(1)} ms`
  return [
    text(LEFT, 32, 'title', what),
    text(LEFT, 53, 'why', why.slice(0, 150)),
    text(LEFT, 73, 'subtitle', [`0 is ${when}`, longest, order].filter(Boolean).join('  ·  ')),
  ]
}

function frameOf(story: Story): Frame {
  const { pivotMs, nodes, outages } = story
  const timing = nodes[0]?.record.header.policy.timing
  const nearMs = NEAR_IN_D * (timing?.takeoverSilenceMs ?? 1000)
  const leastMs = 5 * (timing?.heartbeatMs ?? 100)
  const moments = [pivotMs]
  for (const { lanes, addMs } of nodes) {
    for (const { fromMs } of lanes.roles.slice(1)) moments.push(fromMs + addMs)
    for (const { fromMs, untilMs } of lanes.addresses) moments.push(fromMs + addMs, untilMs + addMs)
  }
  for (const { fromMs, untilMs } of outages) moments.push(fromMs, untilMs ?? fromMs)
  const near = moments.filter((atMs) => Math.abs(atMs - pivotMs) <= nearMs)
  const first = Math.min(...near)
  const last = Math.max(...near)
  const padMs = Math.max(leastMs, PADDING_RATIO * (last - first))
  const fromMs = first - padMs
  const untilMs = last + padMs
  const scale = (WIDTH - LEFT - RIGHT) / (untilMs - fromMs)
  return { fromMs, untilMs, x: (atMs) => LEFT + (clamp(atMs, fromMs, untilMs) - fromMs) * scale }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}

function drawRow(frame: Frame, row: Row, y: number, place: (span: Span) => Span): string {
  const { step, bar } = ROW[row.height]
  const middle = y + step / 2 - 2
  const bars = row.bars.map((one) => ({ ...one, ...place(one) }))
  return [
    text(LEFT - 12, middle + 4, `label ${row.height}`, row.label),
    `<rect class="track" x="${LEFT}" y="${middle - bar / 2}" width="${WIDTH - LEFT - RIGHT}" height="${bar}" rx="2"/>`,
    ...bars
      .filter(({ fromMs, untilMs }) => untilMs >= frame.fromMs && fromMs <= frame.untilMs)
      .map((one) => drawBar(frame, one, middle, bar)),
  ].join('\n')
}

function drawBar(frame: Frame, bar: Bar, middle: number, height: number): string {
  const x = frame.x(bar.fromMs)
  const width = Math.max(1.5, frame.x(bar.untilMs) - x)
  const fits = bar.label !== '' && bar.label.length * CHARACTER + 10 < width
  const label = fits ? text(x + 7, middle + 4, `inside ${bar.kind}-text`, bar.label) : ''
  return `<rect class="${bar.kind}" x="${short(x)}" y="${middle - height / 2}" width="${short(width)}" height="${height}" rx="2"><title>${escaped(bar.label || bar.kind)}: ${ms(bar.untilMs - bar.fromMs)}</title></rect>${label}`
}

function band(
  frame: Frame,
  span: Span,
  { y, height }: { y: number; height: number },
  kind: string,
  label: string,
): string {
  const x = frame.x(span.fromMs)
  const width = Math.max(1.5, frame.x(span.untilMs) - x)
  const fits = label !== '' && label.length * CHARACTER < width
  const told = fits ? text(x + width / 2, y - 4, `${kind}-label`, label) : ''
  return `<rect class="${kind}" x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"/>${told}`
}

function outageLabel(frame: Frame, span: Span): string {
  const x = clamp((frame.x(span.fromMs) + frame.x(span.untilMs)) / 2, LEFT + 60, WIDTH - 90)
  return text(x, TOP - 14, 'outage-label', `nobody serves, ${ms(span.untilMs - span.fromMs)}`)
}

function axis(frame: Frame, pivotMs: number, bottom: number): string[] {
  const stepMs = niceStep((frame.untilMs - frame.fromMs) / TICKS)
  const lines: string[] = []
  const first = Math.ceil((frame.fromMs - pivotMs) / stepMs)
  for (let tick = first; tick * stepMs + pivotMs <= frame.untilMs; tick += 1) {
    const atMs = tick * stepMs
    const x = short(frame.x(pivotMs + atMs))
    const kind = tick === 0 ? 'zero' : 'grid'
    lines.push(`<line class="${kind}" x1="${x}" x2="${x}" y1="${TOP - 8}" y2="${bottom}"/>`)
    lines.push(text(Number(x), TOP - 32, 'tick', tickText(atMs, stepMs)))
  }
  return lines
}

function tickText(atMs: number, stepMs: number): string {
  if (atMs === 0) return '0'
  const sign = atMs < 0 ? '−' : '+'
  const size = Math.abs(atMs)
  if (stepMs < 500) return `${sign}${Number(size.toFixed(1))} ms`
  return `${sign}${Number((size / 1000).toFixed(1))} s`
}

/** 1, 2 or 5 times a power of ten, not below the given one. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? least
}

/** What stores, services and the network said meanwhile. */
function notesIn({ lines }: Story, frame: Frame): StoryLine[] {
  return lines
    .filter(({ code, atMs }) => {
      const told = code.startsWith('note-') && code !== 'note-address'
      return told && atMs >= frame.fromMs && atMs <= frame.untilMs
    })
    .slice(0, NOTES_MAX)
}

/** Side by side where they would hide each other. */
function noteMarks(notes: readonly StoryLine[], frame: Frame, bottom: number): string[] {
  const y = bottom + 10
  let before = Number.NEGATIVE_INFINITY
  return notes.map(({ atMs }, index) => {
    const x = Math.max(frame.x(atMs), before + NOTE_WIDTH)
    before = x
    const number = text(x, y + 3.5, 'note-number', String(index + 1))
    return `<circle class="note" cx="${short(x)}" cy="${y}" r="7"/>${number}`
  })
}

function drawNotes(notes: readonly StoryLine[], { pivotMs }: Story, top: number): string[] {
  return notes.map(({ atMs, node, sentence }, index) => {
    const sign = atMs < pivotMs ? '−' : '+'
    const told = `${index + 1}   ${sign}${ms(Math.abs(atMs - pivotMs))}   ${node}   ${sentence}`
    return text(LEFT, top + 12 + 17 * index, 'note-text', told.slice(0, 150))
  })
}

function text(x: number, y: number, kind: string, content: string): string {
  return `<text class="${kind}" x="${short(x)}" y="${short(y)}">${escaped(content)}</text>`
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escaped(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[^\P{C}\n]/gu, '?')
}
