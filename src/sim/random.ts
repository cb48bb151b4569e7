/**
 * Where does chance come from? One seed, one stream of numbers, the same on every machine.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand); quick, and good far beyond our needs.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #count = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 4294967296) | 0
    this.#c = 0x9e3779b9
    for (let i = 0; i < 15; i += 1) this.next()
  }

  /** In [0, 1). */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return (sum >>> 0) / 4294967296
  }

  chance(ratio: number): boolean {
    return ratio > 0 && this.next() < ratio
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** Whole number in [0, count). */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** Short values often, long ones now and then: uniform on a logarithmic scale. */
  spread(low: number, high: number): number {
    return low * (high / low) ** this.next()
  }

  /** 16 hexadecimal digits. */
  hex16(): string {
    return this.#hex8() + this.#hex8()
  }

  #hex8(): string {
    return Math.floor(this.next() * 4294967296)
      .toString(16)
      .padStart(8, '0')
  }
}
