/**
 * What can happen to one node as a machine? Power, kill, freeze, reboot.
 *
 * Whatever runs in the node's namespace is the node's, whoever started it; only the responder, the
 * lab's own instrument, is spared by `signal`, so that a frozen or killed agent leaves a kernel that
 * still answers if the pair lets it. A power cut spares nothing. What the kernel of a dead machine
 * forgets (addresses, neighbours, filters, run directory) is wiped when it boots again; its state
 * directory, the disk, stays.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import {
  crossPort,
  type LabNodeName,
  lanPort,
  NODE_NAMES,
  namespaceOf,
  RESPONDER_PORT,
} from './plan.ts'
import { directoriesOf, type NodeDirectories } from './platform-files.ts'
import {
  inside,
  killTogether,
  killUntilGone,
  must,
  processesIn,
  type Running,
  signalAll,
  startProgram,
} from './process.ts'
import { labProgram } from './program.ts'
import { type Lab, portsOf, unmountBelow } from './topology.ts'

export class LabNode {
  readonly name: LabNodeName
  readonly namespace: string
  readonly directories: NodeDirectories
  readonly #lab: Lab
  #responder: Running | null = null

  constructor(lab: Lab, name: LabNodeName) {
    this.#lab = lab
    this.name = name
    this.namespace = namespaceOf(lab.plan, name)
    this.directories = directoriesOf(lab.plan, name)
  }

  /** The lab's directory, with a place for every node. */
  get workDir(): string {
    return this.#lab.plan.workDir
  }

  /** Where what runs on the node says what it has to say. */
  get logFile(): string {
    return `${this.workDir}/${this.name}/agent.log`
  }

  /** Starts a program on the node. */
  launch(command: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return startProgram(inside(this.namespace, command), { logFile: this.logFile, env })
  }

  /** Process of the lab's own that lives on the node while the node has power; null without power. */
  get eye(): number | null {
    return this.#responder?.pid ?? null
  }

  /** Everything that runs on the node but the lab's own responder. */
  processes(): number[] {
    return processesIn(this.namespace).filter((pid) => pid !== this.#responder?.pid)
  }

  /** Starts the program that answers clients with the node's name. */
  async startResponder(): Promise<void> {
    const { plan } = this.#lab
    const { ipv4, ipv6 } = plan.machines[this.name]
    const floating = plan.floatingIps.map((entry) => entry.address)
    const addresses = [ipv4, ipv6, ...floating]
    const argument = { name: this.name, port: RESPONDER_PORT, addresses }
    this.#responder = startProgram(
      inside(this.namespace, await labProgram('responder', argument)),
      { logFile: `${plan.workDir}/${this.name}/responder.log` },
    )
  }

  /** Sends a signal to all that runs on the node, at one instant. */
  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL') killTogether(this.processes())
    else signalAll(this.processes(), signal)
  }

  pause(): void {
    this.signal('SIGSTOP')
  }

  resume(): void {
    this.signal('SIGCONT')
  }

  /**
   * Cuts the power: cables dead and every process killed within a few milliseconds.
   *
   * @returns resolved when nothing of the node runs any more
   */
  async powerOff(): Promise<void> {
    const pids = processesIn(this.namespace)
    // The order is on its way in the pipe before the first signal goes out.
    const cut = this.#lab.links.set(portsOf(this.name), 'down')
    killTogether(pids)
    await cut
    await killUntilGone(() => processesIn(this.namespace))
    this.#responder = null
  }

  /** Boots the machine; whatever was to run on it is for the caller to start. */
  async powerOn(): Promise<void> {
    await this.forget()
    await this.#lab.configure(this.name)
    await this.#lab.links.set([lanPort(this.name), ...NODE_NAMES.map(crossPort)], 'up')
    await this.startResponder()
  }

  async reboot(): Promise<void> {
    await this.powerOff()
    await this.powerOn()
  }

  /** A new machine with an empty disk: the start of every measured run. */
  async reinstall(): Promise<void> {
    await killUntilGone(() => processesIn(this.namespace))
    await rm(this.directories.state, { recursive: true, force: true })
    await mkdir(this.directories.state, { recursive: true, mode: 0o700 })
    await writeFile(this.logFile, '')
    await this.powerOn()
  }

  /** Wipes what the kernel of a machine without power does not keep. */
  async forget(): Promise<void> {
    const devices = ['lo', 'eth0', 'eth1']
    const script = [
      ...devices.map((device) => `tc qdisc del dev ${device} clsact`),
      'nft flush ruleset',
      'ip addr flush dev lo scope global',
      ...['eth0', 'eth1'].map((device) => `ip addr flush dev ${device}`),
      'ip neigh flush all',
      'true',
    ]
    await must(`wipe ${this.name}`, inside(this.namespace, ['sh', '-s']), {
      input: script.map((line) => `${line} 2>/dev/null\n`).join(''),
    })
    await unmountBelow(this.directories.run)
    await rm(this.directories.run, { recursive: true, force: true })
    await mkdir(this.directories.run, { recursive: true, mode: 0o700 })
  }
}
