/**
 * What does the service manager (systemd) learn of us? That we are ready, that decisions are made, what this
 * node is, and that we end. Without one nothing is told.
 *
 * The word that we are alive is a by-product of a tick that was decided, so a heart that hangs, or has
 * stopped because nothing else makes progress, does not give it. Telling never waits: the socket is not
 * blocking, and what it refuses is dropped, for the next word comes soon.
 */

export interface ServiceManagerDoor {
  /** sd_notify(3). @throws what the socket refuses */
  sdNotify(socketPath: string, text: string): void
  now(): number
}

/** Words per watchdog time: a few may be lost. */
const WORDS_PER_LIMIT = 4

export class ServiceManager {
  readonly #socketPath: string | null
  /** Between two words that we are alive, in ms; null when nobody wants them. */
  readonly #intervalMs: number | null
  readonly #door: ServiceManagerDoor
  #toldMs = Number.NEGATIVE_INFINITY
  #ready = false
  #status = ''

  /**
   * Takes what concerns us out of the environment, so that nobody whom we start speaks for us.
   *
   * @param env  NOTIFY_SOCKET and WATCHDOG_USEC are removed from it
   */
  constructor(env: Record<string, string | undefined>, door: ServiceManagerDoor) {
    this.#door = door
    this.#socketPath = env['NOTIFY_SOCKET'] || null
    const limitMs = Number(env['WATCHDOG_USEC']) / 1000
    this.#intervalMs = limitMs > 0 ? limitMs / WORDS_PER_LIMIT : null
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  }

  /** Operators are answered from now on. */
  ready(): void {
    this.#ready = true
    this.#tell('READY=1')
  }

  /** A tick was decided. Tells it now and then; takes some microseconds. */
  alive(): void {
    if (this.#intervalMs === null || !this.#ready) return
    const now = this.#door.now()
    if (now - this.#toldMs < this.#intervalMs) return
    this.#toldMs = now
    this.#tell('WATCHDOG=1')
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    if (text === this.#status) return
    this.#status = text
    this.#tell(`STATUS=${text}`)
  }

  stopping(): void {
    this.#tell('STOPPING=1')
  }

  #tell(text: string): void {
    if (this.#socketPath === null) return
    try {
      this.#door.sdNotify(this.#socketPath, text)
    } catch {
      // A manager that hears nothing acts on that by itself.
    }
  }
}
