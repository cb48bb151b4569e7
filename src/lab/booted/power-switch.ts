/**
 * What switches booted nodes off when one of them asks for it? The stand-in for a management controller: a fence agent
 * on each node, that speaks as those of Debian do, and somebody outside who carries out what it asks for.
 *
 * The two speak by files on the node's disk, a way that no cut cable ends, as a controller's own network is none of the
 * pair's.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LabNodeName, NODE_NAMES } from '../plan.ts'
import { writeOnDisk } from './disk.ts'
import type { BootedNode } from './node.ts'

const AGENT = '/usr/local/sbin/fence_lab'
const PLACE = '/var/lib/fence-lab'
const LOOK_MS = 20

/** Options on standard input, one `key=value` a line; `status` ends with 0 for on and 2 for off. */
const SCRIPT = `#!/bin/sh
set -u
action= plug=
while IFS='=' read -r key value; do
  case $key in action) action=$value ;; plug) plug=$value ;; esac
done
cd ${PLACE} || exit 1
[ ! -e broken ] || exit 1
case $action in
  monitor) exit 0 ;;
  status) [ "$(cat "$plug")" = on ] && exit 0; exit 2 ;;
  off) : >"off-$plug"; while [ "$(cat "$plug")" = on ]; do sleep 0.05; done; exit 0 ;;
  *) exit 1 ;;
esac
`

/** Lines below `tandem` of a pair that has one. */
export const FENCE_LINES: readonly string[] = [
  'mode: fence',
  `fence: {agent: ${AGENT}, sp1: {plug: sp1}, sp2: {plug: sp2}}`,
]

export class PowerSwitch {
  readonly #nodes: Readonly<Record<LabNodeName, BootedNode>>
  #working = true
  readonly #work: Promise<void>

  /** Puts the agent on both disks, and carries out what it asks for until it is closed. */
  constructor(nodes: Readonly<Record<LabNodeName, BootedNode>>) {
    this.#nodes = nodes
    for (const node of Object.values(nodes)) writeOnDisk(node.root, AGENT, SCRIPT, 0o755)
    for (const name of NODE_NAMES) this.#tell(name, 'on')
    this.#work = this.#carryOut()
  }

  /** Gives a node its power back, as somebody does who goes there. */
  async powerOn(name: LabNodeName): Promise<void> {
    this.#tell(name, 'on')
    await this.#nodes[name].powerOn()
  }

  /** From now on it answers nobody, or does again. */
  set broken(broken: boolean) {
    for (const { root } of Object.values(this.#nodes)) {
      const mark = join(root, PLACE, 'broken')
      if (broken) writeOnDisk(root, `${PLACE}/broken`, '')
      else rmSync(mark, { force: true })
    }
  }

  async close(): Promise<void> {
    this.#working = false
    await this.#work
  }

  async #carryOut(): Promise<void> {
    while (this.#working) {
      for (const { root } of Object.values(this.#nodes)) {
        for (const name of NODE_NAMES) {
          const order = join(root, PLACE, `off-${name}`)
          if (!existsSync(order)) continue
          rmSync(order)
          await this.#nodes[name].powerOff()
          this.#tell(name, 'off')
        }
      }
      await sleep(LOOK_MS)
    }
  }

  #tell(name: LabNodeName, power: 'on' | 'off'): void {
    for (const { root } of Object.values(this.#nodes))
      writeOnDisk(root, `${PLACE}/${name}`, `${power}\n`)
  }
}
