/**
 * A real pair with Redis and MariaDB, or one of them, on both nodes, and applications that write to them
 * through the floating IP: what the bench and the tests of the stores stand on.
 *
 * Only what both need: to set it up, to know when it is whole, to break it and to bring it back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { StatusDocument } from '../control/schema.ts'
import { readStatus } from './agent-report.ts'
import { LabMariadb, mariadbConfigLines } from './mariadb.ts'
import { LabNode } from './node.ts'
import { askTandem, type PairDriver, tandemPair } from './pair.ts'
import { type LabNodeName, NODE_NAMES, otherNode, planLab } from './plan.ts'
import type { TimingProfileName } from './platform-files.ts'
import { LabRedis, redisConfigLines } from './redis.ts'
import { StoreClient } from './store-client.ts'
import { buildLab, type Lab } from './topology.ts'

export type StoreKind = 'redis' | 'mariadb'

export interface StorePairOptions {
  profile: TimingProfileName
  /** Of MariaDB; asynchronous without it. */
  semiSync?: boolean
  /** Both without it. */
  kinds?: readonly StoreKind[]
  /** Further lines of the last store's entry. */
  entry?: (workDir: string) => readonly string[]
  /** Lines below `tandem`, as those of `data`. */
  more?: readonly string[]
  /** Called when the platform's files are written, before anything starts. */
  prepared?: (lab: Lab) => Promise<void>
}

type Both<Value> = Readonly<Record<LabNodeName, Value>>
/** The stores of a node as its status shows them, by name. */
export type StoreViews = Readonly<Record<string, StatusDocument['stores'][number]>>

const WHOLE_WITHIN_MS = 60_000
const LOOK_AGAIN_MS = 50

export class StorePair {
  readonly lab: Lab
  readonly nodes: Both<LabNode>
  readonly redis: Both<LabRedis>
  readonly mariadb: Both<LabMariadb>
  readonly #driver: PairDriver
  readonly #kinds: readonly StoreKind[]
  readonly semiSync: boolean
  #clients = 0

  private constructor(lab: Lab, options: StorePairOptions) {
    const { workDir } = lab.plan
    const { profile, semiSync = false, kinds = ['redis', 'mariadb'], entry, more = [] } = options
    const lines = {
      redis: redisConfigLines(workDir),
      mariadb: mariadbConfigLines(workDir, { semiSync }),
    }
    const stores = [...kinds.flatMap((kind) => lines[kind]), ...(entry?.(workDir) ?? [])]
    this.lab = lab
    this.nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    this.redis = { sp1: new LabRedis(this.nodes.sp1), sp2: new LabRedis(this.nodes.sp2) }
    this.mariadb = { sp1: new LabMariadb(this.nodes.sp1), sp2: new LabMariadb(this.nodes.sp2) }
    this.#driver = tandemPair(profile, undefined, stores, more)
    this.#kinds = kinds
    this.semiSync = semiSync
  }

  /**
   * Builds the lab and starts everything on both nodes.
   *
   * @returns when one node serves with both stores and the other follows
   */
  static async build(prefix: string, options: StorePairOptions): Promise<StorePair> {
    const lab = await buildLab(planLab(prefix))
    try {
      const pair = new StorePair(lab, options)
      await pair.#driver.prepare(lab)
      await options.prepared?.(lab)
      await Promise.all(
        NODE_NAMES.map(async (name) => {
          await pair.nodes[name].reinstall()
          await pair.startOn(name)
        }),
      )
      await pair.whole()
      return pair
    } catch (error) {
      await lab.destroy()
      throw error
    }
  }

