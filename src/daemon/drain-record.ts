/**
 * Does an operator want the pair drained? Kept on this node's disk, so that it outlives its agent.
 *
 * Each node keeps it; what one of them lost, the other tells it again.
 */
import { join } from 'node:path'
import { type DrainWord, NO_WORD } from '../core/drain.ts'
import { readWholeFile, replaceFile } from '../system/file.ts'

const SCHEMA = 1
const MODE = 0o600
const MAX_BYTES = 1_024

export class DrainRecord {
  readonly #path: string

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'drain.json')
  }

  /** @returns the word; and why the file could not be used, null when it could or there is none */
  async read(): Promise<{ word: DrainWord; trouble: string | null }> {
    const file = await readWholeFile(this.#path, { maxBytes: MAX_BYTES })
    if (!file.ok) {
      return { word: NO_WORD, trouble: file.code === 'HA_FILE_MISSING' ? null : file.message }
    }
    try {
      const { schema, count, drained } = JSON.parse(file.bytes.toString('utf8'))
      if (schema === SCHEMA && Number.isSafeInteger(count) && typeof drained === 'boolean') {
        return { word: { count, drained }, trouble: null }
      }
    } catch {
      // Told below.
    }
    return { word: NO_WORD, trouble: `${this.#path} is not as we write it` }
  }

  /** @returns why it could not be kept; null when it is on disk */
  async write({ count, drained }: DrainWord): Promise<string | null> {
    const text = `${JSON.stringify({ schema: SCHEMA, count, drained })}\n`
    const done = await replaceFile(this.#path, text, { mode: MODE })
    return done.ok ? null : done.message
  }
}
