/**
 * How is the witness asked? Its record in etcd, and the requests and answers of etcd's JSON gateway.
 *
 * One record per pair. It bears who wrote it and under which number, so that whoever lost an answer knows
 * its own writing again. It is only ever swapped: compared with the revision and the text that were read.
 * No lease or clock of etcd is involved (PROTOCOL, R3).
 *
 * @source etcd 3.4, rpc.proto: RangeRequest, TxnRequest; keys and values are base64, 64-bit numbers texts
 */
import type { NodeName } from '../core/policy.ts'

export const READ_PATH = '/v3/kv/range'
export const SWAP_PATH = '/v3/kv/txn'

/** Who wrote the record last. */
export interface WitnessEntry {
  node: NodeName
  /** Of the agent's start, as in its heartbeats. */
  boot: string
  /** Counts the requests of that start. */
  number: number
}

/** What the store held when it answered. */
export interface WitnessReading {
  /** Of the record's last change; `0`: there is no record. Never used as a number. */
  revision: string
  /** As it stands there. */
  text: string
  /** Null where there is none, or it is not ours to understand. */
  entry: WitnessEntry | null
}

export type WitnessAnswer =
  | {
      ok: true
      swapped: boolean
      reading: WitnessReading
      /** Which etcd answered: two of them could give two leases. */
      cluster: string
    }
  | { ok: false; why: string }

/** The record of a pair, as etcd has it. */
export function recordKey(record: string): string {
  return `/tandem/witness/${record}`
}

export function readRequest(key: string): unknown {
  return { key: base64(key) }
}

/** Puts `entry` in place of what was read, only if that is still there; answers with what is. */
export function swapRequest(key: string, seen: WitnessReading, entry: WitnessEntry): unknown {
  const at = { key: base64(key), result: 'EQUAL' }
  const compare = [
    { ...at, target: 'MOD', mod_revision: seen.revision },
    // The same revision with another text: a store that was set up anew or restored.
    ...(seen.revision === '0' ? [] : [{ ...at, target: 'VALUE', value: base64(seen.text) }]),
  ]
  return {
    compare,
    success: [{ request_put: { key: base64(key), value: base64(textOf(entry)) } }],
    failure: [{ request_range: { key: base64(key) } }],
  }
}

/** Understands an answer to a reading. */
export function readAnswer(answer: unknown): WitnessAnswer {
  const { header, kvs } = fields(answer)
  return withHeader(header, ({ cluster }) => {
    const reading = readingOf(kvs)
    return reading === null ? STRANGE : { ok: true, swapped: false, reading, cluster }
  })
}

/** Understands an answer to a swap that tried to write `entry`. */
export function swapAnswer(answer: unknown, entry: WitnessEntry): WitnessAnswer {
  const { header, succeeded, responses } = fields(answer)
  return withHeader(header, ({ cluster, revision }) => {
    if (succeeded === true) {
      return { ok: true, swapped: true, reading: { revision, text: textOf(entry), entry }, cluster }
    }
    const [first] = Array.isArray(responses) ? responses : []
    const reading = readingOf(fields(fields(first)['response_range'])['kvs'])
    return reading === null ? STRANGE : { ok: true, swapped: false, reading, cluster }
  })
}

const STRANGE: WitnessAnswer = { ok: false, why: 'what it answers is not etcd 3' }

function withHeader(
  header: unknown,
  next: (found: { cluster: string; revision: string }) => WitnessAnswer,
): WitnessAnswer {
  const { cluster_id: cluster, revision } = fields(header)
  if (typeof cluster !== 'string' || typeof revision !== 'string') return STRANGE
  return next({ cluster, revision })
}

/** @param kvs  missing where there is no record */
function readingOf(kvs: unknown): WitnessReading | null {
  if (kvs === undefined) return { revision: '0', text: '', entry: null }
  const { mod_revision: revision, value } = fields(Array.isArray(kvs) ? kvs[0] : null)
  if (typeof revision !== 'string') return null
  const text = typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : ''
  return { revision, text, entry: entryOf(text) }
}

function textOf({ node, boot, number }: WitnessEntry): string {
  return JSON.stringify({ node, boot, number })
}

function entryOf(text: string): WitnessEntry | null {
  let found: Record<string, unknown>
  try {
    found = fields(JSON.parse(text))
  } catch {
    return null
  }
  const { node, boot, number } = found
  if ((node !== 'sp1' && node !== 'sp2') || typeof boot !== 'string') return null
  return typeof number === 'number' ? { node, boot, number } : null
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
