/**
 * How is a heartbeat written down?
 *
 * One datagram, fixed layout, big endian. It says everything anew, so any one of them may be lost.
 *
 * | offset | size | field                                                         | since |
 * | -----: | ---: | ------------------------------------------------------------- | ----- |
 * |      0 |    4 | magic `TNDM`                                                  | 1 |
 * |      4 |    1 | version, 1: raised when an older node could not read the rest | 1 |
 * |      5 |    1 | id of the key that signed, 1 to 255                           | 1 |
 * |      6 |    2 | length of the whole datagram in bytes, 108 to 512             | 1 |
 * |      8 |    1 | node: 1 `sp1`, 2 `sp2`                                        | 1 |
 * |      9 |    1 | role: index into ROLES                                        | 1 |
 * |     10 |    2 | flags, see FLAGS; the bits above are sent as 0 and ignored    | 1 |
 * |     12 |    1 | ping score, 0 to 31                                           | 1 |
 * |     13 |    1 | ask: 0 none, 1 `sp1`, 2 `sp2`                                 | 1 |
 * |     14 |    2 | sent as 0, ignored                                            | 1 |
 * |     16 |    8 | boot                                                          | 1 |
 * |     24 |    8 | ackBoot, zeros without the flag `acknowledges`                | 1 |
 * |     32 |    8 | digest of what both nodes must have alike                     | 1 |
 * |     40 |    6 | seq, from 1                                                   | 1 |
 * |     46 |    6 | term                                                          | 1 |
 * |     52 |    6 | ackSeq                                                        | 1 |
 * |     58 |    6 | position: term of its history                                 | 1 |
 * |     64 |    8 | position: offset, below 2^53                                  | 1 |
 * |     72 |    4 | heardAgo in microseconds, rounded down                        | 1 |
 * |     76 |    n | sections that are appended, for people: `section.ts`          | 1 |
 * | length - 32 | 32 | HMAC-SHA256 (RFC 2104) over everything before it           | 1 |
 *
 * The HMAC is not shortened: 16 bytes less would gain nothing on a LAN. It covers what is appended,
 * so a node that does not know those fields still knows that the peer wrote them. It proves who
 * wrote, not when: replays are judged by the core (PROTOCOL, B1, B2).
 */
import { timingSafeEqual } from 'node:crypto'
import type { Heartbeat, Role } from '../core/heartbeat.ts'
import type { NodeName } from '../core/policy.ts'
import { type PairKey, signatureOf } from './key.ts'

const MAGIC = 0x544e444d
const VERSION = 1
const BODY_BYTES = 76
const HMAC_BYTES = 32

/** A datagram with nothing appended. */
export const HEARTBEAT_BYTES = BODY_BYTES + HMAC_BYTES
/** Longer than any later release may grow; far below every MTU. */
export const HEARTBEAT_MAX_BYTES = 512
/** Room for sections behind the body. */
export const APPENDED_MAX_BYTES = HEARTBEAT_MAX_BYTES - HEARTBEAT_BYTES
const NOTHING = new Uint8Array(0)

const ROLES: readonly Role[] = ['standby', 'elect', 'take', 'active', 'demoting']
const NODES: readonly NodeName[] = ['sp1', 'sp2']

const FLAGS = {
  want: 0x0001,
  able: 0x0002,
  majority: 0x0004,
  hears: 0x0008,
  direct: 0x0010,
  grant: 0x0020,
  sync: 0x0040,
  inSync: 0x0080,
  sole: 0x0100,
  avoid: 0x0200,
  healthy: 0x0400,
  maintenance: 0x0800,
  acknowledges: 0x1000,
  positionUnknown: 0x2000,
} as const

const U32 = 0x1_0000_0000
const U48_MAX = 0xffff_ffff_ffff
const SCORE_MAX = 31

/** Why a datagram is not a heartbeat. In the order in which it is looked at, cheapest first. */
export type RejectReason = 'short' | 'magic' | 'version' | 'length' | 'key' | 'hmac' | 'field'

export const REJECT_REASONS: readonly RejectReason[] = [
  'short',
  'magic',
  'version',
  'length',
  'key',
  'hmac',
  'field',
]

export type HeartbeatRead = { ok: true; heartbeat: Heartbeat } | { ok: false; reason: RejectReason }

