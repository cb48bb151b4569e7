/**
 * How does a server that is read-only and alone come to follow the peer's again?
 *
 * Compare, set aside, give up, link, in this order, each asked for by the manager; here it is seen to
 * that none is left out. What is given up is exactly what the last archive of this process set aside, and
 * the comparison is made anew before anything is changed: the other server goes on meanwhile.
 */
import { dirname, join } from 'node:path'
import { makeFreshDirectory } from '../system/set-aside.ts'
import { formatGtidRange, parseGtidList } from './gtid.ts'
import { type MariadbArchive, writeArchive } from './mariadb-archive.ts'
import { type Divergence, judgeHistories, logIsComplete } from './mariadb-compare.ts'
import {
  archiveWhole,
  assertMayCopy,
  type CopySides,
  fetchPeer,
  forget,
  pendingCopy,
  replaceOurs,
} from './mariadb-copy.ts'
import { Lane } from './mariadb-door.ts'
import { SqlFailure } from './mariadb-fault.ts'
import { awaitFollowing, startFollowing } from './mariadb-link.ts'
import type { MariadbOptions } from './mariadb-options.ts'
import { linksTo, type ServerState } from './mariadb-status.ts'
import { type PendingUndo, pendingUndo, undoTail } from './mariadb-undo.ts'
import type { CopyRequest, RejoinWay, StoreArchive, StoreComparison } from './replicated-store.ts'
import { Limit, StoreFailure } from './store-result.ts'

/** What the store lends for it. */
export interface ReturnWays {
  look: Lane
  act: Lane
  peer: Lane
  state(limit: Limit): Promise<ServerState>
  stopSlaves(limit: Limit): Promise<void>
  stopInBackground(): void
}

/** Of each question while everything is copied. */
const QUESTION_MS = 30_000

const COPY = 'copy this server anew from the active: tandem data rejoin NAME --copy'

export class MariadbReturn {
  readonly #options: MariadbOptions
  readonly #ways: ReturnWays
  #archived: MariadbArchive | null = null

  constructor(options: MariadbOptions, ways: ReturnWays) {
    this.#options = options
    this.#ways = ways
  }

  async compare(limit: Limit): Promise<StoreComparison> {
    const copy = await this.#pendingCopy(limit)
    if (copy !== null) throw refuse(halfCopied(copy))
    const pending = await this.#pending(limit)
    if (pending !== null) {
      return { verdict: 'ahead', ours: pending.count, sentence: sentence(interrupted(pending)) }
    }
    const found = await this.#divergence(await this.#ways.state(limit), limit)
    return { verdict: found.verdict, ours: found.ours, sentence: sentence(found.sentence) }
  }

  async archive(directory: string, limit: Limit): Promise<StoreArchive> {
    const pending = await this.#pending(limit)
    if (pending !== null) {
      const words = `${pending.range} was set aside in ${pending.archive} before.`
      return { paths: [pending.archive], count: pending.count, sentence: words }
    }
    const state = await this.#ways.state(limit)
    const divergence = await this.#divergence(state, limit)
    if (divergence.verdict === 'same') {
      return { paths: [], count: 0, sentence: 'There is nothing that only we hold.' }
    }
    if (divergence.verdict === 'unknown') {
      throw refuse(`${divergence.sentence}; ${COPY}`)
    }
    const told = state.binlogBase?.replace(/\/[^/]*$/, '')
    const binlogDirectory = this.#options.binlogDirectory ?? told
    if (binlogDirectory === undefined) {
      throw refuse('the server does not tell where its binary log lies')
    }
    const { name, now } = this.#options
    const nowIso = (now?.() ?? new Date()).toISOString()
    const request = { name, directory, binlogDirectory, divergence, state, nowIso }
    this.#archived = await writeArchive(this.#ways.look, request, limit)
    const { paths, count, sentence: words } = this.#archived
    return { paths, count, sentence: sentence(words) }
  }

