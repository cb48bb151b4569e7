/**
 * Which password stands in a file? One line, readable by its owner alone.
 */
import { readPrivateFile } from './file.ts'

const MAX_BYTES = 1024

export type PasswordRead = { ok: true; password: string } | { ok: false; message: string }

/** Reads it without the end of its line; the message of a failure names the file and nothing in it. */
export async function readPassword(path: string): Promise<PasswordRead> {
  const read = await readPrivateFile(path, { maxBytes: MAX_BYTES })
  if (!read.ok) return { ok: false, message: read.message }
  return { ok: true, password: read.bytes.toString('utf8').replace(/\r?\n$/, '') }
}
