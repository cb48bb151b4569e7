/**
 * Who serves the API to the network? A process of its own, started by the agent, of low priority.
 *
 * Whatever comes from the network is met here: TLS, garbage, floods. It costs this process its time and
 * never the agent's; only what has credentials reaches the agent, at a bounded rate (D-049). It ends with
 * the agent. Its one argument is a JSON document without secrets; it says what there is to say on its
 * standard output, a JSON document per line.
 */
import { type ApiMaterial, readApiFiles } from '../config/api-files.ts'
import type { ApiConfig, ApiPlace } from '../config/config.ts'
import type { Mistake } from '../errors.ts'
import { fileStamp } from '../system/file.ts'
import { Front } from './front.ts'
import type { ListenerArgument, ListenerNews } from './news.ts'
import { readPageFiles } from './page-files.ts'

/** Addresses may come later than we do, and a predecessor's socket may still be there. */
const RETRY_MS = 1_000
const FILES_LOOK_MS = 2_000
const STRANGERS_TOLD_MS = 60_000

const { api, runDir } = JSON.parse(process.argv[2] ?? '{}') as ListenerArgument

function tell(news: ListenerNews): void {
  process.stdout.write(`${JSON.stringify(news)}\n`)
}

function log(severity: 'info' | 'warning' | 'error', event: string, text: string): void {
  tell({ type: 'log', severity, event, text })
}

/** What does not work now, by place or file. */
const troubles = new Map<string, string>()
let notAfterMs: number | null = null

function note(about: string, trouble: string | null): void {
  if ((troubles.get(about) ?? null) === trouble) return
  if (trouble === null) troubles.delete(about)
  else troubles.set(about, trouble)
  tell({ type: 'state', troubles: [...troubles.values()], notAfterMs })
}

const strangers = { count: 0, lastAddress: '', toldMs: Number.NEGATIVE_INFINITY }

/** One line a minute: a flood must not fill the log. */
function noteStranger(address: string): void {
  strangers.count += 1
  strangers.lastAddress = address
  const nowMs = performance.now()
  if (nowMs - strangers.toldMs < STRANGERS_TOLD_MS) return
  const times = strangers.count === 1 ? 'a request' : `${strangers.count} requests`
  log('warning', 'api-refused', `${times} without known credentials, the last from ${address}`)
  strangers.count = 0
  strangers.toldMs = nowMs
}

/** Not that a certificate runs out: that depends on the day, and is told with the state. */
function noteFiles(mistakes: readonly Mistake[]): void {
  const errors = mistakes.filter(({ severity }) => severity === 'error')
  const sentences = errors.map(({ file, line, why, mend }) => {
    const where = line === undefined ? file : `${file}:${line}`
    return `${why.startsWith(file) ? '' : `${where} `}${why}; ${mend}`
  })
  note('files', sentences.length === 0 ? null : sentences.join('; '))
}

/** Changes whenever one of the files does. */
async function fingerprint({ certificateFile, keyFile, tokenFile, clientCaFile }: ApiConfig) {
  const files = [certificateFile, keyFile, tokenFile, clientCaFile]
  return (await Promise.all(files.map((file) => (file === null ? '' : fileStamp(file))))).join('\n')
}

async function untilUsable(): Promise<ApiMaterial> {
  for (;;) {
    const { material, mistakes } = await readApiFiles(api, Date.now())
    noteFiles(mistakes)
    if (material !== null) return material
    await new Promise((resolve) => setTimeout(resolve, FILES_LOOK_MS))
  }
}

let seen = await fingerprint(api)
const material = await untilUsable()
notAfterMs = material.notAfterMs
const front = new Front({
  ...{ api, runDir, material, page: await readPageFiles() },
  now: () => performance.now(),
  ordered: ({ asker, address, url, status }) =>
    log('info', 'api-order', `${asker.name} at ${address} asked ${url}: ${status}`),
  refused: noteStranger,
})

function listenAt(place: ApiPlace): void {
  const { address, port, tls } = place
  const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const server = front.server(tls)
  server.on('error', (error: NodeJS.ErrnoException) => {
    // One that listens goes on: a single connection could not be accepted.
    if (server.listening) return
    note(where, `nothing can listen at ${where}: ${error.code ?? error.message}`)
    setTimeout(() => listenAt(place), RETRY_MS)
  })
  server.listen({ host: address, port, ipv6Only: true, backlog: 128 }, () => {
    note(where, null)
    log('info', 'api', `answers at ${tls ? 'https' : 'http'}://${where}`)
  })
}

for (const place of api.listen) listenAt(place)
tell({ type: 'state', troubles: [...troubles.values()], notAfterMs })

async function lookAtFiles(): Promise<void> {
  const now = await fingerprint(api)
  if (now === seen) return
  seen = now
  const read = await readApiFiles(api, Date.now())
  noteFiles(read.mistakes)
  if (read.material === null) return
  front.use(read.material)
  notAfterMs = read.material.notAfterMs
  tell({ type: 'state', troubles: [...troubles.values()], notAfterMs })
  log('info', 'api', 'certificate and tokens were read again')
}

setInterval(() => void lookAtFiles(), FILES_LOOK_MS)
