/**
 * Which files is the page made of, and how are they served? Read once, at the start: nothing that is asked for
 * names a place on the disk.
 *
 * The page loads nothing from elsewhere, runs nothing that is not one of these files, and is shown in no frame.
 */
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'

const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"],
  ...["img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  "require-trusted-types-for 'script'",
].join('; ')

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

/** Modules that the page shares with the terminal; nothing else of `control` leaves the node. */
export const SHARED = [
  'amount.js',
  'duration.js',
  'load-balancer-word.js',
  'peer-word.js',
  'service-word.js',
  'space-sentence.js',
  'store-word.js',
  'tone.js',
] as const

export interface PageFile {
  type: string
  body: Buffer
}

/** By path of the request. */
export type PageFiles = ReadonlyMap<string, PageFile>

/** @param directory  the built `control`, beside this room */
export async function readPageFiles(
  directory: string = join(import.meta.dirname, '../control'),
): Promise<PageFiles> {
  const own = readdirSync(join(directory, 'page')).filter((name) => /\.(html|css|js)$/.test(name))
  const paths = [...own.map((name) => `page/${name}`), ...SHARED]
  const files = await Promise.all(
    paths.map(async (path): Promise<[string, PageFile]> => {
      const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? ''
      const at = path === 'page/index.html' ? '/' : `/${path}`
      return [at, { type, body: await readFile(join(directory, path)) }]
    }),
  )
  return new Map(files)
}

/** Answers when the page has such a file. @returns whether it did */
export function servePage(
  files: PageFiles,
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
): boolean {
  const file = files.get(url)
  if (file === undefined || (method !== 'GET' && method !== 'HEAD')) return false
  response.writeHead(200, {
    'content-type': file.type,
    'content-length': file.body.length,
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    // Asked for again each time: after an upgrade all its parts are of one version.
    'cache-control': 'no-store',
  })
  response.end(method === 'HEAD' ? undefined : file.body)
  return true
}
