/**
 * What does a Redis server's configuration file say, and so the server after its next start?
 *
 * The file and not `CONFIG GET`: that would show the replication passwords to whoever may use it, and
 * of `replicaof` it tells the last command, not what happens at boot. What was changed at run time
 * and not written back is therefore not seen here; INFO tells the more important of those.
 * Words on the server's command line are not seen either.
 *
 * @source  redis.conf of 7.0: the last line of a name wins; names are not case-sensitive
 */
import { isAbsolute } from 'node:path'
import { readWholeFile } from '../system/file.ts'

const CONFIG_MAX_BYTES = 1_000_000

/** Files that include files that include files. */
const INCLUDE_DEPTH_MAX = 4

export interface RedisSettings {
  /** By lower-case name, the words after it; of several lines the last one. */
  values: ReadonlyMap<string, readonly string[]>
  /** Null when everything was read, else what was not. */
  missing: string | null
}

/**
 * Splits configuration text into lines of words.
 *
 * @returns a line with unbalanced quotes is left out: the server would not have started with it
 */
export function parseSettings(text: string): { name: string; words: string[] }[] {
  const lines: { name: string; words: string[] }[] = []
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [name, ...words] = splitWords(line) ?? []
    if (name !== undefined) lines.push({ name: name.toLowerCase(), words })
  }
  return lines
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }

/** As sdssplitargs() does it. */
function splitWords(line: string): string[] | null {
  const words: string[] = []
  let rest = line.trim()
  while (rest !== '') {
    const match = /^"((?:[^"\\]|\\.)*)"(?=\s|$)|^'((?:[^'\\]|\\.)*)'(?=\s|$)|^([^\s"']\S*)/.exec(
      rest,
    )
    if (match === null) return null
    const [whole, double, single, bare] = match
    if (double !== undefined) {
      words.push(
        double.replace(/\\x([0-9a-fA-F]{2})|\\(.)/g, (_, hex: string | undefined, char: string) =>
          hex === undefined
            ? (ESCAPES[char] ?? char)
            : String.fromCharCode(Number.parseInt(hex, 16)),
        ),
      )
    } else if (single !== undefined) {
      words.push(single.replaceAll("\\'", "'"))
    } else {
      words.push(bare!)
    }
    rest = rest.slice(whole.length).trimStart()
  }
  return words
}

/** Reads a configuration file with what it includes. */
export async function readSettings(path: string): Promise<RedisSettings> {
  const values = new Map<string, readonly string[]>()
  const missing: string[] = []
  await readInto(path, values, missing, 0)
  return { values, missing: missing.length === 0 ? null : missing.join('; ') }
}

async function readInto(
  path: string,
  values: Map<string, readonly string[]>,
  missing: string[],
  depth: number,
): Promise<void> {
  const content = await readWholeFile(path, { maxBytes: CONFIG_MAX_BYTES })
  if (!content.ok) {
    missing.push(content.message)
    return
  }
  for (const { name, words } of parseSettings(content.bytes.toString('utf8'))) {
    if (name !== 'include') {
      values.set(name, words)
      continue
    }
    const target = words[0] ?? ''
    // A pattern or a path relative to where the server was started: we cannot know.
    if (!isAbsolute(target) || /[*?[]/.test(target) || depth >= INCLUDE_DEPTH_MAX) {
      missing.push(`${path} includes ${target}, which is not followed`)
    } else {
      await readInto(target, values, missing, depth + 1)
    }
  }
}