/**
 * Writes and signs a heartbeat.
 *
 * @param appended  sections behind the body, at most `APPENDED_MAX_BYTES`; copied
 * @returns a buffer of its own, 108 bytes and what is appended
 * @throws RangeError when a field does not fit its place: our mistake, never the network's
 */
export function encodeHeartbeat(
  heartbeat: Heartbeat,
  key: PairKey,
  appended: Uint8Array = NOTHING,
): Buffer {
  const appendedBytes = place('appended', appended.length, APPENDED_MAX_BYTES)
  const bytes = Buffer.alloc(HEARTBEAT_BYTES + appendedBytes)
  bytes.writeUInt32BE(MAGIC, 0)
  bytes[4] = VERSION
  bytes[5] = key.id
  bytes.writeUInt16BE(bytes.length, 6)
  bytes[8] = codeOf(heartbeat.node)
  bytes[9] = place('role', ROLES.indexOf(heartbeat.role), ROLES.length - 1)
  bytes.writeUInt16BE(flagsOf(heartbeat), 10)
  bytes[12] = place('score', heartbeat.score, SCORE_MAX)
  bytes[13] = heartbeat.ask === null ? 0 : codeOf(heartbeat.ask)
  writeHex(bytes, 'boot', heartbeat.boot, 16)
  if (heartbeat.ackBoot !== null) writeHex(bytes, 'ackBoot', heartbeat.ackBoot, 24)
  writeHex(bytes, 'digest', heartbeat.digest, 32)
  bytes.writeUIntBE(place('seq', heartbeat.seq, U48_MAX), 40, 6)
  bytes.writeUIntBE(place('term', heartbeat.term, U48_MAX), 46, 6)
  bytes.writeUIntBE(place('ackSeq', heartbeat.ackSeq, U48_MAX), 52, 6)
  bytes.writeUIntBE(place('position.term', heartbeat.position.term, U48_MAX), 58, 6)
  const offset = place('position.offset', heartbeat.position.offset, Number.MAX_SAFE_INTEGER)
  bytes.writeUInt32BE(Math.floor(offset / U32), 64)
  bytes.writeUInt32BE(offset % U32, 68)
  bytes.writeUInt32BE(microseconds(heartbeat.heardAgoMs), 72)
  bytes.set(appended, BODY_BYTES)
  const signedBytes = BODY_BYTES + appendedBytes
  sign(bytes, signedBytes, key).copy(bytes, signedBytes)
  return bytes
}

/** What is appended to a heartbeat that was read; empty when nothing is. A view, not a copy. */
export function appendedTo(datagram: Buffer): Buffer {
  return datagram.subarray(BODY_BYTES, datagram.length - HMAC_BYTES)
}

/**
 * Reads a datagram from the network. Never throws; anything that is not a heartbeat of the pair is a
 * value with a reason.
 *
 * @param bytes  exactly one datagram; not kept
 * @param keys   every key that is accepted
 */
export function decodeHeartbeat(bytes: Uint8Array, keys: readonly PairKey[]): HeartbeatRead {
  if (bytes.length < HEARTBEAT_BYTES) return REJECTED.short
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.readUInt32BE(0) !== MAGIC) return REJECTED.magic
  if (view[4] !== VERSION) return REJECTED.version
  if (view.length > HEARTBEAT_MAX_BYTES || view.readUInt16BE(6) !== view.length)
    return REJECTED.length
  const key = keys.find((candidate) => candidate.id === view[5])
  if (key === undefined) return REJECTED.key
  const signedBytes = view.length - HMAC_BYTES
  if (!timingSafeEqual(sign(view, signedBytes, key), view.subarray(signedBytes)))
    return REJECTED.hmac
  const heartbeat = readFields(view)
  return heartbeat === null ? REJECTED.field : { ok: true, heartbeat }
}

/** One value per reason, made once: a flood of garbage must not make garbage of ours. */
const REJECTED = {
  short: { ok: false, reason: 'short' },
  magic: { ok: false, reason: 'magic' },
  version: { ok: false, reason: 'version' },
  length: { ok: false, reason: 'length' },
  key: { ok: false, reason: 'key' },
  hmac: { ok: false, reason: 'hmac' },
  field: { ok: false, reason: 'field' },
} as const satisfies Record<RejectReason, HeartbeatRead>

