/**
 * How are the few fields that survive a reboot written down?
 *
 * Two slots in one file of fixed size, written in turn: a write that is torn by a power cut leaves
 * the other slot whole, and nothing needs room on the disk once the file exists, so a full disk
 * cannot keep a node from being elected.
 *
 * One slot, little-endian, 64 bytes, at offset 0 and 4096:
 *
 * | offset | size | field                                    |
 * | ------ | ---- | ---------------------------------------- |
 * | 0      | 8    | "TANDEMHS"                               |
 * | 8      | 4    | version, 1                               |
 * | 12     | 4    | flags: bit 0 `sole`                      |
 * | 16     | 8    | counter, the higher slot is the newer    |
 * | 24     | 8    | term                                     |
 * | 32     | 32   | SHA-256 of the bytes before              |
 */
import { createHash } from 'node:crypto'
import type { HardState } from '../core/state.ts'

const MAGIC = 'TANDEMHS'
const VERSION = 1
const SLOT_SIZE = 64
/** One slot a disk block, so that a torn write never touches both. */
export const SLOT_STRIDE = 4096
export const FILE_SIZE = 2 * SLOT_STRIDE

export interface Slot {
  counter: number
  hard: HardState
}

/** @param counter  one above that of the slot before; its parity says where it is written */
export function encodeSlot(slot: Slot): Buffer {
  const bytes = Buffer.alloc(SLOT_SIZE)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt32LE(VERSION, 8)
  bytes.writeUInt32LE(slot.hard.sole ? 1 : 0, 12)
  bytes.writeBigUInt64LE(BigInt(slot.counter), 16)
  bytes.writeBigUInt64LE(BigInt(slot.hard.term), 24)
  checksum(bytes).copy(bytes, 32)
  return bytes
}

/** Where a slot is written, in bytes from the beginning of the file. */
export function slotOffset(counter: number): number {
  return (counter % 2) * SLOT_STRIDE
}

/** A file that was made and never written: zeroes only. */
export function isBlank(file: Buffer): boolean {
  return file.every((byte) => byte === 0)
}

/**
 * Reads the newer of the slots that are whole.
 *
 * @returns null when neither is; the file is then lost or corrupt
 */
export function decodeFile(file: Buffer): Slot | null {
  const slots = [decodeSlot(file, 0), decodeSlot(file, SLOT_STRIDE)].filter((slot) => slot !== null)
  return slots.reduce<Slot | null>(
    (newest, slot) => (newest === null || slot.counter > newest.counter ? slot : newest),
    null,
  )
}

function decodeSlot(file: Buffer, offset: number): Slot | null {
  if (file.length < offset + SLOT_SIZE) return null
  const bytes = file.subarray(offset, offset + SLOT_SIZE)
  if (bytes.toString('latin1', 0, 8) !== MAGIC || bytes.readUInt32LE(8) !== VERSION) return null
  if (!checksum(bytes).equals(bytes.subarray(32))) return null
  const term = Number(bytes.readBigUInt64LE(24))
  const counter = Number(bytes.readBigUInt64LE(16))
  if (!Number.isSafeInteger(term) || !Number.isSafeInteger(counter)) return null
  return { counter, hard: { term, sole: (bytes.readUInt32LE(12) & 1) === 1 } }
}

function checksum(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes.subarray(0, 32)).digest()
}
