/**
 * How does the pair fit on one screen? Roles large at the top, what has to be mended, then everything else, cut
 * to the rows and columns there are.
 *
 * Pure: what is known and the size become lines. What is not live is never shown as if it were: without a word
 * from the agent its role is UNKNOWN, and everything below has lost its colour.
 */
import { formatMs } from '../control/duration.ts'
import { peerTroubles } from '../control/peer-word.ts'
import type { StatusDocument, TransitionRecord } from '../control/schema.ts'
import { BIG_ROWS, bigWord } from './big-word.ts'
import {
  beside,
  clip,
  dimmed,
  type Glyphs,
  type Line,
  pad,
  type Span,
  span,
  widthOf,
} from './line.ts'
import type { PaintTone } from './paint.ts'
import {
  addressBlock,
  alarmBlock,
  type Block,
  clock,
  pathBlock,
  pingBlock,
  serviceBlock,
  storeBlock,
  timelineBlock,
} from './watch-blocks.ts'
import type { Changes } from './watch-facts.ts'

export interface View {
  /** The last document that came; null before the first. */
  status: StatusDocument | null
  transitions: readonly TransitionRecord[]
  changes: Changes
  /** Since that document came. */
  ageMs: number
  /** Why there is no newer one; null while they come. */
  trouble: string | null
  columns: number
  rows: number
  glyphs: Glyphs
  /** Keys are heard. */
  keys: boolean
}

/** Older than this is not live, whatever the reason. */
export const STALE_AFTER_MS = 3_000
/** Narrower, and the nodes stand below each other. */
const TWO_COLUMNS_FROM = 70
/** Lower, and the roles are words like others. */
const BIG_FROM_ROWS = 20

export function isStale({ trouble, ageMs }: Pick<View, 'trouble' | 'ageMs'>): boolean {
  return trouble !== null || ageMs > STALE_AFTER_MS
}

/** At most `rows` lines of at most `columns` characters. */
export function screen(view: View): Line[] {
  const { status, columns, rows, glyphs } = view
  if (status === null) {
    const why = view.trouble ?? 'asking the agent'
    return [span(`tandem status: ${why}`)].map((part) => clip([part], columns, glyphs))
  }
  const stale = isStale(view)
  const top = [header(status, view), ...nodesPart(status, view)]
  const bottom = [footer(view)]
  const body = fill(blocksOf(status, view), Math.max(0, rows - top.length - bottom.length), view)
  const below = [...top.slice(1), ...body].map((line) => (stale ? dimmed(line) : line))
  const space = Math.max(0, rows - 1 - below.length - bottom.length)
  const air = Array.from({ length: space }, (): Line => [])
  const lines = [...top.slice(0, 1), ...below, ...air, ...bottom]
  return lines.slice(0, rows).map((line) => clip(line, columns, glyphs))
}

function header(status: StatusDocument, view: View): Line {
  const { columns, glyphs } = view
  const left: Line = [span('tandem', 'title'), span(`  as ${status.node} sees the pair`)]
  const right: Line = isStale(view)
    ? [span(` NO WORD FROM ${status.node} FOR ${formatMs(seconds(view.ageMs))} `, 'bad')]
    : [span(`${clock(status.timeIso)} UTC  `), span('live', 'good')]
  return [...pad(left, Math.max(0, columns - widthOf(right)), glyphs), ...right]
}

function footer({ keys, changes, glyphs, trouble }: View): Line {
  if (trouble !== null) return [span(trouble, 'bad')]
  const marks = changes.seen.length === 0 ? [] : [span(`  ${glyphs.mark}changed`, 'changed')]
  const help = keys ? 'q quit   c clear the marks of changes' : ''
  return [span(help, 'dim'), ...marks]
}

interface NodeWords {
  big: string
  tone: PaintTone
  lines: Line[]
}

