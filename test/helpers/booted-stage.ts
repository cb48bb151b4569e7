/**
 * What the tests of an installed pair do again and again: run a playbook, look at a node, cause something and
 * measure from the clients' side what it cost.
 */
import { expect } from 'vitest'
import type { StatusDocument } from '../../src/control/schema.ts'
import type { BootedNode } from '../../src/lab/booted/node.ts'
import { DESK } from '../../src/lab/booted/operator.ts'
import { BootedPair } from '../../src/lab/booted/pair.ts'
import { type Demand, judge, LETTERS, type Letters, type Seen } from '../../src/lab/demand.ts'
import { observe } from '../../src/lab/measure.ts'
import { type LabNodeName, NODE_NAMES } from '../../src/lab/plan.ts'
import { labNowMs } from '../../src/lab/prober.ts'
import { buildPackage } from './package-file.ts'
import { until } from './until.ts'

export const PROFILE = 'default'
const LIMITS: Letters = LETTERS[PROFILE]

/** Two booted nodes with nothing of Tandem, and an operator who has the package. */
export async function bootedPair(
  prefix: string,
  options: Omit<Parameters<typeof BootedPair.build>[1], 'profile'>,
): Promise<BootedPair> {
  // One after the other: should the package fail, no pair is left standing.
  const file = await buildPackage('0.1.0-1')
  const pair = await BootedPair.build(prefix, { profile: PROFILE, ...options })
  pair.operator.take(file, `${DESK}/tandem.deb`)
  return pair
}

/** What a playbook did on each host, as its last lines count it. */
export interface Recap {
  exitCode: number | null
  hosts: Record<string, Record<string, number>>
  text: string
}

export async function playbook(pair: BootedPair, line: string): Promise<Recap> {
  const command = `cd playbooks && ansible-playbook -i ${DESK}/inventory.yml ${line}`
  const { exitCode, stdout, stderr } = await pair.operator.run(command)
  const hosts: Recap['hosts'] = {}
  for (const [, host = '', counts = ''] of stdout.matchAll(/^(sp[12]) +: (ok=.*)$/gm)) {
    const numbers = [...counts.matchAll(/(\w+)=(\d+)/g)]
    hosts[host] = Object.fromEntries(numbers.map(([, key = '', count]) => [key, Number(count)]))
  }
  return { exitCode, hosts, text: stdout + stderr }
}

/** Insists that a playbook ended well on both nodes. */
export function expectDone(recap: Recap): void {
  const bad = NODE_NAMES.filter((name) => recap.hosts[name]?.['failed'] !== 0)
  expect(recap.exitCode === 0 && bad.length === 0 ? 'done' : recap.text).toBe('done')
}

/** The same, and that nothing had to be done. */
export function expectUnchanged(recap: Recap): void {
  expectDone(recap)
  const changed = NODE_NAMES.map((name) => recap.hosts[name]?.['changed'])
  expect(changed.every((count) => count === 0) ? 'unchanged' : recap.text).toBe('unchanged')
}

export async function statusOf(node: BootedNode): Promise<StatusDocument | null> {
  const told = await node.run(['tandem', 'status', '--json'], 5_000)
  return told.ok ? (JSON.parse(told.stdout) as StatusDocument) : null
}

/** Waits until one node is active, the other standby, and both could serve unless one need not. */
export function whole(
  pair: BootedPair,
  { limitMs = 60_000, ableBoth = true }: { limitMs?: number; ableBoth?: boolean } = {},
): Promise<{ active: LabNodeName; standby: LabNodeName }> {
  return untilBoth(pair, limitMs, ([sp1, sp2]) => {
    if (sp1 === null || sp2 === null) return null
    const able = sp1.local.able && sp2.local.able && sp1.peer.able === true
    if (ableBoth && !able) return null
    const states = `${sp1.local.state} ${sp2.local.state}`
    if (states === 'active standby') return { active: 'sp1', standby: 'sp2' } as const
    if (states === 'standby active') return { active: 'sp2', standby: 'sp1' } as const
    return null
  })
}

/** What `sp1` and `sp2` tell; null: no answer. */
export type BothStatuses = readonly [StatusDocument | null, StatusDocument | null]

/**
 * Asks both nodes until what they tell is what is waited for.
 *
 * @param find  null: not yet
 * @throws Error with what they told last, and what their units said, when it does not come about
 */
export async function untilBoth<Value>(
  pair: BootedPair,
  limitMs: number,
  find: (statuses: BothStatuses) => Value | null,
): Promise<Value> {
  let statuses: BothStatuses = [null, null]
  try {
    return await until(async () => {
      const { sp1, sp2 } = pair.nodes
      statuses = await Promise.all([statusOf(sp1), statusOf(sp2)])
      return find(statuses)
    }, limitMs)
  } catch (cause) {
    const told = statuses.map(
      (found) => found && [found.local, found.alarms, found.stores, found.services],
    )
    const logs = await Promise.all(NODE_NAMES.map((name) => lastWordsOf(pair.nodes[name])))
    throw new Error(`the pair is not whole: ${JSON.stringify(told)}\n${logs.join('')}`, { cause })
  }
}

/** What its units said last, for whoever reads why a test failed. */
async function lastWordsOf(node: BootedNode): Promise<string> {
  const units = ['tandemd', 'mariadb', 'redis-server'].map((unit) => `-u ${unit}`).join(' ')
  const script = `systemctl --failed --no-legend; journalctl ${units} -n 80 --no-pager | cut -c1-240`
  const { stdout, stderr } = await node.run(['sh', '-c', script])
  return `${node.name}:\n${stdout}${stderr}`
}

/** Waits until clients have been answered by one node, and by no other, for a whole second. */
export async function servedBy(pair: BootedPair, node: LabNodeName): Promise<void> {
  await until(async () => pair.prober.servingFor(1000) === node)
}

/** Longest silence that clients may see, ms, from the times in force. */
export const PROMISE = {
  powerCut: LIMITS.D + 3 * LIMITS.H,
  move: 3 * LIMITS.H,
  agentKilled: 2 * LIMITS.L + LIMITS.M + 6 * LIMITS.H,
  nothing: 0,
} as const

const figures: string[] = []

/** Keeps a figure for the end of the output. */
export function note(line: string): void {
  figures.push(line)
}

/**
 * Causes something while clients ask, and judges what they saw.
 *
 * @param cause  resolved when whatever was caused is over, so that the watch may end a second later
 */
export async function watched(
  pair: BootedPair,
  what: string,
  demand: { outageMs: number | null; movesMax: number | null },
  cause: () => Promise<void>,
): Promise<Seen> {
  const fromMs = labNowMs()
  await cause()
  const window = { fromMs, toMs: labNowMs() + 1000 }
  await pair.prober.settle(window)
  const seen = observe(pair.prober, { families: [4, 6] }, window, { leadMs: 200 })
  const asked: Demand = { ...demand, dualForbidden: true }
  const broken = judge(seen, asked)
  note(
    `${what}: ${seen.outageMs} ms without an answer (allowed ${demand.outageMs === null ? '-' : Math.max(demand.outageMs, 50)}, ` +
      `the machine itself paused ${seen.controlMs}), ${seen.moves} moves`,
  )
  expect(broken).toEqual([])
  return seen
}

/** All that was measured, for the end of the output. */
export function figuresText(): string {
  return figures.map((line) => `  ${line}\n`).join('')
}
