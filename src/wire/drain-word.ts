/**
 * How does a node tell the peer whether an operator wants the pair drained? One small datagram beside the
 * heartbeats, now and then.
 *
 * | offset | size | field                                                  |
 * | -----: | ---: | ------------------------------------------------------ |
 * |      0 |    4 | magic `TNDW`                                           |
 * |      4 |    1 | version, 1                                             |
 * |      5 |    1 | id of the key that signed, 1 to 255                    |
 * |      6 |    2 | length of the whole datagram in bytes, 48              |
 * |      8 |    1 | node: 1 `sp1`, 2 `sp2`                                 |
 * |      9 |    1 | 1: the pair is to be drained, 0: it is not             |
 * |     10 |    6 | count of the word                                      |
 * |     16 |   32 | HMAC-SHA256 over everything before it                  |
 *
 * Big endian. A recording harms nobody: a word with a lower count than the one that is known is an old one,
 * whoever brings it.
 */
import { timingSafeEqual } from 'node:crypto'
import type { DrainWord } from '../core/drain.ts'
import type { NodeName } from '../core/policy.ts'
import { type PairKey, signatureOf } from './key.ts'

const MAGIC = 0x544e_4457
const VERSION = 1
const BODY_BYTES = 16
const WHOLE_BYTES = 48
const U48_MAX = 0xffff_ffff_ffff
const NODES: readonly NodeName[] = ['sp1', 'sp2']

/** Whether a datagram means to be such a word; nothing is proven by that. */
export function isDrainWord(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === MAGIC
}

/** @throws RangeError when the count does not fit: our mistake */
export function encodeDrainWord(node: NodeName, word: DrainWord, key: PairKey): Buffer {
  const bytes = Buffer.alloc(WHOLE_BYTES)
  bytes.writeUInt32BE(MAGIC, 0)
  bytes[4] = VERSION
  bytes[5] = key.id
  bytes.writeUInt16BE(WHOLE_BYTES, 6)
  bytes[8] = NODES.indexOf(node) + 1
  bytes[9] = word.drained ? 1 : 0
  bytes.writeUIntBE(word.count, 10, 6)
  signatureOf(bytes.subarray(0, BODY_BYTES), key).copy(bytes, BODY_BYTES)
  return bytes
}

/**
 * Reads one; never throws.
 *
 * @param keys  every key that is accepted
 * @returns null when it is none of the pair
 */
export function decodeDrainWord(
  bytes: Buffer,
  keys: readonly PairKey[],
): { node: NodeName; word: DrainWord } | null {
  if (bytes.length !== WHOLE_BYTES || !isDrainWord(bytes)) return null
  if (bytes[4] !== VERSION || bytes.readUInt16BE(6) !== WHOLE_BYTES) return null
  const key = keys.find(({ id }) => id === bytes[5])
  if (key === undefined) return null
  const signature = signatureOf(bytes.subarray(0, BODY_BYTES), key)
  if (!timingSafeEqual(signature, bytes.subarray(BODY_BYTES))) return null
  const node = NODES[bytes.readUInt8(8) - 1]
  const count = bytes.readUIntBE(10, 6)
  // The last count would leave no room for an operator's next word.
  if (node === undefined || count === 0 || count === U48_MAX) return null
  return { node, word: { count, drained: bytes[9] === 1 } }
}
