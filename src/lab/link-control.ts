/**
 * How are the switch's ports taken down and up, quickly and together?
 *
 * One `ip -batch` process lives in the switch namespace and carries out lines the moment they are
 * written: starting `ip` for each would spread a power cut over tens of milliseconds. Nothing in a
 * node's own namespace is touched: a cut cable takes the carrier from both ends, and leaves the
 * interface as its owner configured it.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { inside } from './process.ts'

/** How long the kernel may take for a handful of ports; unregistering pauses everyone. */
const ACKNOWLEDGE_MS = 5000

export class LinkControl {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: (() => void)[] = []
  #complaints = ''

  /** @param namespace  the switch */
  constructor(namespace: string) {
    const [command = '', ...args] = inside(namespace, ['ip', '-o', '-force', '-batch', '-'])
    this.#child = spawn(command, args, { stdio: 'pipe', detached: true })
    let pending = ''
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      pending += text
      const lines = pending.split('\n')
      pending = lines.pop() ?? ''
      for (const _line of lines) this.#waiting.shift()?.()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text
    })
    // An end is noticed by the next command, which is then not acknowledged.
    this.#child.on('error', () => {})
    this.#child.stdin.on('error', () => {})
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /**
   * Sets ports down or up, in the order given.
   *
   * @returns resolved when the kernel has done all of it; the orders are on their way at once
   * @throws Error with what `ip` said
   */
  set(ports: readonly string[], state: 'up' | 'down'): Promise<void> {
    const orders = ports.map((port) => `link set dev ${port} ${state}\n`)
    // Success is silent; showing the loopback prints the one line that tells us all is done.
    this.#child.stdin.write(`${orders.join('')}link show dev lo\n`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`lab: ip did not set ${ports.join(', ')} ${state} ${this.#complaints}`))
      }, ACKNOWLEDGE_MS)
      this.#waiting.push(() => {
        clearTimeout(timer)
        const complaints = this.#complaints
        this.#complaints = ''
        if (complaints === '') resolve()
        else reject(new Error(`lab: setting ${ports.join(', ')} ${state}: ${complaints.trim()}`))
      })
    })
  }

  close(): void {
    this.#child.stdin.end()
    this.#child.kill('SIGKILL')
  }
}
