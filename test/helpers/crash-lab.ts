/**
 * A real pair with Redis and MariaDB whose agents die: each agent under a supervisor that does what systemd
 * does (the crash helper, another agent), each server started again when it was killed, an assassin between
 * every agent and its stores, and clients that write through the floating IP all the time.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { controlClient } from '../../src/control/client.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { LabMariadb, MARIADB_PORT, mariadbConfigLines } from '../../src/lab/mariadb.ts'
import { LabNode } from '../../src/lab/node.ts'
import { tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, namespaceOf, otherNode, planLab } from '../../src/lab/plan.ts'
import {
  attempt,
  inside,
  killTogether,
  killUntilGone,
  type Running,
  realtime,
  startProgram,
} from '../../src/lab/process.ts'
import { builtFile, labProgram, packageRoot } from '../../src/lab/program.ts'
import { LabRedis, REDIS_PORT, redisConfigLines } from '../../src/lab/redis.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'

export const NAMES = ['sp1', 'sp2'] as const
export const KINDS = ['redis', 'mariadb'] as const
/** Acknowledged writes that a client asks for, per second. */
export const RATE = 500
/** The same of a client that only shows which node answers. */
const WAY_RATE = 50
/** Slower than the default, so that on a slow machine an agent is back before the other node takes over. */
export const LETTERS = { H: 200, S: 1000, L: 2000, M: 1000, C: 1000 }
/** Where an agent finds its stores: at the assassin. */
const RELAYS = { redis: 6380, mariadb: 3307 }
const FIXTURES = join(import.meta.dirname, '../fixtures/lab')
const PATIENCE_MS = 150_000
/** Longer than preparing a switchover may take. */
const ASK_AGAIN_MS = 12_000

/** What the assassin waits for; see there. */
export type Order =
  | { command: string[]; when: 'before' | 'after' }
  | { roles: string[] }
  | { log: string }

/** One acknowledged write; the moment is of the monotonic clock, the same in every process. */
export interface Write {
  key: string
  atMs: number
}

/** What clients were told from their start to their stop. */
export interface Traffic {
  writes: Record<'redis' | 'mariadb', Write[]>
  /** Which node took the writes of the clients that each reach one node only: one entry for each turn. */
  turns: Record<'redis' | 'mariadb', { node: LabNodeName; lastMs: number }[]>
}

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** A machine whose servers are started again when they were killed. */
class ServerNode extends LabNode {
  override launch(command: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const server = ['redis-server', 'mariadbd'].includes(command[0] ?? '')
    return super.launch(server ? [join(FIXTURES, 'respawn.sh'), ...command] : command, env)
  }
}

export class CrashLab {
  readonly lab: Lab
  readonly nodes: Record<LabNodeName, LabNode>
  readonly redis: Record<LabNodeName, LabRedis>
  readonly mariadb: Record<LabNodeName, LabMariadb>
  readonly #supervisors = new Map<LabNodeName, Running>()
  #clients = 0

  private constructor(lab: Lab) {
    this.lab = lab
    this.nodes = { sp1: new ServerNode(lab, 'sp1'), sp2: new ServerNode(lab, 'sp2') }
    const { sp1, sp2 } = this.nodes
    this.redis = { sp1: new LabRedis(sp1), sp2: new LabRedis(sp2) }
    this.mariadb = { sp1: new LabMariadb(sp1), sp2: new LabMariadb(sp2) }
  }

  /** Builds it and waits until one node serves and the other follows. */
  static async build(prefix: string): Promise<CrashLab> {
    const made = new CrashLab(await buildLab(planLab(prefix)))
    const { workDir } = made.lab.plan
    const through = (kind: 'redis' | 'mariadb', port: number): string[] => [
      `  port: ${RELAYS[kind]}`,
      `  peer_port: ${port}`,
    ]
    mkdirSync(workDir, { recursive: true })
    await tandemPair('default', LETTERS, [
      ...redisConfigLines(workDir),
      ...through('redis', REDIS_PORT),
      ...mariadbConfigLines(workDir, { semiSync: true }),
      ...through('mariadb', MARIADB_PORT),
    ]).prepare(made.lab)
    for (const name of NAMES) {
      await made.nodes[name].reinstall()
      await Promise.all([made.redis[name].start(), made.mariadb[name].start()])
      await made.#startAssassin(name)
    }
    for (const name of NAMES) made.startAgent(name)
    await made.settled()
    return made
  }

  async destroy(): Promise<void> {
    for (const node of Object.values(this.nodes)) await killUntilGone(() => node.processes())
    await this.lab.destroy()
    rmSync(this.lab.plan.workDir, { recursive: true, force: true })
  }

