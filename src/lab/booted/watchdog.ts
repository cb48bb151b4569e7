/**
 * What resets a node that is silent? The stand-in for a hardware watchdog, which no machine of the lab has: a FIFO on
 * the node's disk, and at its other end somebody who takes the node's power and gives it back.
 *
 * It counts as the real one does: from its opening on, anew with every word, not after a "V" and the end of it.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BootedNode } from './node.ts'

/** Where it is on each node. */
export const WATCHDOG_DEVICE = '/var/lib/watchdog-stand-in'
/** As configured: a FIFO cannot be told. */
export const WATCHDOG_SECONDS = 5
const LOOK_MS = 50
const STOP_WORD = 'V'

export class StandInWatchdog {
  readonly #node: BootedNode
  readonly #descriptor: number
  #watching = false
  #resets = 0

  /** Puts the device on a node's disk. */
  constructor(node: BootedNode) {
    const file = join(node.root, WATCHDOG_DEVICE)
    if (!existsSync(file)) execFileSync('mkfifo', ['-m', '600', file])
    this.#node = node
    this.#descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  }

  /** How often it took the node's power. */
  get resets(): number {
    return this.#resets
  }

  /**
   * Watches over the node. While it does not, it is a device that hears every word and resets nobody: a node
   * whose power was cut on purpose is not given it back.
   *
   * @returns ends that, resolved when it has ended
   */
  watch(): () => Promise<void> {
    this.#watching = true
    const watching = this.#watch()
    return () => {
      this.#watching = false
      return watching
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  async #watch(): Promise<void> {
    let wordMs: number | null = null
    while (this.#watching) {
      const said = this.#read()
      if (said.endsWith(STOP_WORD)) wordMs = null
      else if (said !== '') wordMs = performance.now()
      const silentMs = wordMs === null ? 0 : performance.now() - wordMs
      if (silentMs > WATCHDOG_SECONDS * 1000) {
        wordMs = null
        this.#resets += 1
        await this.#node.powerOff()
        // What it said before is over.
        this.#read()
        await this.#node.powerOn()
      }
      await sleep(LOOK_MS)
    }
  }

  /** What was said since the last look; empty also while nobody has it open. */
  #read(): string {
    const bytes = Buffer.alloc(256)
    try {
      return bytes.toString('latin1', 0, readSync(this.#descriptor, bytes))
    } catch {
      // EAGAIN: somebody has it open and says nothing.
      return ''
    }
  }
}
