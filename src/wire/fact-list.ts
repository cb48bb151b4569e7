/**
 * How does a node tell the peer what it runs with, and which alarms it has?
 *
 * A list of the kind `TNDF` (`signed-list.ts`). Topic 1 is what both nodes should have alike: topic 2 the
 * alarms that stand. For people: no rule of the protocol reads it. Fingerprints only, never contents.
 *
 * A fact: kind (1, index into KINDS from 1), name (2 + n, UTF-8), fingerprint (8), and a second
 * fingerprint (8) of the same thing with what names this node taken out; facts are alike when either is.
 */
import type { PairKey } from './key.ts'
import {
  hasMagic,
  LIST_BODY_MAX_BYTES,
  type ListHead,
  type ListPartHead,
  type ListRejectReason,
  openListPart,
  signList,
} from './signed-list.ts'

const MAGIC = 0x544e_4446
const KINDS = ['version', 'part', 'file', 'setting', 'alarm'] as const
const TOPICS = ['configuration', 'alarms'] as const
const FINGERPRINT_BYTES = 8
/** Longer names are cut: a path of a file that an operator listed is far shorter. */
const NAME_MAX_BYTES = 400

/** Facts in one list: with names of 60 bytes some 40 datagrams. */
export const FACTS_MAX = 600

export type FactTopic = (typeof TOPICS)[number]

export interface Fact {
  readonly kind: (typeof KINDS)[number]
  readonly name: string
  /** 16 hexadecimal digits. */
  readonly fingerprint: string
  /** The same without what names this node; equal to the first where nothing does. */
  readonly neutral: string
}

export interface FactPart extends Omit<ListPartHead, 'topic'> {
  readonly topic: FactTopic
  readonly facts: readonly Fact[]
}

export type FactPartRead = { ok: true; part: FactPart } | { ok: false; reason: ListRejectReason }

/** Whether a datagram means to be a part of a list of facts; nothing is proven by that. */
export function isFactList(bytes: Buffer): boolean {
  return hasMagic(bytes, MAGIC)
}

/**
 * @param facts  at most FACTS_MAX; the rest is left out
 * @returns at least one datagram: an empty list is one that says so
 */
export function encodeFactList(
  head: ListHead,
  { topic, facts }: { topic: FactTopic; facts: readonly Fact[] },
  key: PairKey,
): Buffer[] {
  const bodies: Buffer[] = []
  let body: Buffer[] = []
  let used = 0
  for (const fact of facts.slice(0, FACTS_MAX)) {
    const bytes = encodeFact(fact)
    if (used + bytes.length > LIST_BODY_MAX_BYTES) {
      bodies.push(Buffer.concat(body))
      body = []
      used = 0
    }
    body.push(bytes)
    used += bytes.length
  }
  if (body.length > 0 || bodies.length === 0) bodies.push(Buffer.concat(body))
  const number = TOPICS.indexOf(topic) + 1
  return signList({ ...head, topic: number }, { magic: MAGIC, bodies, name: 'fact list' }, key)
}

/** Reads one datagram of a list. Never throws; what is none of the pair is a value with a reason. */
export function decodeFactList(bytes: Uint8Array, keys: readonly PairKey[]): FactPartRead {
  const read = openListPart(bytes, MAGIC, keys)
  if (!read.ok) return read
  const { topic: number, ...head } = read.head
  const topic = TOPICS[number - 1]
  const facts = readFacts(read.body)
  if (topic === undefined || facts === null) return { ok: false, reason: 'field' }
  return { ok: true, part: { ...head, topic, facts } }
}

function encodeFact({ kind, name, fingerprint, neutral }: Fact): Buffer {
  const text = Buffer.from(name, 'utf8').subarray(0, NAME_MAX_BYTES)
  const bytes = Buffer.alloc(3 + text.length + 2 * FINGERPRINT_BYTES)
  bytes[0] = KINDS.indexOf(kind) + 1
  bytes.writeUInt16BE(text.length, 1)
  text.copy(bytes, 3)
  bytes.write(fingerprint, 3 + text.length, FINGERPRINT_BYTES, 'hex')
  bytes.write(neutral, 3 + text.length + FINGERPRINT_BYTES, FINGERPRINT_BYTES, 'hex')
  return bytes
}

/** @returns null when the bytes are not whole facts to the end; kinds we do not know are passed over */
function readFacts(bytes: Buffer): Fact[] | null {
  const facts: Fact[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + 3 > bytes.length) return null
    const nameAt = at + 3
    const firstAt = nameAt + bytes.readUInt16BE(at + 1)
    const secondAt = firstAt + FINGERPRINT_BYTES
    const end = secondAt + FINGERPRINT_BYTES
    if (end > bytes.length) return null
    const kind = KINDS[bytes.readUInt8(at) - 1]
    if (kind !== undefined) {
      const name = bytes.toString('utf8', nameAt, firstAt)
      const fingerprint = bytes.toString('hex', firstAt, secondAt)
      facts.push({ kind, name, fingerprint, neutral: bytes.toString('hex', secondAt, end) })
    }
    at = end
  }
  return facts
}
