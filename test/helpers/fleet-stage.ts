/**
 * Several real pairs, and one place from which all of them are asked by `tandem fleet`.
 *
 * Each pair lives in a lab of its own, and all labs have the same addresses. The place is this machine: a way leads
 * from a port of its loopback into the lab and to a node's API.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LabNodeName, NODE_NAMES, namespaceOf } from '../../src/lab/plan.ts'
import { attempt, inside, startProgram } from '../../src/lab/process.ts'
import { builtFile } from '../../src/lab/program.ts'
import { API_PORT, type ApiPair, apiPair } from './api-pair.ts'
import { until } from './until.ts'
import { Way, type WayState } from './way.ts'

const WAY_IN = join(import.meta.dirname, '../fixtures/fleet/way-in.mjs')
/** Longest that a command for all pairs may take. */
const COMMAND_LIMIT_MS = 90_000

/** A pair and the ways to it. */
export class Site {
  readonly name: string
  readonly pair: ApiPair
  readonly #ways: Readonly<Record<LabNodeName, Way>>

  constructor(name: string, pair: ApiPair) {
    this.name = name
    this.pair = pair
    this.#ways = { sp1: new Way(this.#socketOf('sp1')), sp2: new Way(this.#socketOf('sp2')) }
  }

  /** Starts both nodes and opens the ways. */
  async begin(): Promise<void> {
    await this.pair.begin()
    const { plan } = this.pair.lab
    const places = NODE_NAMES.map((node) => {
      return { path: this.#socketOf(node), host: plan.machines[node].ipv4, port: API_PORT }
    })
    // It ends with the lab, as everything in its namespaces.
    const program = [process.execPath, WAY_IN, JSON.stringify(places)]
    startProgram(inside(namespaceOf(plan, 'client'), program), {
      logFile: `${plan.workDir}/way-in.log`,
    })
    await until(async () => NODE_NAMES.every((node) => existsSync(this.#socketOf(node))))
    await this.ways('open')
  }

  /** Opens or blocks both ways. */
  async ways(state: WayState): Promise<void> {
    await Promise.all(NODE_NAMES.map((node) => this.#ways[node].set(state)))
  }

  /** As it stands in an inventory: with a token and a certificate of its own. */
  line(): string {
    const doors = NODE_NAMES.map((node) => `${node}: "${this.#ways[node].origin}"`)
    const files = [`token_file: ${this.tokenFile}`, `ca_file: ${this.pair.trustFile}`]
    return `  ${this.name}: {${[...doors, ...files].join(', ')}}\n`
  }

  get tokenFile(): string {
    return join(this.pair.lab.plan.workDir, 'fleet.token')
  }

  /** Which node serves, by the word of both. */
  async active(): Promise<LabNodeName> {
    const states = await Promise.all(
      NODE_NAMES.map(async (node) => (await this.pair.status(node)).local.state),
    )
    const serving = NODE_NAMES.filter((_, index) => states[index] === 'active')
    const [node] = serving
    if (node === undefined || serving.length > 1) throw new Error(`${this.name}: ${states}`)
    return node
  }

  /** Opens the ways, and starts the agent of a node on which nothing runs any more. */
  async mend(): Promise<void> {
    await this.ways('open')
    for (const node of Object.values(this.pair.bench.nodes)) {
      if (node.processes().length === 0) await this.pair.driver.start(node)
    }
  }

  /** Wall times of all that both nodes wrote into their histories, in order. */
  async changes(): Promise<number[]> {
    const { driver, bench } = this.pair
    const reports = await Promise.all(NODE_NAMES.map((node) => driver.report?.(bench.nodes[node])))
    const times = reports.flatMap((report) => report?.changes ?? [])
    return times.map(({ atWallMs }) => atWallMs).sort((a, b) => a - b)
  }

  async destroy(): Promise<void> {
    await this.ways('closed')
    await this.pair.destroy()
  }

  /** Where this machine's end of a way meets the lab's. */
  #socketOf(node: LabNodeName): string {
    return `${this.pair.lab.plan.workDir}/${node}.way`
  }
}

export interface Said {
  code: number | null
  out: string
  tookMs: number
}

export class FleetStage {
  readonly #sites: Site[] = []

  get sites(): readonly Site[] {
    return this.#sites
  }

  /**
   * Builds the pairs and starts them.
   *
   * @returns when each has a node that serves and one that could; what was built is removed when one has not
   */
  static async build(prefix: string, names: readonly string[]): Promise<FleetStage> {
    const stage = new FleetStage()
    try {
      for (const [index, name] of names.entries()) {
        const pair = await apiPair(`${prefix}${index + 1}`, [], 'default')
        const site = new Site(name, pair)
        stage.#sites.push(site)
        writeFileSync(site.tokenFile, pair.tokens.operate, { mode: 0o600 })
      }
      await Promise.all(stage.#sites.map((site) => site.begin()))
      await stage.well()
      return stage
    } catch (error) {
      await stage.destroy()
      throw error
    }
  }

  /** Types `tandem fleet …` at the one place. */
  async fleet(...words: string[]): Promise<Said> {
    const [first] = this.#sites
    if (first === undefined) throw new Error('no pairs')
    const inventory = join(first.pair.lab.plan.workDir, 'fleet.yml')
    writeFileSync(inventory, `pairs:\n${this.#sites.map((site) => site.line()).join('')}`)
    // Should the test be killed, it may not go on.
    const bound = ['setpriv', '--pdeathsig', 'KILL', '--']
    const program = [...bound, process.execPath, builtFile('cli/tandem.js'), 'fleet']
    const startMs = performance.now()
    const typed = [...program, ...words, '--inventory', inventory]
    const { exitCode, stdout } = await attempt('fleet', typed, { timeoutMs: COMMAND_LIMIT_MS })
    return { code: exitCode, out: stdout, tookMs: performance.now() - startMs }
  }

  /** Waits until the fleet is told to be well. */
  async well(): Promise<void> {
    let last = ''
    try {
      await until(async () => {
        const said = await this.fleet('status')
        last = said.out
        return said.code === 0
      })
    } catch (cause) {
      throw new Error(`the pairs did not become well:\n${last}`, { cause })
    }
  }

  /** Undoes what a test broke, and waits until all are well. */
  async mend(): Promise<void> {
    for (const site of this.#sites) await site.mend()
    await this.well()
  }

  /** Who serves in each pair, in their order. */
  async actives(): Promise<LabNodeName[]> {
    return await Promise.all(this.#sites.map((site) => site.active()))
  }

  /** Tries all, also when one cannot be removed. */
  async destroy(): Promise<void> {
    const ended = await Promise.allSettled(this.#sites.map((site) => site.destroy()))
    for (const end of ended) if (end.status === 'rejected') throw end.reason
  }
}
