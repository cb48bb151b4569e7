/**
 * Whose is the terminal while a command shows one screen? The door to it: keys, size, the other screen, and the
 * old one back whatever ends the program.
 */
import type { ReadStream, WriteStream } from 'node:tty'

export interface Terminal {
  size(): { columns: number; rows: number }
  /**
   * Takes the terminal until `close`.
   *
   * @param onKey  what a key sends; `\u0003` (Ctrl-C) also for a signal that asks to end
   * @returns whether keys are heard: not where the input is no terminal
   */
  open(onKey: (key: string) => void, onResize: () => void): boolean
  /** Replaces the whole screen; lines are no wider than it. */
  draw(lines: readonly string[]): void
  close(): void
}

export const CTRL_C = '\u0003'

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[H\u001b[2J'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Null when standard output is no terminal that can place its cursor.
 *
 * @param input  opened only with the screen: looking at standard input changes it
 */
export function terminalOf(
  input: () => ReadStream,
  output: WriteStream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal | null {
  const { TERM: kind = 'dumb' } = env
  return output.isTTY && kind !== 'dumb' ? new RealTerminal(input, output) : null
}

class RealTerminal implements Terminal {
  readonly #inputOf: () => ReadStream
  readonly #output: WriteStream
  #restore: (() => void) | null = null

  constructor(input: () => ReadStream, output: WriteStream) {
    this.#inputOf = input
    this.#output = output
  }

  /** Some terminals say 0 for what they do not know. */
  size(): { columns: number; rows: number } {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 }
  }

  open(onKey: (key: string) => void, onResize: () => void): boolean {
    const input = this.#inputOf()
    const heard = (data: Buffer): void => {
      const keys = data.toString('latin1')
      // Arrows and the like send an escape and letters that nobody typed.
      if (!keys.startsWith('\u001b')) for (const key of keys) onKey(key)
    }
    const ended = (): void => onKey(CTRL_C)
    const restore = (): void => this.close()
    for (const signal of ENDING) process.on(signal, ended)
    process.on('exit', restore)
    // Stopped and continued, the screen is no longer ours alone.
    process.on('SIGCONT', onResize)
    this.#output.on('resize', onResize)
    if (input.isTTY) {
      input.setRawMode(true)
      input.on('data', heard)
      input.resume()
    }
    this.#output.write(ENTER)
    this.#restore = () => {
      for (const signal of ENDING) process.off(signal, ended)
      process.off('exit', restore)
      process.off('SIGCONT', onResize)
      this.#output.off('resize', onResize)
      if (input.isTTY) {
        input.off('data', heard)
        input.setRawMode(false)
        input.pause()
      }
      this.#output.write(LEAVE)
    }
    return input.isTTY
  }

  draw(lines: readonly string[]): void {
    // Each line is erased before it is written: after it, the cursor still stands on its last letter. What knows
    // synchronized output (mode 2026) shows nothing in between.
    const body = lines.map((line) => `\u001b[K${line}`).join('\r\n')
    this.#output.write(`\u001b[?2026h\u001b[H${body}\u001b[J\u001b[?2026l`)
  }

  close(): void {
    const restore = this.#restore
    this.#restore = null
    restore?.()
  }
}
