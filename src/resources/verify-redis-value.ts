/**
 * What does a Redis key hold, as one short word that is equal on two servers when the values are?
 *
 * Two ways. DUMP is quick and exact, but two servers may keep equal values differently (the order inside a
 * hash depends on a number drawn at the start of each), so that another DUMP only makes a key suspect.
 * `readWord` reads the value itself, in pieces, in an order that does not matter or does not change.
 * Either way the moment at which the key ends belongs to it.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { RedisBytes, RedisLine, RedisWords } from './redis-line.ts'
import { Limit, StoreFailure } from './store-result.ts'

/** Null: there is no such key. */
export type KeyWord = { word: string; expiresAtMs: number | null } | null

const STEP_MS = 10_000
/** Elements per answer: the server does nothing else meanwhile. */
const PIECE = 1_000
const PIECE_BYTES = 1_048_576
/** Beyond this many elements only their number is compared. */
const ELEMENTS_MAX = 1_000_000

/** Of small values: what DUMP says. */
export async function dumpWords(line: RedisLine, keys: readonly Buffer[]): Promise<KeyWord[]> {
  const commands = keys.flatMap((key): RedisWords[] => [
    ['DUMP', key],
    ['PEXPIRETIME', key],
  ])
  const replies = await line.manyBytes(commands, new Limit(STEP_MS))
  return keys.map((_, index) => {
    const dump = replies[2 * index]
    const expiresAtMs = expiryOf(replies[2 * index + 1] ?? null)
    return Buffer.isBuffer(dump) ? { word: shorten(dump), expiresAtMs } : null
  })
}

/** Of any value, element by element; of one that becomes another meanwhile a word that no other has. */
export async function readWord(line: RedisLine, key: Buffer): Promise<KeyWord> {
  try {
    return await readNow(line, key)
  } catch (cause) {
    const changed = cause instanceof StoreFailure && /WRONGTYPE|no such key/.test(cause.message)
    if (!changed) throw cause
    return { word: randomUUID(), expiresAtMs: null }
  }
}

async function readNow(line: RedisLine, key: Buffer): Promise<KeyWord> {
  const ask = (...words: [string, ...(string | Buffer)[]]): Promise<RedisBytes> =>
    line.bytes(words, new Limit(STEP_MS))
  const type = String(await ask('TYPE', key))
  if (type === 'none') return null
  const expiresAtMs = expiryOf(await ask('PEXPIRETIME', key))
  const content = await contentWord(type, key, ask)
  return { word: `${type} ${content}`, expiresAtMs }
}

type Ask = (...words: [string, ...(string | Buffer)[]]) => Promise<RedisBytes>

async function contentWord(type: string, key: Buffer, ask: Ask): Promise<string> {
  switch (type) {
    case 'string':
      return inOrder(PIECE_BYTES, (from, to) => ask('GETRANGE', key, from, to))
    case 'list':
      return inOrder(PIECE, (from, to) => ask('LRANGE', key, from, to))
    case 'zset':
      return inOrder(PIECE, (from, to) => ask('ZRANGE', key, from, to, 'WITHSCORES'))
    case 'set':
      return (
        tooMany(await ask('SCARD', key)) ?? anyOrder(1, (at) => ask('SSCAN', key, at, ...COUNT))
      )
    case 'hash':
      return tooMany(await ask('HLEN', key)) ?? anyOrder(2, (at) => ask('HSCAN', key, at, ...COUNT))
    case 'stream':
      return streamWord(key, ask)
    default: {
      // Of a module: nothing but the module knows more.
      const dump = await ask('DUMP', key)
      return Buffer.isBuffer(dump) ? shorten(dump) : ''
    }
  }
}

const COUNT = ['COUNT', String(PIECE)] as const

function tooMany(reply: RedisBytes): string | null {
  return Number(reply) > ELEMENTS_MAX ? `${Number(reply)} elements` : null
}

/** Piece after piece until one is empty. */
async function inOrder(
  size: number,
  piece: (from: string, to: string) => Promise<RedisBytes>,
): Promise<string> {
  const hash = createHash('md5')
  for (let from = 0; ; from += size) {
    const found = await piece(String(from), String(from + size - 1))
    const empty = Array.isArray(found) ? found.length === 0 : (found as Buffer | null)?.length === 0
    if (found === null || empty) return hash.digest('base64')
    addTo(hash, found)
  }
}

/** Elements in the order of the server's own table, some of them twice. */
async function anyOrder(
  width: number,
  piece: (cursor: string) => Promise<RedisBytes>,
): Promise<string> {
  const words = new Set<string>()
  let cursor = '0'
  do {
    const [next, elements] = (await piece(cursor)) as [Buffer, Buffer[]]
    for (let index = 0; index < elements.length; index += width) {
      const hash = createHash('md5')
      addTo(hash, elements.slice(index, index + width))
      words.add(hash.digest('base64'))
    }
    cursor = String(next)
  } while (cursor !== '0')
  return shorten(Buffer.from([...words].sort().join('')))
}

async function streamWord(key: Buffer, ask: Ask): Promise<string> {
  const hash = createHash('md5')
  addTo(hash, groupsOf(await ask('XINFO', 'GROUPS', key)))
  for (let from = '-'; ; ) {
    const entries = (await ask('XRANGE', key, from, '+', ...COUNT)) as [Buffer, RedisBytes][]
    const last = entries.at(-1)
    if (last === undefined) return hash.digest('base64')
    addTo(hash, entries)
    from = `(${String(last[0])}`
  }
}

/** Name, pending and last delivered of each; how long ago its consumers asked is each server's own. */
function groupsOf(reply: RedisBytes): RedisBytes {
  return (reply as RedisBytes[]).map((group) => {
    const fields = group as RedisBytes[]
    const value = (name: string): RedisBytes =>
      fields[fields.findIndex((field) => String(field) === name) + 1] ?? null
    return [value('name'), value('pending'), value('last-delivered-id')]
  })
}

/** With lengths, so that no two different answers give the same bytes. */
function addTo(hash: ReturnType<typeof createHash>, value: RedisBytes): void {
  if (Buffer.isBuffer(value)) {
    hash.update(`$${value.length} `).update(value)
  } else if (Array.isArray(value)) {
    hash.update(`*${value.length} `)
    for (const element of value as readonly RedisBytes[]) addTo(hash, element)
  } else {
    hash.update(`:${String(value)} `)
  }
}

function expiryOf(reply: RedisBytes): number | null {
  const at = Number(reply)
  return at > 0 ? at : null
}

function shorten(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('base64')
}
