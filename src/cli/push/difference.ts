/**
 * In what do the files of both nodes differ, and may ours replace theirs?
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { run } from '../../system/exec.ts'
import { type FoundFile, pack, type SentFile, unpack } from './exchange.ts'
import type { SharedFile } from './shared-files.ts'

const DIFF_LIMIT_MS = 5_000

export interface FileDifference {
  name: string
  /** `gone`: it is not here and will not be there. */
  is: 'changed' | 'new' | 'gone'
  /** Why it may be the peer's that is meant, a clause; null when nothing says so. */
  doubt: string | null
  /** Lines as of diff -u, from theirs to ours, secrets left out; null when they cannot be told. */
  diff: string | null
}

/** Whose files are compared, and where ours are. */
interface Compared {
  node: string
  peerNode: string
  directory: string
}

/** @returns those that differ, sorted by name */
export async function differencesOf(
  ours: ReadonlyMap<string, SharedFile>,
  theirs: readonly FoundFile[],
  compared: Compared,
): Promise<FileDifference[]> {
  const there = new Map(theirs.map((file) => [file.name, file]))
  const names = [...new Set([...ours.keys(), ...there.keys()])].sort()
  const found: FileDifference[] = []
  for (const name of names) {
    const [mine, other] = [ours.get(name), there.get(name)]
    if (mine?.sha256 === other?.sha256) continue
    const is = other === undefined ? 'new' : mine === undefined ? 'gone' : 'changed'
    const before = other === undefined ? null : contentOf(other)
    const diff = await unified(before, mine, { name, ...compared })
    found.push({ name, is, doubt: doubtOf(mine, other, compared.peerNode), diff })
  }
  return found
}

/** Stands for what both nodes had when it was looked at. */
export function shownWord(
  ours: ReadonlyMap<string, SharedFile>,
  theirs: readonly FoundFile[],
): string {
  const lines = [
    ...[...ours.values()].map(({ name, sha256 }) => `< ${name} ${sha256}`),
    ...theirs.map(({ name, sha256 }) => `> ${name} ${sha256}`),
  ]
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 12)
}

/** What is sent: those that differ. */
export function sentFiles(
  differences: readonly FileDifference[],
  ours: ReadonlyMap<string, SharedFile>,
): SentFile[] {
  return differences.map(({ name }) => {
    const mine = ours.get(name)
    if (mine === undefined) return { name, content: null, mode: 0, mtimeMs: 0 }
    const { bytes, mode, mtimeMs } = mine
    return { name, content: pack(bytes), mode, mtimeMs }
  })
}

function doubtOf(
  mine: SharedFile | undefined,
  other: FoundFile | undefined,
  peerNode: string,
): string | null {
  if (other === undefined) return null
  if (mine === undefined) return `is only on ${peerNode}: written there, or taken away here?`
  if (other.mtimeMs <= mine.mtimeMs) return null
  const when = new Date(other.mtimeMs).toISOString()
  return `was changed on ${peerNode} later than here, at ${when}`
}

function contentOf({ content }: FoundFile): Buffer | null {
  try {
    return content === null ? null : unpack(content)
  } catch {
    return null
  }
}

/** With the program of that name, which is on every Debian. Theirs goes in by its standard input. */
async function unified(
  before: Buffer | null,
  mine: SharedFile | undefined,
  { name, node, peerNode, directory }: Compared & { name: string },
): Promise<string | null> {
  if (before === null || mine === undefined) {
    const sign = mine === undefined ? '-' : '+'
    const text = (mine?.bytes ?? before ?? Buffer.of()).toString('utf8').replace(/\n$/, '')
    return withoutSecrets(text.replaceAll(/^/gm, sign).concat('\n'))
  }
  const labels = [`${name} on ${peerNode}`, `${name} on ${node}`]
  const result = await run({
    label: `compare ${name}`,
    command: 'diff',
    args: ['-u', ...labels.flatMap((label) => ['--label', label]), '-', join(directory, name)],
    timeoutMs: DIFF_LIMIT_MS,
    input: before.toString('utf8'),
  })
  return result.ok || result.exitCode === 1 ? withoutSecrets(result.stdout) : null
}

/** Values of keys that sound like a secret; a path to one is none. */
export function withoutSecrets(text: string): string {
  const key =
    /([\w.-]*(?:pass|pwd|secret|token|credential|(?:api|private|shared|auth)_?key)[\w.-]*["']?\s*:\s*)/
  const value = /("[^"\n]*"|'[^'\n]*'|[^\s,}{[\]#"'/][^\s,}]*)/
  return text.replaceAll(new RegExp(key.source + value.source, 'gi'), '$1***')
}
