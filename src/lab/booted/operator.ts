/**
 * Who installs and looks after a booted pair? An operator's own machine, somewhere in the service LAN.
 *
 * It runs the playbooks as they are in this checkout, with Debian's Ansible, over ssh, with a key that is
 * made here. It is not booted: each command has the machine for itself.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LabPlan, namespaceOf } from '../plan.ts'
import { must } from '../process.ts'
import { packageRoot } from '../program.ts'
import { type ContainerOptions, removeTraces, runInContainer } from './container.ts'
import { copyToDisk, makeDisk, writeOnDisk } from './disk.ts'
import type { BootedNode } from './node.ts'

/** Where the operator works: the clone, and what is the pair's own. */
export const CLONE = '/root/tandem'
export const DESK = '/root/pair'

const COMMAND_LIMIT_MS = 300_000

export class Operator {
  readonly #container: ContainerOptions

  private constructor(plan: LabPlan, root: string) {
    const name = namespaceOf(plan, 'client')
    const logFile = `${plan.workDir}/operator.log`
    this.#container = { name, hostname: 'operator', root, namespace: name, logFile }
  }

  /** Sets the machine up: the playbooks of this checkout, a key that every node lets in, their host keys. */
  static async install(
    plan: LabPlan,
    image: string,
    nodes: readonly BootedNode[],
  ): Promise<Operator> {
    const root = await makeDisk(image, `${plan.workDir}/client`)
    copyToDisk(root, join(packageRoot(), 'playbooks'), `${CLONE}/playbooks`)
    mkdirSync(join(root, DESK), { recursive: true })
    const keyFile = '/root/.ssh/id_ed25519'
    mkdirSync(join(root, '/root/.ssh'), { recursive: true, mode: 0o700 })
    const make = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', keyFile]
    await must('make a key for ssh', ['chroot', root, ...make])
    const publicKey = readFileSync(join(root, `${keyFile}.pub`), 'utf8')
    for (const node of nodes) writeOnDisk(node.root, '/root/.ssh/authorized_keys', publicKey, 0o600)
    const known = nodes.map((node) => `${plan.machines[node.name].ipv4} ${node.hostKey}\n`)
    writeOnDisk(root, '/root/.ssh/known_hosts', known.join(''))
    return new Operator(plan, root)
  }

  /** Writes a file on the operator's machine. */
  write(path: string, text: string): void {
    writeOnDisk(this.#container.root, path, text)
  }

  /** Reads one, as a path of ours. */
  pathOf(path: string): string {
    return join(this.#container.root, path)
  }

  /** Brings a file or directory of ours to the operator's machine. */
  take(from: string, path: string): void {
    copyToDisk(this.#container.root, from, path)
  }

  /** Runs a command line there, in the clone's directory; failing is an answer. */
  run(line: string, timeoutMs = COMMAND_LIMIT_MS) {
    const shell = ['env', 'LANG=C.UTF-8', 'HOME=/root', 'sh', '-c', `cd ${CLONE} && ${line}`]
    return runInContainer(this.#container, shell, timeoutMs)
  }

  discard(): Promise<void> {
    return removeTraces(this.#container.name)
  }
}
