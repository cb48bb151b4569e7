/**
 * How does one Redis server keep the contract of a store?
 *
 *     alone      REPLICAOF 127.0.0.1 1     read-only; nobody listens there (the packaged boot state)
 *     writable   REPLICAOF NO ONE
 *     following  REPLICAOF <peer>          only here what only we hold is lost; never part of a demotion
 *
 * Redis replicates asynchronously: `confirm` has nothing to do, and what a power cut takes is what was
 * on the wire. A planned move loses nothing: writes are held, both offsets are equal, we become
 * read-only before the peer becomes writable, and only then the held writes are answered (READONLY).
 * Held writes are let go by the server itself after `holdMs`; so whoever switches over asks for the
 * position once more after `demote` and waits for that one before it promotes the peer.
 *
 * A command whose answer did not come in time may still be carried out when a frozen server goes on.
 * So nothing that gives or takes a role is handed to a server that did not answer a moment before.
 *
 * The master and slave of Redis's own words stay behind this file and those beside it.
 */
import { readWholeFile } from '../system/file.ts'
import { NOWHERE, PROBE_KEY } from './redis-access.ts'
import { askAll, askDenied, askMay, askPeer, askReplication, type RedisLook } from './redis-ask.ts'
import { type CopyWays, copyAnew } from './redis-copy.ts'
import { FollowedHistory } from './redis-followed.ts'
import { countsUs, hazardsOf } from './redis-hazards.ts'
import { compareHistories } from './redis-history.ts'
import { keyCountOf, logBytesOf, parseInfo, type RedisReplication } from './redis-info.ts'
import { judgeRedis } from './redis-inspect.ts'
import { RedisLine, type RedisPlace } from './redis-line.ts'
import { RedisProcess } from './redis-process.ts'
import { losesMore, replicaOf, setAside } from './redis-return.ts'
import { directoriesOf } from './redis-save.ts'
import { readSettings } from './redis-settings.ts'
import { askShared } from './redis-shared.ts'
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

export interface RedisStoreOptions {
  name: string
  /** Our own server. */
  ours: RedisPlace
  /** The peer's server; the same account is used there. */
  peer: { address: string; port: number }
  /** Null is the account `default` without a password. */
  account: { username: string; password: string } | null
  /** Where our server keeps its files; null: as its configuration says. */
  dataDirectory: string | null
  pidFile: string | null
  /** Where it is remembered whom our server followed; left out: nowhere. */
  followedFile?: string
  /** Wall clock, for the names and texts of archives. */
  now: () => Date
}

/** Between two looks of a loop that waits for microseconds to milliseconds. */
const TIGHT_MS = 1

/** Between two looks of a loop that waits for a link or a copy. */
const LOOSE_MS = 5

/** How long one look waits for our server to reach what the peer's had a moment before. */
const CATCH_UP_MS = 100

const PROBE_LIFE_MS = 10_000

export class RedisStore implements ReplicatedStore {
  readonly name: string
  readonly kind = 'redis'
  readonly freezesAtOnce = true
  readonly #options: RedisStoreOptions
  readonly #process: RedisProcess
  readonly #followed: FollowedHistory
  /** One line per purpose: one that is given up at its limit takes no other call along. */
  readonly #commands: RedisLine
  readonly #looks: RedisLine
  readonly #probes: RedisLine
  readonly #peer: RedisLine
  readonly #peerLooks: RedisLine
  /** Until when writes are held by us, on the monotonic clock: our own probe would hang meanwhile. */
  #heldUntilMs = 0
  #probeNumber = 0

  constructor(options: RedisStoreOptions) {
    const { name, ours, peer, account, pidFile } = options
    this.name = name
    this.#options = options
    this.#process = new RedisProcess(name, pidFile)
    this.#followed = new FollowedHistory(options.followedFile ?? null)
    const line = (label: string, place: RedisPlace): RedisLine =>
      new RedisLine({ label, place, account })
    this.#commands = line(name, ours)
    this.#looks = line(name, ours)
    this.#probes = line(name, ours)
    this.#peer = line(`the peer's ${name}`, peer)
    this.#peerLooks = line(`the peer's ${name}`, peer)
  }

