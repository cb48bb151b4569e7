/**
 * An application that writes all the time and remembers what was confirmed to it.
 *
 * Rows with keys of their own at an even pace, whatever comes back. It goes where `target` says, as
 * clients go to a floating IP. What was confirmed must be found afterwards; what was refused or got
 * no answer may or may not be there.
 */
import type { Connection } from 'mysql2/promise'
import type { MariadbServer } from './mariadb-server.ts'

const CONNECTIONS = 8
/** Connecting anew after an error, at most this often per connection. */
const RETRY_MS = 5

export class Writer {
  readonly acked: number[] = []
  failed = 0
  /** Longest time between two confirmations, in ms. */
  stallMs = 0
  target: MariadbServer
  readonly #perSecond: number
  #next: number
  #running = true
  #lastMs = performance.now()
  #workers: Promise<void>[] = []
  #waiting = 0
  #wake: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(target: MariadbServer, perSecond: number, firstId = 1_000_000) {
    this.target = target
    this.#perSecond = perSecond
    this.#next = firstId
  }

  start(): this {
    const startMs = performance.now()
    let issued = 0
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) / 1000) * this.#perSecond)
      // What cannot be written in time is not saved up: an open pace with a bounded queue.
      this.#waiting = Math.min(200, this.#waiting + due - issued)
      issued = due
      for (const wake of this.#wake.splice(0)) wake()
    }, 4)
    this.#workers = Array.from({ length: CONNECTIONS }, () => this.#work())
    return this
  }

  async stop(): Promise<void> {
    this.#running = false
    clearInterval(this.#timer)
    for (const wake of this.#wake.splice(0)) wake()
    await Promise.all(this.#workers)
  }

  /** Confirmed and not there. */
  async lostOn(server: MariadbServer): Promise<number[]> {
    const rows = await server.root(['SELECT id FROM app.t'])
    const present = new Set(rows.map((row) => row['id'] as number))
    return this.acked.filter((id) => !present.has(id))
  }

  async #work(): Promise<void> {
    let connection: Connection | null = null
    let at: MariadbServer | null = null
    while (this.#running) {
      if (this.#waiting <= 0) {
        await new Promise<void>((done) => this.#wake.push(done))
        continue
      }
      this.#waiting -= 1
      const id = this.#next
      this.#next += 1
      try {
        if (connection === null || at !== this.target) {
          connection?.destroy()
          at = this.target
          connection = await at.application()
        }
        await within(connection.query(`INSERT INTO app.t VALUES (${id}, 'w')`), 6000)
        const nowMs = performance.now()
        this.stallMs = Math.max(this.stallMs, nowMs - this.#lastMs)
        this.#lastMs = nowMs
        this.acked.push(id)
      } catch {
        this.failed += 1
        connection?.destroy()
        connection = null
        await new Promise((done) => setTimeout(done, RETRY_MS))
      }
    }
    connection?.destroy()
  }
}

async function within(work: Promise<unknown>, limitMs: number): Promise<void> {
  work.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), limitMs)
  })
  try {
    await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
