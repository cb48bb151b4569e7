/**
 * Does the operator really want it? A word has to be typed, so that a habit of pressing Enter decides nothing.
 */
import { createInterface } from 'node:readline/promises'
import type { Io } from './command.ts'

/**
 * Asks on the terminal.
 *
 * @param word  what has to be typed: the name of what will happen
 * @returns false also where there is no terminal to ask on
 */
export async function confirmed(word: string, io: Pick<Io, 'stderr'>): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  io.stderr(`\nType "${word}" to begin, anything else not to: `)
  const lines = createInterface({ input: process.stdin })
  try {
    for await (const line of lines) return line.trim() === word
    return false
  } finally {
    lines.close()
  }
}
