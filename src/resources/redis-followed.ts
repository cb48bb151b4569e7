/**
 * Which history did our server follow last? Remembered on disk, for a server that forgets it.
 *
 * A Redis server that is started again from its append-only file begins a history of its own, and nothing
 * can be told from its INFO: every restart of a standby would be taken for a server with data of its
 * own, set aside and copied. But what it holds came from the peer, if three things are so: it followed a
 * history before, the peer still writes in that very history (a promotion begins another), and it boots
 * read-only, so that nobody wrote here since. Then it holds nothing of its own.
 *
 * What it held before it followed that history was set aside when it was linked.
 */
import { rm } from 'node:fs/promises'
import { readWholeFile, replaceFile } from '../system/file.ts'
import type { RedisLook } from './redis-ask.ts'
import type { RedisReplication } from './redis-info.ts'
import { readSettings } from './redis-settings.ts'
import type { StoreComparison } from './replicated-store.ts'

/** One start of a server that followed a history. */
export interface Followed {
  history: string
  /** Random per start of the server. */
  runId: string
}

export class FollowedHistory {
  readonly #path: string | null
  /** As on disk or on its way there; undefined when nobody looked yet. */
  #last: Followed | null | undefined
  #writing: Promise<unknown> = Promise.resolve()

  /** @param path  null: nothing is remembered */
  constructor(path: string | null) {
    this.#path = path
  }

  /** It follows now. Writes only what is new. */
  note(followed: Followed): void {
    const path = this.#path
    if (path === null) return
    if (this.#last?.history === followed.history && this.#last.runId === followed.runId) return
    this.#last = followed
    const line = `${followed.history} ${followed.runId}\n`
    this.#writing = this.#writing.then(async () => {
      const written = await replaceFile(path, line, { mode: 0o600 })
      // The next look tries again.
      if (!written.ok && this.#last === followed) this.#last = undefined
    })
  }

  /** It takes writes: what it holds is its own from now on. */
  forget(): void {
    const path = this.#path
    if (path === null || this.#last === null) return
    this.#last = null
    this.#writing = this.#writing.then(() => rm(path, { force: true }).catch(() => undefined))
  }

  /** What a comparison of histories cannot tell; null when this cannot either. */
  async compare(ours: RedisLook, theirs: RedisReplication): Promise<StoreComparison | null> {
    const last = await this.#read()
    if (last === null) return null
    const { runId, configFile } = ours.server
    const settings = configFile === null ? null : await readSettings(configFile)
    const bootsReadOnly = settings?.values.has('replicaof') === true
    return judgeRestarted({ ours: ours.replication, theirs, runId, last, bootsReadOnly })
  }

  async #read(): Promise<Followed | null> {
    if (this.#path === null) return null
    await this.#writing
    if (this.#last !== undefined) return this.#last
    const read = await readWholeFile(this.#path, { maxBytes: 1024 })
    const text = read.ok ? read.bytes.toString('latin1') : ''
    const found = /^([0-9a-f]{40}) ([0-9a-f]{40})\n$/.exec(text)
    this.#last = found === null ? null : { history: found[1] ?? '', runId: found[2] ?? '' }
    return this.#last
  }
}

export interface RestartedCase {
  ours: RedisReplication
  theirs: RedisReplication
  /** Of our server now. */
  runId: string
  last: Followed
  /** Its configuration makes it follow nobody until it is told: `replicaof` is set. */
  bootsReadOnly: boolean
}

/** Whether all our server holds came from the history in which the peer's store writes; pure. */
export function judgeRestarted(facts: RestartedCase): StoreComparison | null {
  const { ours, theirs, runId, last, bootsReadOnly } = facts
  if (last.runId === runId || last.history !== theirs.history) return null
  if (!bootsReadOnly || ours.following?.readOnly !== true) return null
  return {
    verdict: 'same',
    ours: 0,
    sentence:
      "Our store was started again and forgot its history; it had followed the one in which the peer's still writes, and holds nothing of its own.",
  }
}