function nodesPart(status: StatusDocument, view: View): Line[] {
  const words = [ours(status, view), theirs(status, view)]
  const [one, two] = status.node === 'sp1' ? words : words.toReversed()
  if (one === undefined || two === undefined) return []
  const rows = Math.max(one.lines.length, two.lines.length)
  const big = (node: NodeWords): Line[] =>
    (view.rows >= BIG_FROM_ROWS ? bigWord(node.big, view.glyphs) : [node.big.toUpperCase()]).map(
      (text) => [span(text, node.tone)],
    )
  if (view.columns < TWO_COLUMNS_FROM) {
    // Two large words below each other would leave nothing for the rest.
    return [one, two].flatMap((node) => [[span(node.big.toUpperCase(), node.tone)], ...node.lines])
  }
  const column = Math.floor(view.columns / 2)
  const left = [...big(one), ...one.lines]
  const right = [...big(two), ...two.lines]
  const height = rows + (view.rows >= BIG_FROM_ROWS ? BIG_ROWS : 1)
  return Array.from({ length: height }, (_, row) =>
    beside(left[row] ?? [], right[row] ?? [], column, view.glyphs),
  )
}

function ours(status: StatusDocument, view: View): NodeWords {
  const { node, local } = status
  const { changes, glyphs } = view
  const mark = (fact: string, text: string, tone: PaintTone = 'plain'): Span =>
    changes.has(fact) ? span(`${glyphs.mark}${text}`, 'changed') : span(text, tone)
  if (isStale(view)) {
    const was = `${node} was ${local.state} ${formatMs(seconds(view.ageMs))} ago`
    return { big: 'unknown', tone: 'dim', lines: [[span(was)]] }
  }
  const tone = local.state === 'active' ? 'good' : local.state === 'standby' ? 'plain' : 'warn'
  const able = local.maintenance
    ? span('in maintenance', 'warn')
    : local.able
      ? span('able to serve')
      : span('NOT able to serve', 'bad')
  return {
    big: local.state,
    tone,
    lines: [
      [mark(node, `${node}, this node`), span(` for ${formatMs(local.sinceMsAgo)}`)],
      [mark(`term of ${node}`, `term ${local.term}`), span(', '), able],
      [span(local.reason.sentence)],
      leaseLine(status, view),
    ],
  }
}

function theirs(status: StatusDocument, view: View): NodeWords {
  const { peer, peerNode, node, pingNodes } = status
  const { changes, glyphs } = view
  const heardAgo = peer.lastHeardMsAgo === null ? null : formatMs(peer.lastHeardMsAgo)
  const name: Span = changes.has(peerNode)
    ? span(`${glyphs.mark}${peerNode}`, 'changed')
    : span(peerNode)
  if (isStale(view)) {
    const was = peer.heard ? peer.state : 'silent'
    const lines: Line[] = [[span(`${peerNode} was ${was}, as ${node} heard it then`)]]
    return { big: 'unknown', tone: 'dim', lines }
  }
  if (!peer.heard) {
    const since = heardAgo === null ? 'not heard since the agent started' : `heard ${heardAgo} ago`
    return { big: 'silent', tone: 'bad', lines: [[name, span(`, ${since}`)]] }
  }
  const troubles = peerTroubles(peer)
  const able = peer.state === 'standby' ? span('able to take over') : span('serves')
  const transition = peer.state === 'transition' ? span(`role ${peer.role ?? '?'}`) : able
  const { score, majority } = peer
  const reach = `reaches ${score ?? '?'} of ${pingNodes.length} ping nodes`
  return {
    big: peer.state,
    tone: peer.state === 'active' ? 'good' : peer.state === 'standby' ? 'plain' : 'warn',
    lines: [
      [name, span(`, heard ${heardAgo} ago`)],
      [
        span(`term ${peer.term ?? '?'}, `),
        troubles.length === 0 ? transition : span(troubles.join(', '), 'bad'),
      ],
      [span(reach, majority === false ? 'bad' : 'plain')],
    ],
  }
}

/** A bar of what is left of the right to serve; the standby shows its promise instead. */
function leaseLine({ local, timing }: StatusDocument, { columns, glyphs }: View): Line {
  const { leaseLeftMs, grantLeftMs } = local
  const left = leaseLeftMs ?? grantLeftMs
  if (left === null) return [span('no lease here, no promise given', 'dim')]
  const whole = leaseLeftMs === null ? timing.leaseMs + timing.marginMs : timing.leaseMs
  const width = Math.max(6, Math.min(20, Math.floor(columns / 2) - 30))
  const full = Math.max(0, Math.min(width, Math.round((left / whole) * width)))
  const title = leaseLeftMs === null ? 'stands back ' : 'lease '
  return [
    span(title),
    span(glyphs.full.repeat(full), leaseLeftMs === null ? 'plain' : 'good'),
    span(glyphs.empty.repeat(width - full), 'dim'),
    span(` ${Math.round(left)} of ${whole} ms`),
  ]
}

