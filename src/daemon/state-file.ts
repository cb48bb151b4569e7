/**
 * How does `check-active` learn the truth without asking us? One line in a file on tmpfs.
 *
 * Overwritten in place by the heart at every tick: one system call into the page cache, no rename,
 * no disk. It carries the moment up to which it holds, on the kernel's clock, so a line left by a
 * dead or frozen agent stops being true by itself. How it is written: `wire/state-line.ts`.
 */
import { closeSync, openSync, writeSync } from 'node:fs'

export class StateFile {
  readonly #descriptor: number

  /** @throws Error with a `code` when the file cannot be made */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'w', 0o644)
  }

  write(line: Buffer): void {
    try {
      writeSync(this.#descriptor, line, 0, line.length, 0)
    } catch {
      // A full or vanished tmpfs must not touch the heart; the line goes stale and says so.
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
