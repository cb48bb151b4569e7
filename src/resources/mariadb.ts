/**
 * How is a MariaDB server kept as a store of the pair?
 *
 * The contract of `replicated-store.ts`, for two servers that follow each other in one direction at a
 * time: on the active no slave thread runs, on the standby they do. What a server may do is said by its
 * `read_only`, and it boots with that set. One GTID domain in strict mode: a server with transactions
 * the other never saw stops before it merges a row.
 *
 * What takes long or may hang has a lane of its own, so that looking and probing go on meanwhile.
 * What makes this up is in the files beside it; here is only the order of the steps.
 */
import { dirname, isAbsolute, resolve } from 'node:path'
import { newestOf, parseGtidList } from './gtid.ts'
import { blockersOf, type Own } from './mariadb-blockers.ts'
import { Lane } from './mariadb-door.ts'
import { judgeFailure, SqlFailure } from './mariadb-fault.ts'
import { closeByForce, endApplications, gaveUp } from './mariadb-freeze.ts'
import { HazardWatch } from './mariadb-hazards.ts'
import { WriteHold } from './mariadb-hold.ts'
import { inspectServer } from './mariadb-inspect.ts'
import { linkFault } from './mariadb-link.ts'
import type { MariadbOptions } from './mariadb-options.ts'
import { MariadbProcess } from './mariadb-process.ts'
import { MariadbReturn, sentence } from './mariadb-return.ts'
import { SemiSync } from './mariadb-semi-sync.ts'
import { askShared } from './mariadb-shared.ts'
import {
  backlogOf,
  Flow,
  isLinked,
  linksTo,
  lookAtServer,
  onlyReceives,
  positionOf,
  type ReplicationStatus,
  type ServerState,
} from './mariadb-status.ts'
import { drainReceived, waitForPosition } from './mariadb-wait.ts'
import type {
  CopyRequest,
  RejoinWay,
  ReplicatedStore,
  StoreArchive,
  StoreComparison,
  StoreFinding,
  StorePosition,
  StoreReport,
  StoreResult,
  StoreRole,
} from './replicated-store.ts'
import { answer, Limit, pause, StoreFailure } from './store-result.ts'

/** Stopping the receiver of a peer that is dead takes some 2 s; nobody waits for it. */
const STOP_LIMIT_MS = 15_000
/** So long a kill may take, from the first look. */
const KILL_LIMIT_MS = 5000

export class MariadbStore implements ReplicatedStore {
  readonly name: string
  readonly kind = 'mariadb'
  readonly freezesAtOnce = false
  readonly #options: MariadbOptions
  readonly #own: Own
  readonly #label: string
  readonly #look: Lane
  readonly #act: Lane
  readonly #probe: Lane
  readonly #peer: Lane
  readonly #background: Lane
  readonly #hazards: HazardWatch
  readonly #process: MariadbProcess
  readonly #flow = new Flow()
  readonly #semiSync: SemiSync
  readonly #return: MariadbReturn
  /** Of a freeze of ours. */
  readonly #hold: WriteHold
  /** The slave threads are being stopped after a promotion. */
  #stopping: Promise<void> = Promise.resolve()
  #probes = 0

