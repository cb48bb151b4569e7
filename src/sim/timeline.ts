/**
 * What happens next? Happenings in the order of virtual time; ties in the order they were planned.
 */
interface Planned {
  atMs: number
  order: number
  run: () => void
}

export class Timeline {
  readonly #heap: Planned[] = []
  #planned = 0
  #nowMs = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** Plans a happening `delayMs` from now; never in the past. */
  after(delayMs: number, run: () => void): void {
    const heap = this.#heap
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#planned, run }
    this.#planned += 1
    heap.push(entry)
    let index = heap.length - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent] as Planned
      if (!before(entry, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = entry
  }

  /** Lets everything happen up to `untilMs`, then stands there. */
  runUntil(untilMs: number): void {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined || first.atMs > untilMs) break
      this.#removeFirst()
      this.#nowMs = first.atMs
      first.run()
    }
    this.#nowMs = untilMs
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop() as Planned
    const size = heap.length
    if (size === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= size) break
      const right = child + 1
      if (right < size && before(heap[right] as Planned, heap[child] as Planned)) child = right
      const smaller = heap[child] as Planned
      if (!before(smaller, last)) break
      heap[index] = smaller
      index = child
    }
    heap[index] = last
  }
}

function before(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
