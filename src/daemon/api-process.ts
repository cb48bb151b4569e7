/**
 * How is the API kept up? Its process is started with the agent, and again when it ends.
 *
 * It runs with little of the processor when others want it, is the first to go when memory runs out, and
 * has none of the rights of root but to open a low port (D-049). While it is down operators still have
 * the unix sockets; an alarm says so.
 */
import { fileURLToPath } from 'node:url'
import type { ListenerArgument, ListenerNews } from '../api/news.ts'
import { type Following, type FollowRequest, follow } from '../system/exec.ts'

const PROGRAM = fileURLToPath(new URL('../api/listener.js', import.meta.url))
/** It holds some requests at a time; measured: 48 MiB resident, 62 under a flood. */
const ENGINE = ['--max-old-space-size=48', '--max-semi-space-size=1', '--optimize-for-size']
/** Not 19: a health check is to be answered also while services keep the processors busy. */
const NICE = ['-n', '10']
const FIRST_TO_GO = ['choom', '-n', '500', '--']
const WITHOUT_RIGHTS = [
  ...['setpriv', '--bounding-set', '-all,+net_bind_service', '--inh-caps', '-all'],
  ...['--no-new-privs', '--'],
]
const RESTART_MS = { first: 500, most: 30_000 }
/** One that ran so long did not end for the reason of the one before. */
const RAN_WELL_MS = 60_000
const DAY_MS = 86_400_000
/** Before a certificate runs out it is an alarm for so long. */
const EXPIRY_MS = 14 * DAY_MS

export interface ApiProcessOptions {
  argument: ListenerArgument
  log(severity: 'info' | 'warning' | 'error', event: string, text: string): void
  now(): number
  wallMs(): number
  /** Replaced by tests. */
  start?: (request: FollowRequest) => Following
  /** Without being root there are no rights to give up. */
  asRoot?: boolean
}

export class ApiProcess {
  readonly #options: ApiProcessOptions
  #running: Following | null = null
  #timer: NodeJS.Timeout | null = null
  #startedMs = 0
  #waitMs = RESTART_MS.first
  #ended: string | null = null
  #troubles: readonly string[] = []
  #notAfterMs: number | null = null

  constructor(options: ApiProcessOptions) {
    this.#options = options
    this.#start()
  }

  /** What keeps the API from being served, or soon will; empty when all is well. */
  get troubles(): string[] {
    if (this.#ended !== null) return [this.#ended]
    const expiry = this.#notAfterMs
    if (expiry === null || expiry - this.#options.wallMs() > EXPIRY_MS) return [...this.#troubles]
    const day = new Date(expiry).toISOString().slice(0, 10)
    const over = expiry <= this.#options.wallMs() ? 'ran' : 'runs'
    return [...this.#troubles, `its certificate ${over} out on ${day}`]
  }

  /** Wall time; null when not known. */
  get certificateEndsMs(): number | null {
    return this.#notAfterMs
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#running?.stop()
  }

  #start(): void {
    const { argument, now, start = follow, asRoot = process.getuid?.() === 0 } = this.#options
    this.#startedMs = now()
    this.#timer = null
    const rights = asRoot ? WITHOUT_RIGHTS : []
    const program = [process.execPath, ...ENGINE, PROGRAM, JSON.stringify(argument)]
    this.#running = start({
      label: 'serve the API',
      command: 'nice',
      args: [...NICE, ...FIRST_TO_GO, ...rights, ...program],
      onLine: (line) => this.#hear(line),
      onEnd: (message) => this.#again(message),
    })
  }

  #hear(line: string): void {
    const news = newsIn(line)
    if (news === null) return
    if (news.type === 'log') {
      this.#options.log(news.severity, news.event, news.text)
      return
    }
    this.#ended = null
    this.#troubles = news.troubles
    this.#notAfterMs = news.notAfterMs
  }

  #again(message: string): void {
    const { now, log } = this.#options
    if (now() - this.#startedMs > RAN_WELL_MS) this.#waitMs = RESTART_MS.first
    this.#ended = `its process does not run (${message})`
    log('error', 'api', `${message}; it is started again in ${this.#waitMs} ms`)
    this.#timer = setTimeout(() => this.#start(), this.#waitMs)
    this.#waitMs = Math.min(this.#waitMs * 2, RESTART_MS.most)
  }
}

/** Null for a line that is none of ours, as one of the engine. */
function newsIn(line: string): ListenerNews | null {
  try {
    const news = JSON.parse(line) as ListenerNews | null
    return news?.type === 'log' || news?.type === 'state' ? news : null
  } catch {
    return null
  }
}
