/**
 * What do the two ends of a push say to each other?
 *
 * One JSON document in each direction, through the standard input and output of `tandem config receive`,
 * which ssh starts on the peer. Contents are compressed: a large platform's file would not fit otherwise.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Mistake } from '../../errors.ts'
import { isShareable } from './shared-files.ts'

export const EXCHANGE_VERSION = 1
/** Unpacked; a file of the configuration may have as much. */
const CONTENT_MAX_BYTES = 1024 * 1024

export interface PushRequest {
  version: number
  /** `look`: what do you have? `try`: would you take this? `take`: take it. */
  kind: 'look' | 'try' | 'take'
  /** Node of the sender, by its configuration, and how its host is called. */
  from: string
  fromHost: string
  /** What may be pushed, by name, with the fingerprint here; null where it is not here. */
  have: Readonly<Record<string, string | null>>
  /** What the receiver must still have, by name; null: whatever it has. */
  expect: Readonly<Record<string, string | null>> | null
  files: readonly SentFile[]
}

export interface SentFile {
  name: string
  /** Null: the file is to go. */
  content: string | null
  mode: number
  mtimeMs: number
}

/** A file of the receiver. */
export interface FoundFile {
  name: string
  sha256: string
  mtimeMs: number
  /** Only where it is another one than the sender's. */
  content: string | null
}

/** What the receiver's own reload came to. */
export interface ReloadOutcome {
  exitCode: number
  /** As `tandem reload --json` prints it; null when it printed none. */
  document: ReloadDocument | null
}

export interface ReloadDocument {
  ok?: boolean
  applied?: string[]
  changed?: { part: string; reach: 'pair' | 'node' | 'now' }[]
  steps?: string[]
  reason?: { code: string; sentence: string; mend: string | null } | null
  message?: string
  mend?: string
}

export type PushAnswer =
  | { version: number; ok: true; kind: 'look'; node: string; files: FoundFile[] }
  | { version: number; ok: true; kind: 'try'; node: string; warnings: Mistake[] }
  | {
      version: number
      ok: true
      kind: 'take'
      node: string
      warnings: Mistake[]
      /** Directory with the files that were replaced. */
      backup: string
      reload: ReloadOutcome
    }
  | {
      version: number
      ok: false
      code: 'version' | 'not-the-peer' | 'busy' | 'changed' | 'mistakes' | 'files' | 'reload'
      /** Whether the receiver has the files it had before. */
      unchanged: boolean
      message: string
      mend: string
      mistakes: Mistake[]
    }

export function pack(bytes: Uint8Array): string {
  return gzipSync(bytes).toString('base64')
}

/** @throws RangeError or the error of zlib when it is none of ours */
export function unpack(content: string): Buffer {
  return gunzipSync(Buffer.from(content, 'base64'), { maxOutputLength: CONTENT_MAX_BYTES })
}

/** @returns null when the text is no whole request: a connection that broke sends a part of one */
export function readRequest(text: string): PushRequest | null {
  const document = parsed(text) as Partial<PushRequest> | null
  if (document === null || typeof document.version !== 'number') return null
  const { kind, from, fromHost, have, files, expect } = document
  if (kind !== 'look' && kind !== 'try' && kind !== 'take') return null
  if (typeof from !== 'string' || typeof fromHost !== 'string') return null
  if (!isHashes(have) || (expect !== null && !isHashes(expect)) || !Array.isArray(files))
    return null
  return files.every(isSent) ? (document as PushRequest) : null
}

/** @returns null when no line of the output is an answer; what a login shell prints is passed over */
export function readAnswer(output: string): PushAnswer | null {
  const lines = output.split('\n').filter((line) => line.startsWith('{'))
  const document = parsed(lines.at(-1) ?? '') as Partial<PushAnswer> | null
  const known = typeof document?.version === 'number' && typeof document.ok === 'boolean'
  return known ? (document as PushAnswer) : null
}

function parsed(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text)
    return typeof document === 'object' ? document : null
  } catch {
    return null
  }
}

function isHashes(value: unknown): value is Record<string, string | null> {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).every(
    ([name, hash]) => isShareable(name) && (hash === null || typeof hash === 'string'),
  )
}

function isSent(value: unknown): boolean {
  const { name, content, mode, mtimeMs } = (value ?? {}) as Partial<SentFile>
  if (typeof name !== 'string' || !isShareable(name)) return false
  if (content !== null && typeof content !== 'string') return false
  return Number.isInteger(mode) && Number.isFinite(mtimeMs)
}