  /** Under a supervisor. */
  startAgent(name: LabNodeName): void {
    const node = this.nodes[name]
    const { config, state, run } = node.directories
    const places = ['--config', config, '--state', state, '--run', run]
    const agent = [process.execPath, builtFile('cli/tandem.js'), 'agent', '--node', name]
    const supervise = [join(FIXTURES, 'supervise.sh'), this.#file(name, 'agent.pid')]
    const release = join(packageRoot(), 'agents/release')
    const running = node.launch([...supervise, release, run, ...agent, ...places])
    this.#supervisors.set(name, running)
  }

  agentPid(name: LabNodeName): number {
    return Number(readFileSync(this.#file(name, 'agent.pid'), 'utf8'))
  }

  /** Kills an agent and whoever would start another one. */
  killForGood(name: LabNodeName): void {
    const supervisor = this.#supervisors.get(name)
    killTogether([...(supervisor === undefined ? [] : [supervisor.pid]), this.agentPid(name)])
  }

  /** The crash helper by hand. @returns how long it took, ms */
  async release(name: LabNodeName): Promise<number> {
    const node = this.nodes[name]
    const command = ['env', `TANDEM_RUN=${node.directories.run}`]
    const helper = join(packageRoot(), 'agents/release')
    const startedMs = performance.now()
    const ended = await attempt('release', inside(node.namespace, [...command, helper]))
    if (!ended.ok) throw new Error(ended.message)
    return performance.now() - startedMs
  }

  /** Tells the assassin of a node what to wait for. */
  order(name: LabNodeName, what: Order): void {
    const file = this.#file(name, 'order')
    rmSync(`${file}.done`, { force: true })
    writeFileSync(`${file}.new`, JSON.stringify(what))
    renameSync(`${file}.new`, file)
  }

  /**
   * Asks the active to hand over, again where a busy machine had it taken back, until the assassin of the
   * victim has struck and another agent runs in place of the one.
   */
  async moveUntilStruck(active: LabNodeName, victim: LabNodeName, pid: number): Promise<void> {
    const done = `${this.#file(victim, 'order')}.done`
    const endMs = Date.now() + PATIENCE_MS
    const request = { kind: 'make-standby', node: null, force: false } as const
    for (let askedMs = 0; !existsSync(done); await sleep(5)) {
      if (Date.now() > endMs) throw new Error('not in time: the agent is killed')
      if (Date.now() - askedMs < ASK_AGAIN_MS) continue
      askedMs = Date.now()
      void controlClient(this.nodes[active].directories.run).operate(request, 10_000)
    }
    await until('another agent is started', () => this.agentPid(victim) !== pid)
  }

  async statusOf(name: LabNodeName): Promise<StatusDocument | null> {
    const asked = await controlClient(this.nodes[name].directories.run).status(2_000)
    return asked.ok ? asked.value : null
  }

  /** One node serves and takes writes, the other follows it with all its stores and may take over. */
  settled(): Promise<LabNodeName> {
    return this.#whichServes(
      (theirs) =>
        theirs?.local.inSync === true && theirs.stores.every(({ following }) => following),
    )
  }

  /** The node serves and takes writes, whatever the other does. */
  async serves(name: LabNodeName): Promise<void> {
    for (;;) if ((await this.#whichServes(() => true)) === name) return
  }

  async #whichServes(other: (theirs: StatusDocument | null) => boolean): Promise<LabNodeName> {
    const endMs = Date.now() + PATIENCE_MS
    for (;;) {
      const found = { sp1: await this.statusOf('sp1'), sp2: await this.statusOf('sp2') }
      for (const name of NAMES) {
        const ours = found[name]
        const takes = ours?.stores.every(({ role }) => role === 'writable') === true
        if (ours?.local.state === 'active' && takes && other(found[otherNode(name)])) return name
      }
      if (Date.now() > endMs) throw new Error(`the pair is stuck: ${wordsOf(found)}`)
      await sleep(100)
    }
  }

  /** Clients write from now on, until the returned function stops them. */
  async traffic(): Promise<() => Promise<Traffic>> {
    const ways = ['client', 'viasp1', 'viasp2'] as const
    const clients = await Promise.all(
      KINDS.flatMap((kind) =>
        ways.map(async (way) => ({ kind, way, stop: await this.#client(kind, way) })),
      ),
    )
    return async () => {
      const told = await Promise.all(
        clients.map(async ({ kind, way, stop }) => ({ kind, way, writes: await stop() })),
      )
      const traffic: Traffic = {
        writes: { redis: [], mariadb: [] },
        turns: { redis: [], mariadb: [] },
      }
      for (const kind of KINDS) {
        const mine = told.filter((entry) => entry.kind === kind)
        traffic.writes[kind] = mine.flatMap(({ writes }) => writes)
        traffic.turns[kind] = turnsOf(mine.filter(({ way }) => way !== 'client'))
      }
      return traffic
    }
  }

  /** Acknowledged, and not in the node's stores. */
  async lost({ writes }: Traffic, holder: LabNodeName): Promise<string[]> {
    const ids = await this.mariadb[holder].ids()
    const held = new Set(ids.map(String))
    // Of this traffic alone: all keys of a long run are more than one program may say.
    const prefixes = new Set(writes.redis.map(({ key }) => key.slice(0, key.indexOf(':') + 1)))
    for (const prefix of prefixes) {
      for (const key of await this.redis[holder].keys(`${prefix}*`)) held.add(key)
    }
    return KINDS.flatMap((kind) => writes[kind])
      .filter(({ key }) => !held.has(key))
      .map(({ key }) => key)
  }

  #file(name: LabNodeName, file: string): string {
    return `${this.lab.plan.workDir}/${name}/${file}`
  }

  async #startAssassin(name: LabNodeName): Promise<void> {
    const node = this.nodes[name]
    const argument = {
      relays: [
        [RELAYS.redis, REDIS_PORT],
        [RELAYS.mariadb, MARIADB_PORT],
      ],
      orderFile: this.#file(name, 'order'),
      pidFile: this.#file(name, 'agent.pid'),
      stateFile: `${node.directories.run}/state`,
      logFile: node.logFile,
    }
    const program = [process.execPath, join(FIXTURES, 'assassin.mjs'), JSON.stringify(argument)]
    node.launch(await realtime(program))
  }

  /** @param way  `client`: as the switch leads; else straight to one node, whoever owns the address */
  async #client(
    kind: 'redis' | 'mariadb',
    way: 'client' | 'viasp1' | 'viasp2',
  ): Promise<() => Promise<Write[]>> {
    this.#clients += 1
    const { plan } = this.lab
    const outFile = `${plan.workDir}/writes-${this.#clients}.log`
    const perSecond = way === 'client' ? RATE : WAY_RATE
    const where = { outFile, address: plan.floatingIps[0]?.address, perSecond }
    const program =
      kind === 'redis'
        ? await labProgram('store-writer', {
            ...{ ...where, port: REDIS_PORT, prefix: `w${this.#clients}:` },
          })
        : await labProgram('sql-writer', {
            ...{ ...where, port: MARIADB_PORT, firstId: this.#clients * 10_000_000 },
          })
    const logFile = `${plan.workDir}/clients.err`
    const running = startProgram(inside(namespaceOf(plan, way), program), { logFile })
    return async () => {
      if (!running.ended()) process.kill(running.pid, 'SIGTERM')
      while (!running.ended()) await sleep(5)
      const lines = existsSync(outFile) ? readFileSync(outFile, 'utf8').split('\n') : []
      return lines
        .filter((line) => line.includes(' '))
        .map((line) => {
          const [key = '', atMs = ''] = line.split(' ')
          return { key, atMs: Number(atMs) }
        })
    }
  }
}

function turnsOf(
  told: readonly { way: string; writes: readonly Write[] }[],
): { node: LabNodeName; lastMs: number }[] {
  const answers = told
    .flatMap(({ way, writes }) => writes.map(({ atMs }) => ({ way, atMs })))
    .sort((one, other) => one.atMs - other.atMs)
  const turns: { node: LabNodeName; lastMs: number }[] = []
  for (const { way, atMs } of answers) {
    const node = way === 'viasp1' ? 'sp1' : 'sp2'
    const last = turns.at(-1)
    if (last?.node === node) last.lastMs = atMs
    else turns.push({ node, lastMs: atMs })
  }
  return turns
}

function wordsOf(found: Record<LabNodeName, StatusDocument | null>): string {
  return NAMES.map((name) => {
    const stores = found[name]?.stores.map(
      (store) => `${store.name} ${store.role} ${store.following ? 'follows' : 'alone'}`,
    )
    return `${name} ${found[name]?.local.state ?? 'silent'} (${stores?.join(', ') ?? ''})`
  }).join('; ')
}

/** Waits for something that is to come about. */
export async function until(what: string, ask: () => boolean): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS
  while (!ask()) {
    if (Date.now() > endMs) throw new Error(`not in time: ${what}`)
    await sleep(5)
  }
}
