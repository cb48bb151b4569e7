/**
 * A real Redis server on each node of the lab, with the configuration that operators are told to write.
 *
 * Its files lie below the node's state directory, which is the disk that survives a power cut.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { accessLines, configurationLines } from '../resources/redis-setup.ts'
import type { LabNode } from './node.ts'
import { attempt, inside, must } from './process.ts'

export const REDIS_PORT = 6379
const PASSWORD = 'lab-manager'
const SETUP = {
  username: 'tandem',
  password: PASSWORD,
  replicaUsername: 'replica',
  replicaPassword: 'lab-replica',
  verify: { user: 'tandem_verify', password: PASSWORD },
}
const START_TRIES = 250

/** Lines below `tandem.stores`; the same on both nodes. */
export function redisConfigLines(workDir: string): string[] {
  return ['redis:', `  password_file: ${passwordFile(workDir)}`]
}

function passwordFile(workDir: string): string {
  return `${workDir}/redis.password`
}

/** The server of one node. */
export class LabRedis {
  readonly #node: LabNode

  constructor(node: LabNode) {
    this.#node = node
  }

  /** Where an application of this node finds what was set aside. */
  get directory(): string {
    return `${this.#node.directories.state}/redis`
  }

  /** Starts it on what its disk holds, and waits until it answers. */
  async start(): Promise<void> {
    const { directory } = this
    await mkdir(directory, { recursive: true })
    await writeFile(passwordFile(this.#node.workDir), `${PASSWORD}\n`, { mode: 0o600 })
    const aclFile = `${directory}/users.acl`
    await writeFile(aclFile, accessLines({ ...SETUP, aclFile }))
    const lines = [
      configurationLines({ ...SETUP, aclFile }),
      `port ${REDIS_PORT}`,
      'bind * -::*',
      'protected-mode no',
      `dir ${directory}`,
      'save 3600 1',
      // rtpengine learns of calls by these, and never sets them itself.
      'notify-keyspace-events K$g',
      'daemonize no',
      '',
    ]
    await writeFile(`${directory}/redis.conf`, lines.join('\n'))
    this.#node.launch(['redis-server', `${directory}/redis.conf`])
    for (let tries = 0; tries < START_TRIES; tries += 1) {
      const size = await attempt('ask redis', this.#cli('DBSIZE'))
      if (size.ok && /^\d+$/.test(size.stdout.trim())) return
      await sleep(20)
    }
    throw new Error(`lab: redis-server of ${this.#node.name} did not start`)
  }

  /** Every key that matches. */
  async keys(pattern: string): Promise<string[]> {
    const found = await must('list keys', this.#cli('--scan', '--pattern', pattern))
    return found.split('\n').filter((line) => line !== '')
  }

  /** Runs a command as an application does. */
  async ask(...words: string[]): Promise<string> {
    return (await must('ask redis', this.#cli(...words))).trim()
  }

  #cli(...words: string[]): string[] {
    return inside(this.#node.namespace, ['redis-cli', '-p', String(REDIS_PORT), ...words])
  }
}