  async rejoin(comparison: StoreComparison, limit: Limit): Promise<RejoinWay> {
    const state = await this.#ways.state(limit)
    if (state.role === 'writable') {
      throw refuse('it is writable, so linking could merge; demote it first')
    }
    const copy = await this.#pendingCopy(limit)
    if (copy !== null) throw refuse(halfCopied(copy))
    const pending = await this.#pending(limit)
    const divergence = await this.#divergence(state, limit)
    if (pending === null && divergence.verdict === 'same') {
      await this.#link(state, limit)
      return 'resumed'
    }
    if (comparison.verdict === 'same') {
      throw refuse(`${divergence.sentence}, since it was compared; compare again`)
    }
    if (pending === null) this.#assertSetAside(divergence)
    await this.#undo(pending, limit)
    await this.#link(await this.#ways.state(limit), limit)
    return 'undone'
  }

  /** Sets everything aside, copies everything from the peer, and follows it. */
  async copy(request: CopyRequest, limit: Limit): Promise<StoreArchive> {
    const { undo: login, server: ours, peer, name, now } = this.#options
    if (login === null) {
      throw refuse('no account to copy with is configured (undo_user, undo_password_file)')
    }
    const sides = { ours, peer, login }
    await this.#assertPeerServes(new Limit(QUESTION_MS))
    await assertMayCopy(sides)
    const nowIso = (now?.() ?? new Date()).toISOString()
    const fetched = join(request.directory, `${name}-${Date.parse(nowIso)}-peer.partial`)
    const made = await makeFreshDirectory(fetched)
    if (!made.ok) throw refuse(made.message)
    try {
      request.tell("the peer's data is being copied to a file")
      const copy = await fetchPeer(sides, fetched, limit)
      request.tell('our data is being set aside')
      const archive = await this.#archiveAll(sides, { ...request, nowIso }, limit)
      request.tell(archive.sentence)
      const replaced = await request.whenStill(async () => {
        const { role } = await this.#ways.state(new Limit(QUESTION_MS))
        if (role === 'writable') throw refuse('it is writable; demote it first')
        await this.#ways.stopSlaves(new Limit(QUESTION_MS))
        request.tell('our server is emptied and filled')
        const before = dirname(archive.paths[0] ?? '')
        await replaceOurs(sides, { copy, archive: before }, limit)
        this.#archived = null
        // Where the peer is gone by now it is linked later, as any other that returns.
        const linking = new Limit(QUESTION_MS)
        await this.#link(await this.#ways.state(linking), linking)
        return true
      })
      if (replaced === null) throw refuse('the role changed; nothing was changed here')
      return archive
    } finally {
      await forget(fetched)
    }
  }

