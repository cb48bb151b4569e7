/**
 * Where does a node keep what just happened? In a ring of numbers in shared memory.
 *
 * The heart writes, and never waits, allocates or gives anything away; whoever keeps a record copies
 * what it wants from another thread. The writer says how far it will have written before it writes, so
 * a reader sees afterwards whether something was overwritten under its hands. Only entries as a whole
 * are stored: one that does not fit before the end begins at the start, and 0 fills the gap.
 */

/** 2 MiB. Two minutes of the profile `fast` with two paths and three ping nodes, ten of `default`. */
export const RING_SLOTS = 256 * 1024

/** The writer tells its place in steps of so many numbers. */
const BLOCK_SLOTS = 256
const HEAD_BYTES = 8

export class Ring {
  readonly buffer: SharedArrayBuffer
  readonly floats: Float64Array
  readonly #progress: Int32Array
  readonly #slots: number
  #at = 0
  #lap = 0
  #told = 0

  /** @param slots  numbers it holds; a multiple of 256 */
  constructor(slots: number = RING_SLOTS) {
    this.#slots = slots
    this.buffer = new SharedArrayBuffer(HEAD_BYTES + 8 * slots)
    this.floats = new Float64Array(this.buffer, HEAD_BYTES)
    this.#progress = new Int32Array(this.buffer, 0, 1)
  }

  get slots(): number {
    return this.#slots
  }

  /** Numbers written since the start, gaps counted. */
  get position(): number {
    return this.#lap * this.#slots + this.#at
  }

  /** Makes room for one entry. @returns index of its first number in `floats` */
  reserve(slots: number): number {
    if (this.#at + slots > this.#slots) {
      this.#tell(this.#slots)
      this.floats.fill(0, this.#at)
      this.#at = 0
      this.#lap += 1
    }
    const at = this.#at
    this.#at = at + slots
    this.#tell(this.#at)
    return at
  }

  #tell(upTo: number): void {
    const block = this.#lap * (this.#slots / BLOCK_SLOTS) + Math.ceil(upTo / BLOCK_SLOTS)
    if (block === this.#told) return
    this.#told = block
    Atomics.store(this.#progress, 0, block)
  }
}

/**
 * Copies what lies between two positions, from any thread.
 *
 * @returns null when the writer has been there again
 */
export function copyRing(
  buffer: SharedArrayBuffer,
  span: { begin: number; end: number },
): Float64Array | null {
  const floats = new Float64Array(buffer, HEAD_BYTES)
  const slots = floats.length
  const { begin, end } = span
  const copy = new Float64Array(end - begin)
  const first = begin % slots
  const head = Math.min(copy.length, slots - first)
  copy.set(floats.subarray(first, first + head))
  copy.set(floats.subarray(0, copy.length - head), head)
  const written = Atomics.load(new Int32Array(buffer, 0, 1), 0) * BLOCK_SLOTS
  return written - slots > begin ? null : copy
}
