/**
 * What are the fingerprints of the files that both nodes should have alike?
 *
 * Walks what the operator listed, one file after the other, and reads only what changed since the last walk.
 * Bounded in depth, number and size. A disk that hangs costs one thread of the pool and this walk, nothing
 * else.
 *
 * Generated files name the node they are for. So each has a second fingerprint, with our own addresses and
 * names replaced by words that are the same on both nodes; files are alike when either is.
 */
import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriftConfig, PairConfig } from '../config/config.ts'
import { readWholeFile } from '../system/file.ts'
import type { Fact } from '../wire/fact-list.ts'

const FILES_MAX = 400
const DEPTH_MAX = 6
/** Larger ones are told by their size alone. */
const FILE_MAX_BYTES = 2 * 1024 * 1024
/** Left behind by editors, package managers and pushes; version control has its own look at things. */
const IGNORED = /(~|\.swp|\.dpkg-(old|dist|new|tmp)|\.bak)$|^\.(git|tandem)$/

interface Known {
  /** Of the file when it was read. */
  stamp: string
  fact: Fact
}

export class DriftFiles {
  readonly #config: DriftConfig
  readonly #neutral: (text: string) => string
  #known = new Map<string, Known>()

  constructor(config: Pick<PairConfig, 'drift' | 'paths' | 'hostName' | 'peerHostName'>) {
    this.#config = config.drift
    this.#neutral = neutralizer(config)
  }

  /** Never rejects. @returns by name; those that cannot be read are told as such */
  async look(): Promise<readonly Fact[]> {
    const except = this.#config.except.map(toPattern)
    const paths = new Set<string>()
    for (const pattern of this.#config.files) {
      for (const path of await expand(pattern)) await this.#walk(path, paths, 0)
    }
    const next = new Map<string, Known>()
    for (const path of [...paths].sort()) {
      if (except.some((pattern) => pattern.test(path))) continue
      const known = await this.#read(path)
      if (known !== null) next.set(path, known)
    }
    this.#known = next
    return [...next.values()].map(({ fact }) => fact)
  }

  async #walk(path: string, paths: Set<string>, depth: number): Promise<void> {
    if (paths.size >= FILES_MAX) return
    const found = await stat(path).catch(() => null)
    if (found?.isFile()) paths.add(path)
    if (!found?.isDirectory() || depth >= DEPTH_MAX) return
    for (const name of (await readdir(path).catch(() => [])).sort()) {
      if (!IGNORED.test(name)) await this.#walk(join(path, name), paths, depth + 1)
    }
  }

  async #read(path: string): Promise<Known | null> {
    const found = await stat(path).catch(() => null)
    if (found === null) return null
    const stamp = `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`
    const known = this.#known.get(path)
    if (known?.stamp === stamp) return known
    const read = await readWholeFile(path, { maxBytes: FILE_MAX_BYTES })
    if (read.ok) {
      const text = read.bytes.toString('latin1')
      return { stamp, fact: factOf('file', path, text, this.#neutral(text)) }
    }
    if (read.code === 'HA_FILE_MISSING') return null
    const instead = read.code === 'HA_FILE_TOO_LARGE' ? `size ${found.size}` : 'cannot be read'
    return { stamp, fact: factOf('file', path, instead) }
  }
}

/** A fact with the fingerprints of what it says. */
export function factOf(kind: Fact['kind'], name: string, text: string, neutral = text): Fact {
  const fingerprint = fingerprintOf(text)
  return {
    kind,
    name,
    fingerprint,
    neutral: neutral === text ? fingerprint : fingerprintOf(neutral),
  }
}

function fingerprintOf(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16)
}

/** Ours and the peer's names and addresses become words. */
function neutralizer(
  config: Pick<PairConfig, 'paths' | 'hostName' | 'peerHostName'>,
): (text: string) => string {
  const words = new Map<string, string>()
  for (const [index, { ourAddress, peerAddress }] of config.paths.entries()) {
    words.set(ourAddress, `<our address ${index}>`)
    words.set(peerAddress, `<peer address ${index}>`)
  }
  words.set(config.hostName, '<our name>')
  words.set(config.peerHostName, '<peer name>')
  const pattern = new RegExp([...words.keys()].map(wholeWord).join('|'), 'g')
  return (text) => text.replaceAll(pattern, (found) => words.get(found) ?? found)
}

/** As it stands in a configuration: `udp:192.0.2.1:5060`, `[2001:db8::1]:5060`, `sp1.example.net`. */
function wholeWord(word: string): string {
  const escaped = word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return word.includes(':')
    ? `(?<![\\w:])${escaped}(?![\\w:])`
    : `(?<![\\w.-])${escaped}(?![\\w-]|\\.\\d)`
}

/** `*` and `?` within one part of a path; without any the path itself. */
async function expand(pattern: string): Promise<string[]> {
  if (!/[*?]/.test(pattern)) return [pattern]
  let found = ['/']
  for (const part of pattern.split('/').filter((word) => word !== '')) {
    const next: string[] = []
    for (const directory of found) {
      if (!/[*?]/.test(part)) next.push(join(directory, part))
      else {
        const names = (await readdir(directory).catch(() => [])).sort()
        const wanted = toPattern(part)
        // As in a shell, a leading dot is asked for by name.
        const shown = names.filter((name) => part.startsWith('.') || !name.startsWith('.'))
        next.push(...shown.filter((name) => wanted.test(name)).map((name) => join(directory, name)))
      }
    }
    found = next.slice(0, FILES_MAX)
  }
  return found
}

/** Of a whole path or part: a directory stands for everything below it. */
export function toPattern(text: string): RegExp {
  const escaped = text
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  return new RegExp(`^${escaped.replace(/\/$/, '')}(/.*)?$`)
}