  monitor(limitMs: number): Promise<StoreResult<StoreReport>> {
    return answer(limitMs, async (limit) => {
      const look = await askAll(this.#looks, limit)
      this.#process.note(look.server)
      const { following, history } = look.replication
      const follows = await this.#follows(look, limit)
      if (follows) this.#followed.note({ history, runId: look.server.runId })
      return {
        role: following?.readOnly === true ? 'read-only' : 'writable',
        position: positionOf(look.replication),
        following: follows,
        applies: true,
        backlog: following?.linkUp === true ? following.receivedOffset - following.offset : null,
        logBytes: logBytesOf(look),
        confirmsTogether: false,
        hazards: hazardsOf(look, this.#options.peer),
        version: look.server.version,
      }
    })
  }

  freeze(limitMs: number, holdMs: number): Promise<StoreResult<StorePosition>> {
    return answer(limitMs, async (limit) => {
      const before = await askReplication(this.#commands, limit)
      if (before.following !== null) throw this.#refuse('freeze', 'it is read-only already')
      this.#heldUntilMs = performance.now() + holdMs
      try {
        await this.#commands.call(['CLIENT', 'PAUSE', String(Math.ceil(holdMs)), 'WRITE'], limit)
        // The server counts from when it heard us, later than we do.
        return positionOf(await askReplication(this.#commands, limit))
      } catch (cause) {
        // A refused one holds nothing; one without an answer may.
        if (cause instanceof StoreFailure && cause.fault.code !== 'HA_STORE_TIMEOUT') {
          this.#heldUntilMs = 0
        }
        throw cause
      }
    })
  }

  unfreeze(limitMs: number): Promise<StoreResult<void>> {
    return answer(limitMs, async (limit) => {
      await this.#commands.call(['CLIENT', 'UNPAUSE'], limit, true)
      this.#heldUntilMs = 0
    })
  }

  peerReached(position: StorePosition, limitMs: number): Promise<StoreResult<void>> {
    return answer(limitMs, async (limit) => {
      for (;;) {
        const theirs = await askReplication(this.#peer, limit)
        const { following } = theirs
        // Also after its promotion: up to where the two histories are one.
        const before = theirs.formerHistory === position.history ? theirs.formerEnd : null
        if (before !== null && position.offset < before) return
        const reached = following?.offset ?? theirs.offset
        if (theirs.history === position.history && reached >= position.offset) return
        const what = `the peer's ${this.name}: position ${position.offset} of ${position.history}`
        if (theirs.history !== position.history && following === null) {
          throw new StoreFailure(
            'HA_STORE_REFUSED',
            `${what}: it is writable and counts in ${theirs.history}, so it will never have that`,
          )
        }
        if (limit.leftMs() <= TIGHT_MS) {
          const has = `it has ${reached} of ${theirs.history}`
          throw new StoreFailure('HA_STORE_TIMEOUT', `${what}: ${has} after ${limitMs} ms`)
        }
        await pause(TIGHT_MS)
      }
    })
  }

  drain(limitMs: number): Promise<StoreResult<StorePosition>> {
    return answer(limitMs, async (limit) => {
      let before = -1
      for (;;) {
        const replication = await askReplication(this.#commands, limit)
        const { following } = replication
        if (following === null) return positionOf(replication)
        if (following.copying) throw this.#refuse('drain', "a copy of the peer's data is half done")
        // Two looks, because each is a turn in which the server reads what has arrived.
        const still = following.offset === before || limit.spentMs() > limitMs / 2
        if (still && following.receivedOffset === following.offset) return positionOf(replication)
        before = following.offset
        await pause(TIGHT_MS)
      }
    })
  }

  promote(limitMs: number): Promise<StoreResult<void>> {
    return answer(limitMs, async (limit) => {
      await this.#commands.call(['PING'], limit, true)
      this.#followed.forget()
      await this.#commands.call(['REPLICAOF', 'NO', 'ONE'], limit)
      const after = await askReplication(this.#commands, limit)
      if (after.following !== null) throw this.#refuse('promote', 'somebody made it follow again')
    })
  }

  demote(limitMs: number): Promise<StoreResult<void>> {
    return answer(limitMs, async (limit) => {
      // No question before: that it happens late is right, too.
      await this.#commands.call(replicaOf(NOWHERE), limit, true)
      const { following } = await askReplication(this.#commands, limit)
      if (following === null) throw this.#refuse('demote', 'somebody made it writable again')
      if (!following.readOnly) {
        throw this.#refuse(
          'demote',
          'it takes writes as a replica; write "replica-read-only yes" in redis.conf and restart it',
        )
      }
    })
  }

  dropClients(limitMs: number): Promise<StoreResult<number>> {
    return answer(limitMs, async (limit) => {
      // Our own would be counted and would break under somebody.
      this.#probes.hangUp()
      let count = 0
      for (const type of ['normal', 'pubsub']) {
        const kill = ['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes']
        count += Number(await this.#commands.call(kill, limit))
      }
      return count
    })
  }

  probe(role: StoreRole, limitMs: number): Promise<StoreResult<void>> {
    return answer(limitMs, async (limit) => {
      if (role === 'read-only' || performance.now() < this.#heldUntilMs) {
        const { persistence } = await askAll(this.#probes, limit)
        if (persistence.loading) throw this.#refuse('probe', 'it is still loading its data')
        return
      }
      this.#probeNumber += 1
      const number = String(this.#probeNumber)
      await this.#probes.call(['SET', PROBE_KEY, number, 'PX', String(PROBE_LIFE_MS)], limit, true)
    })
  }

  /** Nothing to be done: no write of Redis waits for the peer, whatever is asked. */
  confirm(_alone: boolean, limitMs: number): Promise<StoreResult<void>> {
    return answer(limitMs, async () => undefined)
  }

  compare(limitMs: number): Promise<StoreResult<StoreComparison>> {
    return answer(limitMs, (limit) => this.#compare(limit))
  }

  archive(directory: string, limitMs: number): Promise<StoreResult<StoreArchive>> {
    return answer(limitMs, (limit) => this.#setAside(directory, limit))
  }

  rejoin(comparison: StoreComparison, limitMs: number): Promise<StoreResult<RejoinWay>> {
    return answer(limitMs, async (limit) => {
      const before = await askReplication(this.#commands, limit)
      if (before.following === null) {
        throw this.#refuse('rejoin', 'it is writable; demote it first, then compare again')
      }
      const now = await this.#compare(limit)
      if (losesMore(now, comparison)) {
        throw this.#refuse('rejoin', `since the comparison it changed: ${now.sentence}`)
      }
      const copies = await this.#copiesMade(limit)
      await this.#commands.call(replicaOf(this.#options.peer), limit)
      for (;;) {
        const look = await askAll(this.#commands, limit)
        if (look.replication.following?.linkUp === true) {
          const copied = (await this.#copiesMade(limit)) !== copies
          if (await this.#follows(look, limit, !copied)) return copied ? 'copied' : 'resumed'
        }
        await pause(LOOSE_MS)
      }
    })
  }

  copy(request: CopyRequest, limitMs: number): Promise<StoreResult<StoreArchive>> {
    const ways: CopyWays = {
      ...{ line: this.#commands, peer: this.#options.peer },
      compare: (limit) => this.#compare(limit),
      setAside: (directory, limit) => this.#setAside(directory, limit),
      copiesMade: (limit) => this.#copiesMade(limit),
      follows: (look, limit) => this.#follows(look, limit),
      refuse: (why) => this.#refuse('copy', why),
    }
    return answer(limitMs, (limit) => copyAnew(ways, request, limit))
  }

  inspect(limitMs: number): Promise<StoreResult<readonly StoreFinding[]>> {
    return answer(limitMs, async (limit) => {
      const look = await askAll(this.#looks, limit)
      const { configFile } = look.server
      const username = this.#options.account?.username ?? 'default'
      const overcommit = await readWholeFile('/proc/sys/vm/overcommit_memory', { maxBytes: 64 })
      return judgeRedis({
        ...look,
        settings: configFile === null ? null : await readSettings(configFile),
        peer: await askPeer(this.#peer, limit),
        denied: await askDenied(this.#looks, username, limit),
        defaultMayPromote: await askMay(this.#looks, 'default', ['REPLICAOF', 'NO', 'ONE'], limit),
        overcommit: overcommit.ok ? overcommit.bytes.toString('latin1').trim() : null,
        username,
        secured: this.#options.account !== null,
      })
    })
  }

  async kill(): Promise<StoreResult<void>> {
    return await answer(0, async () => {
      await this.#process.kill()
      this.#heldUntilMs = 0
    })
  }

  directories(limitMs: number): Promise<StoreResult<readonly string[]>> {
    const { dataDirectory } = this.#options
    return answer(limitMs, (limit) => directoriesOf(this.#looks, dataDirectory, limit))
  }

  settings(limitMs: number): Promise<StoreResult<ReadonlyMap<string, string>>> {
    return answer(limitMs, (limit) => askShared(this.#looks, limit))
  }

  close(): void {
    for (const line of this.#lines()) line.close()
  }

  #lines(): RedisLine[] {
    return [this.#commands, this.#looks, this.#probes, this.#peer, this.#peerLooks]
  }

  #refuse(what: string, why: string): StoreFailure {
    return new StoreFailure('HA_STORE_REFUSED', `${this.name}: ${what}: ${why}`)
  }

  /**
   * Whether what the peer writes arrives here: linked, counted over there, something has come since
   * the last copy, and our offset reaches what the peer's was in this very look. A link alone says
   * nothing: after a copy both sides call it up to a second before anything flows, and neither the
   * peer's "online" nor the offset it has confirmed tells (seen: confirmed, and 1 s without a byte).
   *
   * @param resumed  the stream went on where it was, so that it flows from the first moment
   */
  async #follows(look: RedisLook, limit: Limit, resumed = false): Promise<boolean> {
    const { following } = look.replication
    if (following === null || !following.linkUp || following.copying) return false
    if (!following.streamed && !resumed) return false
    let theirs: RedisReplication
    try {
      theirs = await askReplication(this.#peerLooks, new Limit(limit.leftMs() / 2))
    } catch (cause) {
      if (cause instanceof StoreFailure) return false
      throw cause
    }
    if (!countsUs(theirs, look)) return false
    const endMs = Math.min(limit.leftMs() / 2, CATCH_UP_MS) + limit.spentMs()
    let ours = look.replication
    while ((ours.following?.offset ?? -1) < theirs.offset) {
      if (limit.spentMs() >= endMs) return false
      await pause(TIGHT_MS)
      ours = await askReplication(this.#looks, limit)
      if (ours.following === null || !ours.following.linkUp) return false
    }
    return true
  }

  async #setAside(directory: string, limit: Limit): Promise<StoreArchive> {
    // Without the peer an archive is as good; only the count is not known then.
    const comparison = await this.#compare(new Limit(limit.leftMs() / 4)).catch((cause) => {
      if (cause instanceof StoreFailure) return null
      throw cause
    })
    const { dataDirectory, now } = this.#options
    const what = { name: this.name, line: this.#commands, dataDirectory, directory }
    return setAside({ ...what, at: now(), comparison }, limit)
  }

  async #compare(limit: Limit): Promise<StoreComparison> {
    const theirs = await askReplication(this.#peer, limit)
    if (theirs.following?.readOnly === true) {
      throw this.#refuse(
        'compare',
        "the peer's store is read-only, so its history is not the one to follow",
      )
    }
    const ours = await askAll(this.#commands, limit)
    // Half loaded it looks emptier than it is.
    if (ours.persistence.loading) throw this.#refuse('compare', 'it is still loading its data')
    const { replication } = ours
    // Over a link that stands more came in while we asked: the peer's own, and nothing of ours.
    const flows = replication.following?.linkUp === true && replication.history === theirs.history
    const seen = flows ? { ...theirs, offset: Math.max(theirs.offset, replication.offset) } : theirs
    const compared = compareHistories(replication, seen, keyCountOf(ours.fields) === 0)
    if (compared.verdict !== 'unknown') return compared
    return (await this.#followed.compare(ours, theirs)) ?? compared
  }

  /** How many times the peer's server made a whole copy for a replica. */
  async #copiesMade(limit: Limit): Promise<string> {
    const fields = parseInfo(await this.#peer.text(['INFO', 'server', 'stats'], limit, true))
    return `${fields.get('run_id')} ${fields.get('sync_full')}`
  }
}

function positionOf({ history, offset, following }: RedisReplication): StorePosition {
  return { history, offset: following?.offset ?? offset }
}
