/**
 * What did the other node record of the same happening?
 *
 * Asks the peer over ssh which records it has, takes the one that has the moment ours is about. Heartbeats in both
 * prove that; wall clocks only choose what is looked at first.
 */
import type { PairConfig } from '../config/config.ts'
import { type FlightRecord, unpackRecords } from '../record/file.ts'
import { offsetOf } from '../record/offset.ts'
import { peerHosts, type RunOnPeer } from './peer-shell.ts'

/** A list of forty, and one packed record in base64. */
const OUTPUT_MAX_CHARS = 24_000_000
/** After ours: a node whose power was cut records its return. */
const LATER_MS = 600_000
const EARLIER_MS = 60_000
/** Looked at before the nearest one has to do. */
const TRIED_MAX = 3

export type PeerRecord =
  | { ok: true; id: string; host: string; record: FlightRecord; file: Buffer }
  | { ok: false; message: string; mend: string }

/** An entry of `tandem record list --json`. */
interface Listed {
  id: string
  node: string | null
  fromIso: string | null
  untilIso: string | null
}

/** Never rejects. @param limitMs  for all of it, every way to the peer */
export async function peerRecord(
  ours: FlightRecord,
  { config, run, limitMs }: { config: PairConfig; run: RunOnPeer; limitMs: number },
): Promise<PeerRecord> {
  const endMs = performance.now() + limitMs
  const ask = async (host: string, ...words: string[]) =>
    await run(host, {
      words: ['record', ...words],
      limitMs: Math.max(1, Math.round(endMs - performance.now())),
      outputMaxChars: OUTPUT_MAX_CHARS,
    })
  const lost: string[] = []
  for (const host of peerHosts(config)) {
    const told = await ask(host, 'list', '--json')
    if (!told.ok) {
      lost.push(told.message)
      if (told.code === 'timeout') break
      continue
    }
    const candidates = fitting(listOf(told.stdout), ours)
    const nothing = {
      message: `${peerOf(config)} has no record of that time`,
      mend: 'its recorder dies with its agent; see tandem record list there',
    }
    return await best(candidates, { ours, nothing }, async (id) => {
      const exported = await ask(host, 'export', id, '--out', '-')
      if (!exported.ok) return exported.message
      const file = Buffer.from(exported.stdout, 'base64')
      const records = await unpackRecords(file)
      if (typeof records === 'string') return `what came of ${id} ${records}`
      const [record] = records
      if (record === undefined) return `what came of ${id} is empty`
      return record.header.node === ours.header.node
        ? `${host} answers as ${ours.header.node} itself`
        : { id, host, record, file }
    })
  }
  const message = `${peerOf(config)} does not answer: ${lost.at(-1) ?? 'there is no way to it'}`
  return { ok: false, message, mend: 'see what keeps it, or fetch the file by hand' }
}

type Taken = { id: string; host: string; record: FlightRecord; file: Buffer }

async function best(
  candidates: readonly Candidate[],
  { ours, nothing }: { ours: FlightRecord; nothing: { message: string; mend: string } },
  fetch: (id: string) => Promise<Taken | string>,
): Promise<PeerRecord> {
  let returned: Taken | null = null
  let complaint: string | null = null
  for (const { id, isLater } of candidates.slice(0, TRIED_MAX)) {
    const taken = await fetch(id)
    if (typeof taken === 'string') {
      complaint = taken
      continue
    }
    if (isOfOneMoment(ours, taken.record)) return { ok: true, ...taken }
    if (isLater) returned ??= taken
  }
  if (returned !== null) return { ok: true, ...returned }
  return complaint === null
    ? { ok: false, ...nothing }
    : { ok: false, message: complaint, mend: 'fetch the file by hand' }
}

/** Heartbeats in common put both on one clock; an older record may share them and still end before the moment. */
function isOfOneMoment(ours: FlightRecord, theirs: FlightRecord): boolean {
  const { addMs, boundMs } = offsetOf(ours, theirs)
  const { beginMs, endMs } = theirs.header
  const { pivotMs } = ours.header
  return boundMs !== null && beginMs + addMs <= pivotMs && pivotMs <= endMs + addMs
}

/** A record of the peer, by its list. */
interface Candidate {
  id: string
  /** It began after the moment of ours: the return of a node whose power was cut. */
  isLater: boolean
}

/**
 * The best first, by the wall clocks: those that have the moment of ours, then those that began after it, then
 * those that had ended, which clocks that are wrong may have put there.
 */
function fitting(entries: readonly Listed[], { header }: FlightRecord): Candidate[] {
  const [from, until] = [header.beginMs, header.endMs].map((ms) => ms + header.wallOffsetMs)
  const pivot = header.pivotMs + header.wallOffsetMs
  if (from === undefined || until === undefined) return []
  return entries
    .flatMap(({ id, node, fromIso, untilIso }) => {
      const [begin, end] = [Date.parse(fromIso ?? ''), Date.parse(untilIso ?? '')]
      const near = begin - until <= LATER_MS && from - end <= EARLIER_MS
      if (node === header.node || !near || !/^[\w.-]+$/.test(id)) return []
      return [{ id, laterMs: Math.max(0, begin - pivot), earlierMs: Math.max(0, pivot - end) }]
    })
    .sort((a, b) => a.earlierMs - b.earlierMs || a.laterMs - b.laterMs)
    .map(({ id, laterMs }) => ({ id, isLater: laterMs > 0 }))
}

function listOf(output: string): Listed[] {
  try {
    const document = JSON.parse(output.slice(output.indexOf('{'))) as { records?: Listed[] }
    return document.records ?? []
  } catch {
    return []
  }
}

function peerOf({ node }: PairConfig): string {
  return node === 'sp1' ? 'sp2' : 'sp1'
}
