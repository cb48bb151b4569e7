/**
 * How does a command read and write the key file?
 *
 * With one clear sentence and a mend for everything that can be wrong with it: missing, readable for
 * others, not a key. Nothing that is said contains a secret.
 */
import { dirname } from 'node:path'
import { pathExists, readPrivateFile, replaceFile } from '../system/file.ts'
import { formatKeys, type PairKey, parseKeys } from '../wire/key.ts'

/** A key file holds a few lines. */
const FILE_MAX_BYTES = 4096

/** What a subcommand came to: sentences for the operator, or one error with its mend. */
export type Outcome = { ok: true; lines: string[] } | Refusal

export interface Refusal {
  ok: false
  message: string
  mend: string
}

/** Reads a key file that only its owner may read. The mend of each failure is an order. */
export async function readKeys(
  file: string,
): Promise<{ ok: true; keys: readonly PairKey[] } | Refusal> {
  const content = await readPrivateFile(file, { maxBytes: FILE_MAX_BYTES })
  if (!content.ok) {
    const mends: Partial<Record<typeof content.code, string>> = {
      HA_FILE_MISSING: 'make one with "tandem key new", or copy it from the other node',
      HA_FILE_NOT_PRIVATE: `chown root ${file} && chmod 600 ${file}`,
      HA_FILE_FORBIDDEN: 'run this as root',
    }
    const mend = mends[content.code] ?? 'make it a file that root can read'
    return { ok: false, message: content.message, mend }
  }
  const read = parseKeys(content.bytes.toString('latin1'))
  content.bytes.fill(0)
  if (read.ok) return read
  const line = read.line === 0 ? '' : `, line ${read.line}`
  return { ok: false, message: `${file}${line} ${read.why}`, mend: read.mend }
}

/**
 * Writes the key file and, where asked for, a copy of it to carry to the other node.
 *
 * @returns null when all is written, else what went wrong
 */
export async function writeKeys(
  file: string,
  keys: readonly PairKey[],
  copyTo: string | null,
): Promise<Refusal | null> {
  if (copyTo !== null && (await pathExists(copyTo)))
    return {
      ok: false,
      message: `${copyTo} is there already`,
      mend: 'remove it, or name another file with --write-to',
    }
  const text = formatKeys(keys)
  for (const path of copyTo === null ? [file] : [file, copyTo]) {
    const written = await replaceFile(path, text, { mode: 0o600 })
    if (written.ok) continue
    const directory = dirname(path)
    const mend =
      written.code === 'HA_FILE_MISSING'
        ? `make the directory first: mkdir -p ${directory}`
        : `run this as a user who may write in ${directory}`
    return { ok: false, message: written.message, mend }
  }
  return null
}
