/**
 * What the tests of an installed platform do again and again: know when it is whole, speak to a store as its own
 * root, have calls and writes go on while something happens.
 */
import { expect } from 'vitest'
import { APPLICATION } from '../../src/lab/application.ts'
import type { BootedNode } from '../../src/lab/booted/node.ts'
import type { BootedPair } from '../../src/lab/booted/pair.ts'
import { callsLeft } from '../../src/lab/leftovers.ts'
import type { LabNodeName } from '../../src/lab/plan.ts'
import { stand } from '../../src/lab/standing-calls.ts'
import { lostOf, StoreClient, stallOf } from '../../src/lab/store-client.ts'
import { note, PROMISE, untilBoth, whole } from './booted-stage.ts'

/** Calls that stand in every case. */
export const CALLS = 20
const PER_SECOND = 200

/** Waits until one node serves with all stores, the other follows in all of them, and every service is well. */
export async function settled(
  pair: BootedPair,
  limitMs = 90_000,
): Promise<{ active: LabNodeName; standby: LabNodeName }> {
  const roles = await whole(pair, { limitMs })
  return untilBoth(pair, limitMs, (statuses) => {
    const [ours, theirs] = roles.active === 'sp1' ? statuses : statuses.toReversed()
    if (ours == null || theirs == null || ours.local.state !== 'active') return null
    const serve = ours.stores.every(
      ({ kind, role, confirmsTogether }) =>
        role === 'writable' && (kind === 'redis' || confirmsTogether),
    )
    const follow = theirs.stores.every(({ following }) => following)
    const services = [...ours.services, ...theirs.services]
    const well = services.every(({ process, probe }) => process === 'running' && probe === 'well')
    return serve && follow && well && ours.stores.length === 2 && services.length === 6
      ? roles
      : null
  })
}

/** Runs statements as the server's own root. */
export async function sql(node: BootedNode, statements: string): Promise<string> {
  const command = ['mariadb', '--batch', '--skip-column-names', '-e', statements]
  const told = await node.run(command)
  if (!told.ok) throw new Error(`${node.name}: ${told.stderr}`)
  return told.stdout
}

/** The table of the lab's application on one node. */
export function tableOf(node: BootedNode): { ids(from?: number, to?: number): Promise<number[]> } {
  return {
    async ids(from = 0, to = Number.MAX_SAFE_INTEGER) {
      const rows = await sql(
        node,
        `SELECT id FROM ${APPLICATION.table} WHERE id >= ${from} AND id < ${to}`,
      )
      return rows
        .split('\n')
        .filter((row) => row !== '')
        .map(Number)
    },
  }
}

let clients = 0

/**
 * Something happens while calls stand and a client writes to MariaDB through the floating IP. Insists that every
 * call lives, no acknowledged write is gone, and nothing of the calls is left afterwards.
 *
 * @param silenceMs  allowed to the telephones, beyond the pauses they made themselves
 * @param follows    whether the other node is to be well afterwards
 * @param happens    resolved when it is over and the pair is whole again; the calls are held as long as `holdMs`
 */
export async function underCalls(
  pair: BootedPair,
  what: string,
  { silenceMs, holdMs, follows = true }: { silenceMs: number; holdMs: number; follows?: boolean },
  happens: () => Promise<void>,
): Promise<void> {
  clients += 1
  const writer = await StoreClient.start(pair.lab, {
    ...{ kind: 'mariadb', number: clients, perSecond: PER_SECOND },
  })
  const standing = await stand(pair.lab, { count: CALLS, rate: CALLS, holdMs })
  const fromMs = performance.now()
  await happens()
  const tookMs = performance.now() - fromMs
  const { survived, silence, past } = await standing.end(Math.min(tookMs, holdMs - 1_000))
  const writes = await writer.stop()
  const { active } = follows ? await settled(pair) : await whole(pair, { ableBoth: false })
  const lost = await lostOf(writes, tableOf(pair.nodes[active]))
  const heard = silence === null ? null : silence.gapMs.max - silence.controlMs
  const [first, last] = [writes[0]?.atMs ?? 0, writes.at(-1)?.atMs ?? 0]
  note(
    `${what}, took ${(tookMs / 1000).toFixed(0)} s: ${survived} of ${CALLS} calls survived, silence ` +
      `${silence?.gapMs.max.toFixed(0)} ms (telephones paused up to ${silence?.controlMs.toFixed(0)}); ` +
      `${writes.length} writes acknowledged, ${lost.length} lost, stall ${stallOf(writes, first, last).toFixed(0)} ms`,
  )
  expect({ survived, past, lost }).toEqual({ survived: CALLS, past: 0, lost: [] })
  expect(tookMs).toBeLessThan(holdMs)
  expect(heard).toBeLessThan(silenceMs)
  if (follows) expect(await callsLeft(pair.lab.plan)).toEqual([])
}

/** Longest silence in calls, ms: what the floating IP may be silent, and what the relay needs besides. */
export const CALL_SILENCE = {
  move: PROMISE.move,
  powerCut: PROMISE.powerCut + 100,
} as const
