/**
 * Somebody who has the README, the package and two bare hosts: types what stands there, as it stands there, and
 * all of it is kept as a transcript.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BootedNode } from '../../src/lab/booted/node.ts'

const README = join(import.meta.dirname, '../../README.md')

/** The lines of the first shell block below a heading of the README, without their comments. */
export function commandsBelow(heading: string): string[] {
  const text = readFileSync(README, 'utf8')
  const section = text.slice(text.indexOf(`\n## ${heading}\n`))
  const block = /```sh\n(.*?)```/s.exec(section)?.[1] ?? ''
  return block
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, ''))
    .filter((line) => line !== '')
}

export class Newcomer {
  readonly #lines: string[] = []

  /** Types a command at a node, as root. @throws Error with what it said when it fails */
  async type(node: BootedNode, command: string, timeoutMs = 120_000): Promise<string> {
    // What is typed at a terminal says both in one stream.
    const told = await node.run(['sh', '-c', `cd /root && HOME=/root; ${command} 2>&1`], timeoutMs)
    // What was written over again on its line was not there in the end.
    const shown = told.stdout.trimEnd().replace(/^.*\r(?=.)/gm, '')
    this.#lines.push(`root@${node.name}:~# ${command}`, shown)
    if (!told.ok) throw new Error(`${node.name}: ${command}\n${told.stdout}${told.message}`)
    return told.stdout
  }

  /** Says what was done by other means. */
  remark(text: string): void {
    this.#lines.push(`(${text})`)
  }

  get transcript(): string {
    return `${this.#lines.filter((line) => line !== '').join('\n')}\n`
  }
}