function readFields(view: Buffer): Heartbeat | null {
  const node = NODES[view.readUInt8(8) - 1]
  const role = ROLES[view.readUInt8(9)]
  const flags = view.readUInt16BE(10)
  const score = view.readUInt8(12)
  const askCode = view.readUInt8(13)
  const ask = askCode === 0 ? null : NODES[askCode - 1]
  const seq = view.readUIntBE(40, 6)
  const ackSeq = view.readUIntBE(52, 6)
  const offset = view.readUInt32BE(64) * U32 + view.readUInt32BE(68)
  const acknowledges = (flags & FLAGS.acknowledges) !== 0
  if (node === undefined || role === undefined || ask === undefined) return null
  if (score > SCORE_MAX || seq === 0 || !Number.isSafeInteger(offset)) return null
  if (!acknowledges && ackSeq !== 0) return null
  return {
    node,
    boot: view.toString('hex', 16, 24),
    seq,
    term: view.readUIntBE(46, 6),
    role,
    want: (flags & FLAGS.want) !== 0,
    able: (flags & FLAGS.able) !== 0,
    score,
    majority: (flags & FLAGS.majority) !== 0,
    hears: (flags & FLAGS.hears) !== 0,
    ackBoot: acknowledges ? view.toString('hex', 24, 32) : null,
    ackSeq,
    heardAgoMs: view.readUInt32BE(72) / 1000,
    direct: (flags & FLAGS.direct) !== 0,
    grant: (flags & FLAGS.grant) !== 0,
    position: { term: view.readUIntBE(58, 6), offset },
    positionUnknown: (flags & FLAGS.positionUnknown) !== 0,
    sync: (flags & FLAGS.sync) !== 0,
    inSync: (flags & FLAGS.inSync) !== 0,
    sole: (flags & FLAGS.sole) !== 0,
    avoid: (flags & FLAGS.avoid) !== 0,
    ask,
    digest: view.toString('hex', 32, 40),
    healthy: (flags & FLAGS.healthy) !== 0,
    maintenance: (flags & FLAGS.maintenance) !== 0,
  }
}

function flagsOf(heartbeat: Heartbeat): number {
  return (
    (heartbeat.want ? FLAGS.want : 0) |
    (heartbeat.able ? FLAGS.able : 0) |
    (heartbeat.majority ? FLAGS.majority : 0) |
    (heartbeat.hears ? FLAGS.hears : 0) |
    (heartbeat.direct ? FLAGS.direct : 0) |
    (heartbeat.grant ? FLAGS.grant : 0) |
    (heartbeat.positionUnknown ? FLAGS.positionUnknown : 0) |
    (heartbeat.sync ? FLAGS.sync : 0) |
    (heartbeat.inSync ? FLAGS.inSync : 0) |
    (heartbeat.sole ? FLAGS.sole : 0) |
    (heartbeat.avoid ? FLAGS.avoid : 0) |
    (heartbeat.healthy ? FLAGS.healthy : 0) |
    (heartbeat.maintenance ? FLAGS.maintenance : 0) |
    (heartbeat.ackBoot === null ? 0 : FLAGS.acknowledges)
  )
}

function sign(bytes: Buffer, signedBytes: number, key: PairKey): Buffer {
  return signatureOf(bytes.subarray(0, signedBytes), key)
}

/**
 * Rounded down, and never above what the field holds: B2 subtracts it from a round trip, so a value
 * that is too large would make a heartbeat look fresher than it is.
 */
function microseconds(ms: number): number {
  if (Number.isNaN(ms) || ms < 0) throw new RangeError(`heartbeat: heardAgoMs is ${ms}`)
  return Math.min(Math.floor(ms * 1000), U32 - 1)
}

function codeOf(node: NodeName): number {
  return place('node', NODES.indexOf(node), NODES.length - 1) + 1
}

function place(field: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new RangeError(`heartbeat: ${field} is ${value}, it must be an integer of 0 to ${max}`)
  return value
}

function writeHex(bytes: Buffer, field: string, text: string, at: number): void {
  if (!/^[0-9a-f]{16}$/.test(text))
    throw new RangeError(`heartbeat: ${field} must be 16 hexadecimal digits`)
  bytes.write(text, at, 'hex')
}
