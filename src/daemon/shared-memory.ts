/**
 * What do the three threads tell each other without a message? A few numbers in shared memory.
 *
 * Read and written atomically, one writer each; whoever reads an old value acts on it a moment later.
 */

/** Places of the numbers; the carriers follow, one per watched interface. */
const PLACE = {
  /** Raised by the control thread as long as it makes progress. */
  controlProgress: 0,
  /** Raised by the heart with every beat. */
  heartBeat: 1,
  /** Written by the heart: the floating IPs are to be kept on their interfaces. */
  addressesWanted: 2,
  /** Written by the hands: the floating IPs are on their interfaces. */
  addressesPresent: 3,
  /** Raised by the heart with every tick that it decided; one that is stalled beats and decides nothing. */
  ticksDecided: 4,
} as const

const CARRIERS_FROM = 5

export type SharedNumber = keyof typeof PLACE

export class SharedMemory {
  readonly buffer: SharedArrayBuffer
  readonly #numbers: Int32Array

  /** @param buffer  of another thread's `SharedMemory`, or how many carriers a new one holds */
  constructor(buffer: SharedArrayBuffer | number) {
    this.buffer =
      typeof buffer === 'number' ? new SharedArrayBuffer(4 * (CARRIERS_FROM + buffer)) : buffer
    this.#numbers = new Int32Array(this.buffer)
  }

  read(name: SharedNumber): number {
    return Atomics.load(this.#numbers, PLACE[name])
  }

  write(name: SharedNumber, value: number): void {
    Atomics.store(this.#numbers, PLACE[name], value)
  }

  raise(name: SharedNumber): void {
    Atomics.add(this.#numbers, PLACE[name], 1)
  }

  /** The driver said at the last look that this interface has no link. */
  carrierLost(index: number): boolean {
    return Atomics.load(this.#numbers, CARRIERS_FROM + index) === 1
  }

  noteCarrier(index: number, lost: boolean): void {
    Atomics.store(this.#numbers, CARRIERS_FROM + index, lost ? 1 : 0)
  }
}
