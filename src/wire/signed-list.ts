/**
 * How does a node send the peer what does not fit into a heartbeat?
 *
 * A list in as many datagrams as it takes, each signed and readable by itself, at most 1 200 bytes so
 * that none is fragmented. Big endian.
 *
 * | offset | size | field                                                         |
 * | -----: | ---: | ------------------------------------------------------------- |
 * |      0 |    4 | magic: which kind of list                                     |
 * |      4 |    1 | version, 1                                                    |
 * |      5 |    1 | id of the key that signed, 1 to 255                           |
 * |      6 |    2 | length of the whole datagram in bytes, 64 to 1 200            |
 * |      8 |    1 | node: 1 `sp1`, 2 `sp2`                                        |
 * |      9 |    1 | topic, where the kind has several; else sent as 0, ignored    |
 * |     10 |    1 | part, from 0                                                  |
 * |     11 |    1 | parts of this list, 1 to 255                                  |
 * |     12 |    4 | sent as 0, ignored                                            |
 * |     16 |    8 | boot of the sender, as in its heartbeats                      |
 * |     24 |    6 | number of the list, from 1; a later list has a larger one     |
 * |     30 |    2 | sent as 0, ignored                                            |
 * |     32 |    n | what the kind says                                            |
 * | length - 32 | 32 | HMAC-SHA256 over everything before it                      |
 *
 * The HMAC says who wrote it; boot and number keep recordings out, where they are looked at.
 */
import { timingSafeEqual } from 'node:crypto'
import type { NodeName } from '../core/policy.ts'
import { type PairKey, signatureOf } from './key.ts'

const VERSION = 1
const HEAD_BYTES = 32
const HMAC_BYTES = 32
const PARTS_MAX = 255
const U48_MAX = 0xffff_ffff_ffff
const NODES: readonly NodeName[] = ['sp1', 'sp2']

/** Below the 1 232 bytes that IPv6 carries everywhere (RFC 8200, 5). */
export const LIST_PART_MAX_BYTES = 1200
/** Room for what the kind says in one datagram. */
export const LIST_BODY_MAX_BYTES = LIST_PART_MAX_BYTES - HEAD_BYTES - HMAC_BYTES

export interface ListHead {
  readonly node: NodeName
  /** 16 hexadecimal digits. */
  readonly boot: string
  /** 1 to 2^48 - 1, larger than that of every earlier list of this boot. */
  readonly number: number
}

/** Of one datagram. */
export interface ListPartHead extends ListHead {
  readonly topic: number
  /** 0 to `parts - 1`. */
  readonly part: number
  readonly parts: number
}

/** In the order in which it is looked at, cheapest first. */
export type ListRejectReason = 'short' | 'magic' | 'version' | 'length' | 'key' | 'hmac' | 'field'

export type ListPartRead =
  | { ok: true; head: ListPartHead; body: Buffer }
  | { ok: false; reason: ListRejectReason }

/** Whether a datagram means to be of a kind; nothing is proven by that. */
export function hasMagic(bytes: Buffer, magic: number): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === magic
}

/**
 * Writes and signs a list, a datagram for each body.
 *
 * @param bodies  at least one, each at most LIST_BODY_MAX_BYTES
 * @throws RangeError for a head that does not fit its place, or too many bodies: our mistake
 */
export function signList(
  { node, boot, number, topic = 0 }: ListHead & { topic?: number },
  { magic, bodies, name }: { magic: number; bodies: readonly Buffer[]; name: string },
  key: PairKey,
): Buffer[] {
  if (!Number.isInteger(number) || number < 1 || number > U48_MAX)
    throw new RangeError(`${name}: number is ${number}`)
  if (!/^[0-9a-f]{16}$/.test(boot))
    throw new RangeError(`${name}: boot must be 16 hexadecimal digits`)
  if (bodies.length > PARTS_MAX) throw new RangeError(`${name}: ${bodies.length} parts`)
  return bodies.map((body, part) => {
    const bytes = Buffer.alloc(HEAD_BYTES + body.length + HMAC_BYTES)
    bytes.writeUInt32BE(magic, 0)
    bytes[4] = VERSION
    bytes[5] = key.id
    bytes.writeUInt16BE(bytes.length, 6)
    bytes[8] = NODES.indexOf(node) + 1
    bytes[9] = topic
    bytes[10] = part
    bytes[11] = bodies.length
    bytes.write(boot, 16, 'hex')
    bytes.writeUIntBE(number, 24, 6)
    body.copy(bytes, HEAD_BYTES)
    sign(bytes, key).copy(bytes, bytes.length - HMAC_BYTES)
    return bytes
  })
}

/**
 * Reads one datagram as far as all kinds are alike. Never throws.
 *
 * @param bytes  exactly one datagram; not kept
 * @param keys   every key that is accepted
 */
export function openListPart(
  bytes: Uint8Array,
  magic: number,
  keys: readonly PairKey[],
): ListPartRead {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.length < HEAD_BYTES + HMAC_BYTES) return { ok: false, reason: 'short' }
  if (!hasMagic(view, magic)) return { ok: false, reason: 'magic' }
  if (view[4] !== VERSION) return { ok: false, reason: 'version' }
  if (view.length > LIST_PART_MAX_BYTES || view.readUInt16BE(6) !== view.length)
    return { ok: false, reason: 'length' }
  const key = keys.find((candidate) => candidate.id === view[5])
  if (key === undefined) return { ok: false, reason: 'key' }
  if (!timingSafeEqual(sign(view, key), view.subarray(view.length - HMAC_BYTES)))
    return { ok: false, reason: 'hmac' }
  const node = NODES[view.readUInt8(8) - 1]
  const topic = view.readUInt8(9)
  const part = view.readUInt8(10)
  const parts = view.readUInt8(11)
  const number = view.readUIntBE(24, 6)
  if (node === undefined || part >= parts || number === 0) return { ok: false, reason: 'field' }
  const boot = view.toString('hex', 16, 24)
  const body = view.subarray(HEAD_BYTES, view.length - HMAC_BYTES)
  return { ok: true, head: { node, boot, number, topic, part, parts }, body }
}

function sign(bytes: Buffer, key: PairKey): Buffer {
  return signatureOf(bytes.subarray(0, bytes.length - HMAC_BYTES), key)
}
