/**
 * When has the main process of a service ended?
 *
 * Told by the kernel at once, whoever is the parent of that process; where the kernel does not tell
 * (before Linux 5.3, or in a sandbox) by looking every 200 ms.
 */
import { watchProcess } from '../system/native.ts'
import { type ProcessIdentity, processRuns } from '../system/process.ts'
import type { ProcessId } from './service.ts'

const LOOK_EVERY_MS = 200

/** How the kernel, or a stand-in for it, is asked. Throws when it cannot tell. */
export type WatchProcess = (pid: number, onEnd: () => void) => { close(): void }

/** Follows one process at a time and tells of its end once. */
export class MainWatch {
  readonly #watchProcess: WatchProcess
  readonly #listeners = new Set<(ended: ProcessIdentity) => void>()
  #followed: ProcessIdentity | null = null
  #unwatch: () => void = () => undefined

  constructor(watch: WatchProcess = watchProcess) {
    this.#watchProcess = watch
  }

  onEnd(listener: (ended: ProcessIdentity) => void): void {
    this.#listeners.add(listener)
  }

  /** The process that is followed; null when there is none, or it has ended. */
  get followed(): ProcessIdentity | null {
    return this.#followed
  }

  /**
   * Follows this one from now on. If the one before it has ended and that was not told yet, it is told.
   *
   * @param identity  null: there is none
   */
  follow(identity: ProcessIdentity | null): void {
    const before = this.#followed
    if (before !== null && identity !== null && isSame(before, identity)) return
    if (before !== null) {
      if (processRuns(before)) this.#forget()
      else this.#end(before)
    }
    if (identity === null) return
    this.#followed = identity
    this.#unwatch = this.#watch(identity)
  }

  /** No listener is called after this. */
  close(): void {
    this.#listeners.clear()
    this.#forget()
  }

  #watch(identity: ProcessIdentity): () => void {
    try {
      const watch = this.#watchProcess(identity.pid, () => this.#end(identity))
      // It may have ended, and its id be used again, before the kernel was asked.
      if (!processRuns(identity)) setImmediate(() => this.#end(identity))
      return () => watch.close()
    } catch {
      const timer = setInterval(() => {
        if (!processRuns(identity)) this.#end(identity)
      }, LOOK_EVERY_MS)
      return () => clearInterval(timer)
    }
  }

  #end(identity: ProcessIdentity): void {
    if (this.#followed !== identity) return
    this.#forget()
    for (const listener of this.#listeners) listener(identity)
  }

  #forget(): void {
    this.#unwatch()
    this.#unwatch = () => undefined
    this.#followed = null
  }
}

/** Whether both are the same process. */
export function isSame(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.startTicks === other.startTicks
}

/** As the contract of services has it. */
export function processId(identity: ProcessIdentity): ProcessId {
  return { pid: identity.pid, startTicks: String(identity.startTicks) }
}

/** @returns one that is no process when the digits are none */
export function identityOf(id: ProcessId): ProcessIdentity {
  return { pid: id.pid, startTicks: Number(id.startTicks) }
}
