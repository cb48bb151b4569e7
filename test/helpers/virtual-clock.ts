/** Virtual time: what waits goes on in the order of its moments. */
export class VirtualClock {
  nowMs = 0
  #waiting: { atMs: number; go: () => void }[] = []

  wait = (ms: number): Promise<void> =>
    new Promise((go) => this.#waiting.push({ atMs: this.nowMs + ms, go }))

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms
    await turns()
    for (;;) {
      this.#waiting.sort((one, other) => one.atMs - other.atMs)
      const next = this.#waiting[0]
      if (next === undefined || next.atMs > endMs) break
      this.#waiting.shift()
      this.nowMs = next.atMs
      next.go()
      await turns()
    }
    this.nowMs = endMs
  }
}

/** Long enough for whatever follows from one thing without waiting. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve()
}
