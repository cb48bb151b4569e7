/**
 * What is a node that boots? The lab's node as hardware, a disk, and Debian with systemd running from it.
 *
 * Its network is set up and taken down by its own boot scripts, as Debian does it, so that what happens at a
 * shutdown happens in the order of a real one. Its kernel is this machine's: what a kernel forgets with
 * the power is wiped by the lab before the next boot.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabNode } from '../node.ts'
import { crossPort, type LabPlan, lanPort, NODE_NAMES, PREFIX_LENGTH } from '../plan.ts'
import { attempt, inside, must, type Running } from '../process.ts'
import type { Lab } from '../topology.ts'
import { bootContainer, type ContainerOptions, leaderOf, removeTraces } from './container.ts'
import { makeDisk, writeOnDisk } from './disk.ts'

/** On two busy processors, both nodes at a time. */
const BOOT_LIMIT_MS = 90_000
const SHUTDOWN_LIMIT_MS = 60_000
const COMMAND_LIMIT_MS = 30_000
const LOOK_MS = 100

export class BootedNode {
  readonly hardware: LabNode
  readonly #lab: Lab
  readonly #container: ContainerOptions
  #running: Running | null = null

  private constructor(lab: Lab, hardware: LabNode, root: string) {
    this.#lab = lab
    this.hardware = hardware
    this.#container = {
      name: hardware.namespace,
      hostname: hardware.name,
      root,
      namespace: hardware.namespace,
      logFile: `${lab.plan.workDir}/${hardware.name}/console.log`,
    }
  }

  /** A machine as it comes out of Debian's installer: network and ssh, and nothing of ours. */
  static async install(lab: Lab, hardware: LabNode, image: string): Promise<BootedNode> {
    const root = await makeDisk(image, `${lab.plan.workDir}/${hardware.name}`)
    writeOnDisk(root, 'etc/hostname', `${hardware.name}\n`)
    writeOnDisk(root, 'etc/hosts', `127.0.0.1 localhost ${hardware.name}\n::1 localhost\n`)
    writeOnDisk(root, 'etc/network/interfaces', interfacesText(lab.plan, hardware))
    await must('make host keys', ['chroot', root, 'ssh-keygen', '-A'])
    return new BootedNode(lab, hardware, root)
  }

  get name() {
    return this.hardware.name
  }

  /** Root of its file system as seen from outside. */
  get root(): string {
    return this.#container.root
  }

  /** How its sshd proves itself: the public key, as a line of known_hosts has it. */
  get hostKey(): string {
    const [kind, key] = readFileSync(`${this.root}/etc/ssh/ssh_host_ed25519_key.pub`, 'utf8').split(
      ' ',
    )
    return `${kind} ${key}`
  }

  /**
   * Boots, and waits until every unit has started or failed.
   *
   * @throws Error when it does not come up in time
   */
  async powerOn(): Promise<void> {
    const { name, namespace } = this.hardware
    await this.hardware.forget()
    const down = ['eth0', 'eth1'].map((device) => `link set ${device} down\n`).join('')
    await must('cold interfaces', inside(namespace, ['ip', '-batch', '-']), { input: down })
    await this.#lab.links.set([lanPort(name), ...NODE_NAMES.map(crossPort)], 'up')
    await this.hardware.startResponder()
    this.#running = bootContainer(this.#container)
    const endMs = performance.now() + BOOT_LIMIT_MS
    for (;;) {
      const state = await this.run(['systemctl', 'is-system-running', '--wait'], BOOT_LIMIT_MS)
      if (/^(running|degraded)$/.test(state.stdout.trim())) return
      if (this.#running.ended()) throw new Error(`lab: ${name} ended while it booted`)
      if (performance.now() > endMs) throw new Error(`lab: ${name} does not boot: ${state.message}`)
      await sleep(LOOK_MS)
    }
  }

  /** Cuts the power: cables dead and every process killed within a few milliseconds. */
  async powerOff(): Promise<void> {
    await this.hardware.powerOff()
    await this.#untilOff(SHUTDOWN_LIMIT_MS)
  }

  /**
   * Has the machine boot again by its own order, as `reboot` does, and waits until it is up.
   *
   * @param ordered  called once it shuts down, before it is known to be off
   */
  async reboot(ordered: () => void = () => {}): Promise<void> {
    await must('reboot', this.inside(['systemctl', 'reboot']))
    ordered()
    await this.#untilOff(SHUTDOWN_LIMIT_MS)
    await this.hardware.powerOff()
    await this.powerOn()
  }

  /** Whether it has power and is not about to lose it. */
  get on(): boolean {
    return this.#running !== null && !this.#running.ended()
  }

  /** Arguments that run a command on the machine. */
  inside(command: readonly string[]): string[] {
    const leader = this.#running === null ? null : leaderOf(this.#running.pid)
    if (leader === null) return ['sh', '-c', `echo ${this.name} is off >&2; exit 254`]
    const places = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup']
    return ['nsenter', `--target=${leader}`, ...places, '--', ...command]
  }

  /** Runs a command on the machine to its end; failing is an answer. */
  async run(command: readonly string[], timeoutMs = COMMAND_LIMIT_MS) {
    const result = await attempt(command.join(' '), this.inside(command), { timeoutMs })
    return { message: '', ...result }
  }

  /** Takes away what its container leaves on this machine. */
  discard(): Promise<void> {
    return removeTraces(this.#container.name)
  }

  async #untilOff(withinMs: number): Promise<void> {
    const endMs = performance.now() + withinMs
    while (this.on) {
      if (performance.now() > endMs) throw new Error(`lab: ${this.name} does not go off`)
      await sleep(LOOK_MS)
    }
    this.#running = null
    await removeTraces(this.#container.name)
  }
}

function interfacesText(plan: LabPlan, { name }: LabNode): string {
  const lan = plan.machines[name]
  const cross = plan.crosslink[name]
  const stanza = (device: string, ipv4: string, ipv6: string): string =>
    [
      `auto ${device}`,
      `iface ${device} inet static`,
      `  address ${ipv4}/${PREFIX_LENGTH[4]}`,
      `iface ${device} inet6 static`,
      `  address ${ipv6}/${PREFIX_LENGTH[6]}`,
      '  accept_ra 0',
      '  dad-attempts 0',
      '',
    ].join('\n')
  return [
    'auto lo\niface lo inet loopback\n',
    stanza('eth0', lan.ipv4, lan.ipv6),
    stanza('eth1', cross.ipv4, cross.ipv6),
  ].join('\n')
}