interface Row {
  /** Beside each other where the screen is wide enough. */
  blocks: readonly Block[]
}

function blocksOf(status: StatusDocument, view: View): Row[] {
  const { changes, glyphs, columns, transitions } = view
  const two = columns >= TWO_COLUMNS_FROM
  const column = two ? Math.floor(columns / 2) - 2 : columns
  const frame = { changes, glyphs, column }
  const pairs: Block[][] = [
    [alarmBlock(status, frame)],
    [pathBlock(status, frame), pingBlock(status, frame)],
    [addressBlock(status, frame), serviceBlock(status, frame)],
    [storeBlock(status, frame)],
    [timelineBlock(transitions, changes.seen, status.node)],
  ]
  return pairs.flatMap((blocks): Row[] => {
    const filled = blocks.filter(({ items }) => items.length > 0)
    if (filled.length === 0) return []
    return two ? [{ blocks: filled }] : filled.map((block) => ({ blocks: [block] }))
  })
}

/** Cuts rows of blocks to so many lines; each down to its least. */
function fill(rows: readonly Row[], height: number, view: View): Line[] {
  const wishes = rows.map(({ blocks }) => Math.max(...blocks.map(({ items }) => items.length)))
  const leasts = rows.map(({ blocks }) => Math.max(...blocks.map(({ least }) => least)))
  const sizes = [...wishes]
  // A title for each, and a line of air where nothing has to be cut for it.
  const needed = (air: number): number => sizes.reduce((sum, size) => sum + size + 1 + air, 0)
  const air: Line[] = needed(1) <= height ? [[]] : []
  const order = rows
    .map((_, row) => row)
    .toSorted((one, other) => gives(rows[one]) - gives(rows[other]))
  for (const row of order) {
    const over = Math.max(0, needed(air.length) - height)
    const wish = wishes[row] ?? 0
    sizes[row] = Math.max(Math.min(leasts[row] ?? 0, wish), wish - over)
  }
  const lines = rows.flatMap((row, at) => [...air, ...rowLines(row, sizes[at] ?? 0, view)])
  return lines.slice(0, height)
}

/** Lower gives way sooner. */
function gives(row: Row | undefined): number {
  return Math.min(...(row?.blocks ?? []).map(({ rank }) => rank))
}

function rowLines({ blocks }: Row, size: number, view: View): Line[] {
  const columns = blocks.map((block) => blockLines(block, size, view.glyphs))
  const [left, right] = columns
  if (right === undefined) return left ?? []
  const column = Math.floor(view.columns / 2)
  const height = Math.max(left?.length ?? 0, right.length)
  return Array.from({ length: height }, (_, row) =>
    beside(left?.[row] ?? [], right[row] ?? [], column, view.glyphs),
  )
}

const WEIGHT = { bad: 0, warn: 1, plain: 2, good: 2, dim: 3 } as const

function blockLines({ title, items }: Block, size: number, glyphs: Glyphs): Line[] {
  const heading: Line = [span(title, 'title')]
  if (items.length <= size) return [heading, ...items.map(({ line }) => line)]
  const kept = items.toSorted((one, other) => WEIGHT[one.tone] - WEIGHT[other.tone])
  const shown = kept.slice(0, Math.max(0, size - 1))
  const left = kept.slice(shown.length)
  const well = left.every(({ tone }) => WEIGHT[tone] >= WEIGHT.plain)
  const rest = span(`${glyphs.more} ${left.length} more${well ? '' : ', not all well'}`, 'dim')
  return [heading, ...shown.map(({ line }) => line), [rest]]
}

/** Whole seconds: a figure that is read, not measured. */
function seconds(ms: number): number {
  return Math.max(1_000, Math.floor(ms / 1_000) * 1_000)
}
