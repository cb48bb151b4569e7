/**
 * `tandem status --watch` on a terminal: one screen that stays true.
 *
 * Asking and drawing go their own ways: an agent that does not answer must not keep the screen from saying so.
 * An answer that never came is asked for again; the screen tells for how long there was no word.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AskFailure, type ControlClient, controlClient } from '../control/client.ts'
import type { StatusDocument, TransitionRecord } from '../control/schema.ts'
import type { Io } from './command.ts'
import { glyphsFor, paintLine } from './line.ts'
import { paintFor } from './paint.ts'
import { CTRL_C, type Terminal } from './terminal.ts'
import { Changes } from './watch-facts.ts'
import { screen } from './watch-screen.ts'

/** Two looks a second: a quick switchover is seen, and the agent hardly notices. */
const INTERVAL_MS = 500
/** More than fit on any screen. */
const TRANSITIONS_MAX = 60
/** Longer without an answer counts as none, and is asked for again. */
const ANSWER_LIMIT_MS = 2_000

/**
 * Watches until a key ends it, or so many questions were asked.
 *
 * @returns the failure of the last question, to be told after the screen was given back; null: it was answered
 */
export async function watch(
  io: Io,
  terminal: Terminal,
  where: { runDir: string; limitMs: number; count: number },
): Promise<AskFailure | null> {
  const watching = new Watching(io, terminal)
  const ended = new Promise<void>((resolve) => watching.open(resolve))
  try {
    await Promise.race([ended, watching.follow(where)])
  } finally {
    watching.close()
  }
  return watching.failure
}

class Watching {
  readonly #io: Io
  readonly #terminal: Terminal
  readonly #changes = new Changes()
  readonly #over = new AbortController()
  #status: StatusDocument | null = null
  #transitions: readonly TransitionRecord[] = []
  #answeredMs = performance.now()
  #keys = false
  #timer: NodeJS.Timeout | undefined
  failure: AskFailure | null = null

  constructor(io: Io, terminal: Terminal) {
    this.#io = io
    this.#terminal = terminal
  }

  open(onEnd: () => void): void {
    const onKey = (key: string): void => {
      if (key === 'q' || key === CTRL_C) onEnd()
      if (key === 'c') this.#changes.forget()
      this.#draw()
    }
    this.#keys = this.#terminal.open(onKey, () => this.#draw())
    this.#draw()
    this.#timer = setInterval(() => this.#draw(), INTERVAL_MS)
  }

  close(): void {
    this.#over.abort()
    clearInterval(this.#timer)
    this.#terminal.close()
  }

  async follow(where: { runDir: string; limitMs: number; count: number }): Promise<void> {
    const client = controlClient(where.runDir)
    const limitMs = Math.min(where.limitMs, ANSWER_LIMIT_MS)
    const { signal } = this.#over
    for (let asked = 1; ; asked += 1) {
      await this.#ask(client, limitMs)
      if (asked >= where.count || signal.aborted) return
      await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async #ask(client: ControlClient, limitMs: number): Promise<void> {
    const answer = await client.status(limitMs)
    const before = this.#status
    const backAgain = this.failure !== null
    this.failure = answer.ok ? null : answer
    if (!answer.ok) return this.#draw()
    this.#status = answer.value
    this.#answeredMs = performance.now()
    this.#changes.update(answer.value)
    if (before === null || backAgain || isNews(before, answer.value)) {
      const history = await client.history(TRANSITIONS_MAX, limitMs)
      if (history.ok) this.#transitions = history.value.transitions
    }
    this.#draw()
  }

  #draw(): void {
    if (this.#over.signal.aborted) return
    const lines = screen({
      status: this.#status,
      transitions: this.#transitions,
      changes: this.#changes,
      ageMs: performance.now() - this.#answeredMs,
      trouble: this.failure?.message ?? null,
      ...this.#terminal.size(),
      glyphs: glyphsFor(this.#io.env),
      keys: this.#keys,
    })
    const paint = paintFor(this.#io)
    this.#terminal.draw(lines.map((line) => paintLine(line, paint)))
  }
}

function isNews(before: StatusDocument, now: StatusDocument): boolean {
  return before.lastTransition?.atIso !== now.lastTransition?.atIso
}