  constructor(options: MariadbOptions) {
    const login = { user: options.user, password: options.password }
    const ours = (): Lane => new Lane(options.server, login)
    this.name = options.name
    this.#options = options
    const { user, replicationUser, verifyUser = null } = options
    this.#own = { user, replicationUser, verifyUser }
    this.#label = `store ${options.name}`
    this.#look = ours()
    this.#act = ours()
    this.#probe = ours()
    this.#background = ours()
    this.#peer = new Lane(options.peer, login)
    this.#hold = new WriteHold(() => new Lane(options.server, login, 'one'))
    this.#semiSync = new SemiSync(this.#act, options.semiSyncTimeoutMs)
    const known = [options.user, options.undo?.user ?? options.user]
    this.#hazards = new HazardWatch(this.#own, known, ours())
    this.#process = new MariadbProcess(options.pidFile)
    this.#return = new MariadbReturn(options, {
      look: this.#look,
      act: this.#act,
      peer: this.#peer,
      state: (limit) => this.#state(limit),
      stopSlaves: (limit) => this.#stopSlaves(limit),
      stopInBackground: () => this.#stopInBackground(),
    })
  }

  monitor(limitMs: number): Promise<StoreResult<StoreReport>> {
    return this.#call('look', limitMs, async (limit) => {
      const state = await this.#state(limit)
      this.#keepReady(limit)
      const hazards = await this.#hazards.look(this.#look, state, performance.now(), limit)
      const link = state.role === 'read-only' ? state.replication : null
      const broken = this.#linkTrouble(link)
      return {
        role: state.role,
        position: positionOf(state),
        following: linksTo(link, this.#options.peer) && this.#flow.follows(link, performance.now()),
        applies: link === null || !onlyReceives(link),
        backlog: backlogOf(state),
        logBytes: null,
        confirmsTogether: this.#semiSync.judge(state.semiSync, performance.now()),
        hazards: broken === null ? hazards : [sentence(broken), ...hazards],
        version: state.version,
      }
    })
  }

  freeze(limitMs: number, _holdMs: number): Promise<StoreResult<StorePosition>> {
    return this.#call('freeze', limitMs, async (limit) => {
      await this.#hold.take(this.#look, this.#own, limit, (why) => this.#refusal('freeze', why))
      return await this.#writtenPosition(limit)
    })
  }

  unfreeze(limitMs: number): Promise<StoreResult<void>> {
    return this.#call('unfreeze', limitMs, (limit) => this.#hold.release(limit))
  }

  peerReached(position: StorePosition, limitMs: number): Promise<StoreResult<void>> {
    return this.#call('wait for the peer', limitMs, async (limit) => {
      await waitForPosition(this.#peer, this.#peer.where, position, limit)
      if (this.#hold.lost) throw this.#refusal('freeze', 'the session with the lock was ended')
    })
  }

  drain(limitMs: number): Promise<StoreResult<StorePosition>> {
    return this.#call('apply what was received', limitMs, (limit) =>
      drainReceived(this.#act, this.#peer.where, limit),
    )
  }

  promote(limitMs: number): Promise<StoreResult<void>> {
    return this.#call('promote', limitMs, async (limit) => {
      await this.#return.assertNoneBegun(limit)
      await this.#semiSync.promote(limit)
      this.#hold.drop()
      this.#stopInBackground()
    })
  }

  demote(limitMs: number): Promise<StoreResult<void>> {
    return this.#call('demote', limitMs, async (limit) => {
      await closeByForce(this.#lanes(), this.#own, limit, (why) => this.#refusal('demote', why))
      // What is held now must be ended before it is let go, or be refused at last.
      if (this.#hold.stands) await endApplications(this.#lanes(), this.#own, limit, 'all')
      await this.#hold.release(limit)
      await this.#semiSync.order(true, limit)
      await this.#stopSlaves(limit)
      // Their COMMIT can only be refused, and their locks would hold up what comes from the peer.
      await endApplications(this.#lanes(), this.#own, limit, 'holding-rows')
    })
  }

  dropClients(limitMs: number): Promise<StoreResult<number>> {
    return this.#call('cut clients off', limitMs, (limit) =>
      endApplications(this.#lanes(), this.#own, limit, 'all'),
    )
  }

  probe(role: StoreRole, limitMs: number): Promise<StoreResult<void>> {
    return this.#call('probe', limitMs, async (limit) => {
      // A write would wait for the lock that we hold ourselves.
      if (role !== 'writable' || this.#hold.stands) {
        await this.#probe.ask('SELECT number FROM tandem.probe WHERE id=1', limit)
        await this.#return.assertWhole(this.#probe, limit)
        return
      }
      this.#probes += 1
      // The server gives up before we do, so that a lock of somebody is told from a hung disk.
      const seconds = (limit.leftMs() * 0.7) / 1000
      try {
        // Our account may write on a read-only server, where this would be a transaction of its own.
        const { affected } = await this.#probe.ask(
          `SET STATEMENT max_statement_time=${seconds.toFixed(3)} FOR
            INSERT INTO tandem.probe (id, number, at)
            SELECT 1, ${this.#probes}, NOW(6) FROM DUAL WHERE @@global.read_only = 0
            ON DUPLICATE KEY UPDATE number=VALUES(number), at=VALUES(at)`,
          limit,
        )
        if (affected === 0) throw this.#refusal('probe', 'the server is read-only; promote it')
      } catch (failure) {
        if (!gaveUp(failure)) throw failure
        const who = await blockersOf(this.#look, this.#own, limit)
        throw this.#refusal('probe', `nothing can be written: ${who}`)
      }
    })
  }

  confirm(alone: boolean, limitMs: number): Promise<StoreResult<void>> {
    return this.#call('confirm', limitMs, async (limit) => {
      if (this.#options.semiSync) await this.#semiSync.order(alone, limit)
    })
  }

  compare(limitMs: number): Promise<StoreResult<StoreComparison>> {
    return this.#call('compare', limitMs, (limit) => this.#return.compare(limit))
  }

  archive(directory: string, limitMs: number): Promise<StoreResult<StoreArchive>> {
    return this.#call('set aside', limitMs, (limit) => this.#return.archive(directory, limit))
  }

  rejoin(comparison: StoreComparison, limitMs: number): Promise<StoreResult<RejoinWay>> {
    return this.#call('rejoin', limitMs, (limit) => this.#return.rejoin(comparison, limit))
  }

  copy(request: CopyRequest, limitMs: number): Promise<StoreResult<StoreArchive>> {
    return this.#call('copy', limitMs, (limit) => this.#return.copy(request, limit))
  }

  inspect(limitMs: number): Promise<StoreResult<readonly StoreFinding[]>> {
    const { replicationUser, replicationPassword, peer, server, undo, semiSync } = this.#options
    const replication = new Lane(peer, { user: replicationUser, password: replicationPassword })
    const undoing = undo === null ? null : new Lane(server, undo)
    const steps = async (limit: Limit): Promise<readonly StoreFinding[]> => {
      try {
        const state = await this.#state(limit)
        const { pid } = this.#process
        const lanes = { look: this.#look, peer: this.#peer, replication, undo: undoing }
        return await inspectServer({ ...lanes, state, semiSync, pid }, limit)
      } finally {
        replication.close()
        undoing?.close()
      }
    }
    return this.#call('inspect', limitMs, steps)
  }

  kill(): Promise<StoreResult<void>> {
    return this.#call('kill', KILL_LIMIT_MS, () => this.#process.kill())
  }

  directories(limitMs: number): Promise<StoreResult<readonly string[]>> {
    return this.#call('look', limitMs, async (limit) => {
      const { dataDirectory, binlogBase } = await this.#state(limit)
      const binlogs = this.#options.binlogDirectory ?? (binlogBase && dirname(binlogBase))
      const told = [dataDirectory, binlogs].filter((path) => path !== null && isAbsolute(path))
      return told.map((path) => resolve(path ?? ''))
    })
  }

  settings(limitMs: number): Promise<StoreResult<ReadonlyMap<string, string>>> {
    return this.#call('look', limitMs, (limit) => askShared(this.#look, limit))
  }

  close(): void {
    for (const lane of [this.#look, this.#act, this.#probe, this.#peer, this.#background]) {
      lane.close()
    }
    this.#hold.drop()
    this.#hazards.close()
  }

  /** What is wrong with a standby's link; null for one that is alone. */
  #linkTrouble(link: ReplicationStatus | null): string | null {
    if (link === null || !isLinked(link)) return null
    if (linksTo(link, this.#options.peer)) return linkFault(link, this.#peer.where)?.message ?? null
    return `It follows ${link.host}:${link.port} instead of the peer; demote and rejoin it`
  }

  #lanes(): { act: Lane; look: Lane } {
    return { act: this.#act, look: this.#look }
  }

  async #state(limit: Limit): Promise<ServerState> {
    const state = await lookAtServer(this.#look, limit)
    await this.#process.note(state)
    return state
  }

  /** Connections for what must be quick, and go on being possible when the server is full. */
  #keepReady(limit: Limit): void {
    for (const lane of [this.#act, this.#peer]) {
      if (lane.sessionId === null) lane.ask('DO 0', limit).catch(() => undefined)
    }
  }

  async #writtenPosition(limit: Limit): Promise<StorePosition> {
    const { rows } = await this.#hold.ask(
      'SELECT @@global.gtid_binlog_pos AS pos, @@global.gtid_domain_id AS domain',
      limit,
    )
    const domain = Number(rows[0]?.['domain'])
    const newest = newestOf(parseGtidList(rows[0]?.['pos'] ?? '') ?? [], domain)
    return { history: String(domain), offset: newest?.sequence ?? 0 }
  }

  async #stopSlaves(limit: Limit): Promise<void> {
    await Promise.race([this.#stopping, pause(limit.leftMs())])
    await this.#act.ask('STOP ALL SLAVES', limit)
  }

  #stopInBackground(): void {
    this.#stopping = this.#background.ask('STOP ALL SLAVES', new Limit(STOP_LIMIT_MS)).then(
      () => undefined,
      // A look sees that they still run, and says so.
      () => undefined,
    )
  }

  #refusal(what: string, why: string): StoreFailure {
    return new StoreFailure('HA_STORE_REFUSED', `${this.#label}: ${what}: ${why}`)
  }

  #call<Value>(
    what: string,
    limitMs: number,
    steps: (limit: Limit) => Promise<Value>,
  ): Promise<StoreResult<Value>> {
    return answer(limitMs, async (limit) => {
      try {
        return await steps(limit)
      } catch (failure) {
        if (failure instanceof StoreFailure && !failure.message.startsWith(this.#label)) {
          const { code, message } = failure.fault
          throw new StoreFailure(code, `${this.#label}: ${what}: ${message}`)
        }
        if (!(failure instanceof SqlFailure)) throw failure
        const { code, why } = judgeFailure(failure)
        const span = code === 'HA_STORE_TIMEOUT' ? ` (limit ${Math.round(limitMs)} ms)` : ''
        throw new StoreFailure(code, `${this.#label}: ${what}: ${failure.where}: ${why}${span}`)
      }
    })
  }
}