  /** Also what only we hold, transaction by transaction, where that can be exported. */
  async #archiveAll(
    sides: CopySides,
    { directory, nowIso, tell }: CopyRequest & { nowIso: string },
    limit: Limit,
  ): Promise<StoreArchive> {
    const pending = await this.#pendingCopy(new Limit(QUESTION_MS))
    if (pending !== null) {
      return {
        paths: [join(pending, 'README.txt')],
        count: null,
        sentence: `Our data was set aside in ${pending} before.`,
      }
    }
    const { name } = this.#options
    const { verdict, ours: count, sentence: words } = await this.compare(new Limit(QUESTION_MS))
    const whole = await archiveWhole(sides, { name, directory, nowIso, sentence: words }, limit)
    if (verdict !== 'ahead') return whole
    try {
      const exported = await this.archive(directory, limit)
      return { ...whole, count, paths: [...whole.paths, ...exported.paths] }
    } catch (failure) {
      if (!(failure instanceof StoreFailure)) throw failure
      tell(`what only we hold could not be exported by itself: ${failure.message}`)
      return { ...whole, count }
    }
  }

  async #assertPeerServes(limit: Limit): Promise<void> {
    const { peer } = this.#ways
    const { rows } = await peer.ask('SELECT @@global.read_only AS ro', limit)
    if (rows[0]?.['ro'] !== '0') {
      throw refuse(`${peer.where} is read-only, so its data is not the one to copy`)
    }
  }

  /** A server in the middle of giving something up has rows and numbers that do not fit. */
  async assertNoneBegun(limit: Limit): Promise<void> {
    const pending = await this.#pending(limit)
    if (pending !== null) throw refuse(interrupted(pending))
    const copy = await this.#pendingCopy(limit)
    if (copy !== null) throw refuse(halfCopied(copy))
  }

  #assertSetAside(divergence: Divergence): void {
    if (divergence.verdict === 'unknown') throw refuse(`${divergence.sentence}; ${COPY}`)
    if (this.#archived === null || rangesOf(this.#archived.divergence) !== rangesOf(divergence)) {
      throw refuse('what only we hold is not set aside yet; archive it first')
    }
  }

  async #undo(pending: PendingUndo | null, limit: Limit): Promise<void> {
    const { undo, server } = this.#options
    if (undo === null) throw refuse(`no account to undo with is configured; ${COPY}`)
    await this.#ways.stopSlaves(limit)
    const lane = new Lane(server, undo, 'one')
    try {
      const { look } = this.#ways
      const why = await undoTail({ look, undo: lane, pending, archived: this.#archived }, limit)
      if (why !== null) throw refuse(`${why}; ${COPY}`)
    } finally {
      lane.close()
    }
    this.#archived = null
  }

  #pending(limit: Limit): Promise<PendingUndo | null> {
    return this.#noted((lane) => pendingUndo(lane, limit))
  }

  #pendingCopy(limit: Limit): Promise<string | null> {
    return this.#noted((lane) => pendingCopy(lane, limit))
  }

  /** Refuses a server whose data is not whole, asked on a lane that nothing holds up. */
  async assertWhole(lane: Lane, limit: Limit): Promise<void> {
    const copy = await this.#noted(() => pendingCopy(lane, limit))
    if (copy !== null) throw refuse(halfCopied(copy))
  }

  /** Null also where our tables are not: then nothing was ever begun. */
  async #noted<Note>(ask: (lane: Lane) => Promise<Note | null>): Promise<Note | null> {
    try {
      return await ask(this.#ways.act)
    } catch (failure) {
      if (failure instanceof SqlFailure && failure.errno > 0) return null
      throw failure
    }
  }

  async #divergence(state: ServerState, limit: Limit): Promise<Divergence> {
    const { peer } = this.#ways
    const { rows } = await peer.ask(
      `SELECT @@global.server_id AS id, @@global.log_bin AS log_bin,
        @@global.gtid_binlog_state AS state`,
      limit,
    )
    const row = rows[0] ?? {}
    const list = parseGtidList(row['state'] ?? '')
    if (list === null) throw refuse(`the GTID state of ${peer.where} cannot be read`)
    if (Number(row['id']) === state.server) {
      throw refuse(
        `our server and ${peer.where} have the same server_id ${state.server}; give them different ones (or is it the same server?)`,
      )
    }
    const empty = state.binlogState.length === 0 && state.slavePos.length === 0
    return judgeHistories(state, {
      binlogOn: row['log_bin'] === '1',
      state: list,
      complete: empty && (await logIsComplete(peer, limit)),
    })
  }

  async #link(state: ServerState, limit: Limit): Promise<void> {
    const { peer, replicationUser: user, replicationPassword: password } = this.#options
    const { look, act, peer: lane } = this.#ways
    const { replication: link } = state
    const up = link?.receiver === 'yes' && link.applier && link.heard
    if (up && linksTo(link, peer)) return
    await this.#ways.stopSlaves(limit)
    try {
      await startFollowing(act, { state, peer, replication: { user, password } }, limit)
      await awaitFollowing(look, lane.where, limit)
    } catch (failure) {
      // Not following must be alone, or it might begin to when nobody looks.
      this.#ways.stopInBackground()
      throw failure
    }
  }
}

function rangesOf({ errant }: Divergence): string {
  return errant.map(formatGtidRange).join()
}

function interrupted({ range, archive }: PendingUndo): string {
  return `giving up ${range} was interrupted (it is set aside in ${archive}); rejoin finishes it`
}

function halfCopied(archive: string): string {
  return `copying it anew was interrupted, so its data is not whole (what it held is in ${archive}); finish it with: tandem data rejoin NAME --copy`
}

/** A clause as a sentence for people. */
export function sentence(words: string): string {
  const begun = words.charAt(0).toUpperCase() + words.slice(1)
  return begun.endsWith('.') ? begun : `${begun}.`
}

function refuse(why: string): StoreFailure {
  return new StoreFailure('HA_STORE_REFUSED', why)
}
