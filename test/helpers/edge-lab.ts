/**
 * A pair of the lab behind a load-balancer: a real Kamailio with its dispatcher on the machine `client`, two
 * destinations in its list, which are the pair and another one (a Kamailio on `viasp1`). Who answers says
 * its name.
 */
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StatusDocument } from '../../src/control/schema.ts'
import {
  floatingIpOf,
  type LabNodeName,
  type LabPlan,
  NODE_NAMES,
  namespaceOf,
} from '../../src/lab/plan.ts'
import { inside, killUntilGone, must, processesIn, startProgram } from '../../src/lab/process.ts'
import { StorePair } from '../../src/lab/store-pair.ts'
import type { Lab } from '../../src/lab/topology.ts'
import { until } from './until.ts'

const OPTIONS = join(import.meta.dirname, '../fixtures/load-balancer/options.mjs')
const KAMAILIO = ['/usr/sbin/kamailio', '-DD', '-E', '-m', '32', '-M', '8', '-f']
const RPC_PORT = 5_064

export type Balancer = StatusDocument['loadBalancers'][number]

function modules(names: readonly string[]): string {
  return names.map((name) => `loadmodule "${name}.so"\n`).join('')
}

/** Answers everything with its name. */
function answering(name: string, address: string): string {
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=1
auto_aliases=no
ip_free_bind=1
listen=udp:${address}:5060
${modules(['sl', 'pv'])}request_route { sl_send_reply("200", "${name}"); }
`
}

function dispatching(address: string, list: string): string {
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=2
auto_aliases=no
listen=udp:${address}:5060
${modules(['tm', 'tmx', 'sl', 'pv', 'kex', 'corex', 'jsonrpcs', 'dispatcher'])}
modparam("tm", "fr_timer", 2000)
modparam("jsonrpcs", "transport", 4)
modparam("jsonrpcs", "dgram_socket", "udp:${address}:${RPC_PORT}")
modparam("dispatcher", "list_file", "${list}")
modparam("dispatcher", "flags", 2)
modparam("dispatcher", "ds_ping_interval", 1)
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_probing_threshold", 3)
modparam("dispatcher", "reload_delta", 0)
request_route {
  if (!ds_select_dst("1", "4")) { sl_send_reply("503", "nobody"); exit; }
  t_relay();
}
`
}

export class EdgeLab {
  readonly pair: StorePair
  readonly #plan: LabPlan
  readonly #directory: string

  private constructor(pair: StorePair) {
    this.pair = pair
    this.#plan = pair.lab.plan
    this.#directory = this.#plan.workDir
  }

  static async build(prefix: string): Promise<EdgeLab> {
    const pair = await StorePair.build(prefix, {
      profile: 'default',
      kinds: [],
      prepared: writeConfiguration,
    })
    const edge = new EdgeLab(pair)
    try {
      await edge.#startServers()
      return edge
    } catch (error) {
      await pair.destroy()
      throw error
    }
  }

  async #startServers(): Promise<void> {
    const other = this.#plan.machines.viasp1.ipv4
    await writeFile(
      `${this.#directory}/pair.cfg`,
      answering('pair', floatingIpOf(this.pair.lab.plan)),
    )
    await writeFile(`${this.#directory}/other.cfg`, answering('other', other))
    const list = `${this.#directory}/dispatcher.list`
    await writeFile(list, `1 ${destinationOf(this.pair.lab)}\n1 sip:${other}:5060\n`)
    const edge = this.#plan.machines.client.ipv4
    await writeFile(`${this.#directory}/edge.cfg`, dispatching(edge, list))
    for (const name of NODE_NAMES) this.startService(name)
    this.#start('viasp1', 'other')
    this.startBalancer()
  }

  /** What the pair serves, on one node. */
  startService(name: LabNodeName): void {
    this.pair.nodes[name].launch([...KAMAILIO, `${this.#directory}/pair.cfg`])
  }

  startBalancer(): void {
    this.#start('client', 'edge')
  }

  async killBalancer(): Promise<void> {
    await killUntilGone(() => processesIn(namespaceOf(this.#plan, 'client')))
  }

  #start(machine: 'client' | 'viasp1', what: string): void {
    startProgram(
      inside(namespaceOf(this.#plan, machine), [...KAMAILIO, `${this.#directory}/${what}.cfg`]),
      { logFile: `${this.#directory}/${what}.log` },
    )
  }

  /** Has the load-balancer read its list again: it forgets what it was told. */
  async reload(): Promise<void> {
    await this.#call('dispatcher.reload')
  }

  /** How it has the pair, by its own word. */
  async flags(): Promise<string> {
    const list = await this.#call('dispatcher.list')
    const uri = destinationOf(this.pair.lab)
    return new RegExp(`"${uri}",\\s*"FLAGS":\\s*"(\\w+)"`).exec(list)?.[1] ?? list
  }

  async #call(method: string): Promise<string> {
    const { ipv4 } = this.#plan.machines.client
    const call = JSON.stringify({ jsonrpc: '2.0', method, id: 1 })
    const script = `
      const socket = require('node:dgram').createSocket('udp4')
      socket.on('message', (bytes) => {
        socket.close()
        if (JSON.parse(bytes).error) throw new Error(String(bytes))
        console.log(String(bytes))
      })
      socket.send(${JSON.stringify(call)}, ${RPC_PORT}, '${ipv4}')`
    const command = [process.execPath, '-e', script]
    return await must(method, inside(namespaceOf(this.#plan, 'client'), command))
  }

  /** Who answered so many requests through the load-balancer. */
  async answers(count = 6): Promise<string[]> {
    const { ipv4 } = this.#plan.machines.viasp1
    const edge = this.#plan.machines.client.ipv4
    const command = [process.execPath, OPTIONS, ipv4, edge, String(count)]
    const said = await must('ask', inside(namespaceOf(this.#plan, 'viasp1'), command), {
      timeoutMs: 60_000,
    })
    return [...new Set(JSON.parse(said) as string[])].toSorted()
  }

  async balancer(name: LabNodeName): Promise<Balancer | null> {
    return (await this.pair.statusOf(name))?.loadBalancers[0] ?? null
  }

  /** Waits until both nodes see the load-balancer have the pair so. */
  async seen(state: Balancer['seen'], names: readonly LabNodeName[] = NODE_NAMES): Promise<void> {
    for (const name of names) {
      await until(async () => (await this.balancer(name))?.seen === state, 40_000)
    }
  }

  destroy(): Promise<void> {
    return this.pair.destroy()
  }
}

function destinationOf(lab: Lab): string {
  return `sip:${floatingIpOf(lab.plan)}:5060`
}

async function writeConfiguration(lab: Lab): Promise<void> {
  const place = `${lab.plan.machines.client.ipv4}:${RPC_PORT}`
  const line = `edge1: {kamailio: '${place}', set: 1, destination: '${destinationOf(lab)}'}`
  for (const name of NODE_NAMES) {
    const file = `${lab.plan.workDir}/${name}/config/config.yml`
    await appendFile(file, `  load_balancers:\n    ${line}\n`)
  }
}