  /** Starts servers and agent on a node that runs nothing. */
  async startOn(name: LabNodeName): Promise<void> {
    await Promise.all(this.#kinds.map((kind) => this[kind][name].start()))
    await this.startAgent(name)
  }

  async startAgent(name: LabNodeName): Promise<void> {
    await this.#driver.start(this.nodes[name])
  }

  /** Runs an operator's command on a node. */
  ask(name: LabNodeName, command: string, ...words: string[]) {
    return askTandem(this.nodes[name], command, ...words)
  }

  /** What a command says as JSON; null when it fails, as while the agent does not answer. */
  async documentOf<Shape>(
    name: LabNodeName,
    command: string,
    ...words: string[]
  ): Promise<Shape | null> {
    const asked = await this.ask(name, command, ...words, '--json')
    return asked.ok ? (JSON.parse(asked.stdout) as Shape) : null
  }

  /** The status document of a node; null while its agent does not answer. */
  statusOf(name: LabNodeName): Promise<StatusDocument | null> {
    return readStatus(this.nodes[name])
  }

  /** The node is active by its agent's word, and its stores take writes. */
  async serves(name: LabNodeName): Promise<boolean> {
    const status = await this.statusOf(name)
    const writable = status?.stores.every(({ role }) => role === 'writable') === true
    return status?.local.state === 'active' && writable
  }

  /** What the agent of a node says of its stores; null while it does not answer. */
  async storesOf(name: LabNodeName): Promise<StoreViews | null> {
    const status = await this.statusOf(name)
    return status === null
      ? null
      : Object.fromEntries(status.stores.map((store) => [store.name, store]))
  }

  /** Which node serves, by its agent's word; null while none says so. */
  async active(): Promise<LabNodeName | null> {
    for (const name of NODE_NAMES) {
      if ((await this.statusOf(name))?.local.state === 'active') return name
    }
    return null
  }

  /**
   * Waits until one node serves and takes writes, and the other follows in every store; under semi-sync
   * also until writes wait for it.
   *
   * @returns the one that serves
   */
  async whole(limitMs = WHOLE_WITHIN_MS): Promise<LabNodeName> {
    let last = ''
    const endMs = performance.now() + limitMs
    while (performance.now() < endMs) {
      const name = await this.active()
      if (name !== null) {
        const [ours, theirs] = [await this.statusOf(name), await this.statusOf(otherNode(name))]
        last = JSON.stringify([ours, theirs].map((status) => brief(status)))
        const serves = ours?.stores.every(
          ({ kind, role, confirmsTogether }) =>
            role === 'writable' && (confirmsTogether || !this.semiSync || kind !== 'mariadb'),
        )
        const follows = theirs?.stores.every(({ following }) => following)
        if (ours !== null && serves && theirs !== null && follows) return name
      }
      await sleep(LOOK_AGAIN_MS)
    }
    throw new Error(`lab: the pair did not become whole: ${last}`)
  }

  /** Two applications that write to Redis and MariaDB from now on. */
  async startClients(
    perSecond: number,
  ): Promise<Readonly<Record<'redis' | 'mariadb', StoreClient>>> {
    this.#clients += 1
    const number = this.#clients
    return {
      redis: await StoreClient.start(this.lab, { kind: 'redis', number, perSecond }),
      mariadb: await StoreClient.start(this.lab, { kind: 'mariadb', number, perSecond }),
    }
  }

  /** Moves the role away from a node as an operator does. @returns what the command said */
  makeStandby(name: LabNodeName) {
    return this.ask(name, 'make-standby')
  }

  /** Boots a node whose power was cut, with everything on it. */
  async comeBack(name: LabNodeName): Promise<void> {
    await this.nodes[name].powerOn()
    await this.startOn(name)
  }

  async destroy(): Promise<void> {
    await this.lab.destroy()
  }
}

/** What one looks at when a pair does not become whole. */
function brief(status: StatusDocument | null) {
  const { local, peer, stores } = status ?? {}
  return {
    ...{ role: local?.role, sync: local?.sync, inSync: local?.inSync, sole: local?.sole },
    ...{ able: local?.able, hears: peer?.heard },
    stores: stores?.map(({ name, role, offset, following, confirmsTogether, trouble }) => ({
      ...{ name, role, offset, following, confirmsTogether, trouble },
    })),
  }
}
