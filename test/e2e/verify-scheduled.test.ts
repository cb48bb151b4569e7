/**
 * Goal: the standby of a calm pair has its stores compared without being asked, and status tells the result,
 * also after a restart of its agent. Method: a real pair with Redis and an interval that is over at once.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LabNodeName, NODE_NAMES, otherNode } from '../../src/lab/plan.ts'
import { killUntilGone } from '../../src/lab/process.ts'
import { StorePair } from '../../src/lab/store-pair.ts'
import { LONG } from '../helpers/long.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0

let pair: StorePair

/** The standby that follows. */
const standby = (): Promise<LabNodeName> =>
  until(async () => {
    for (const name of NODE_NAMES) {
      const status = await pair.statusOf(name)
      if (status?.local.state === 'standby' && status.stores[0]?.following === true) return name
    }
    return null
  }, 20_000)

const verifiedOn = async (node: LabNodeName) =>
  (await pair.statusOf(node))?.stores[0]?.verified ?? null

describe.skipIf(!isRoot || !LONG)('a real pair that is to compare its stores every hour', () => {
  beforeAll(async () => {
    const entry = (workDir: string): string[] => [
      '  verify_user: tandem_verify',
      `  verify_password_file: ${workDir}/redis.password`,
      '  verify_every: 1h',
    ]
    pair = await StorePair.build('teverify', { profile: 'fast', kinds: ['redis'], entry })
  }, 60_000)

  afterAll(() => pair.destroy(), 60_000)

  it('does so on the standby after a minute of calm, and tells it also after a restart', async () => {
    const node = await standby()
    await pair.redis[otherNode(node)].ask('SET', 'application', '1')
    expect(await verifiedOn(node)).toBe(null)
    const verified = await until(() => verifiedOn(node), 90_000)
    expect(verified).toMatchObject({
      differences: 0,
      sentence: '1 key in 1 database: the same on both nodes',
    })
    // By the standby alone, so that the active does what it must.
    expect(await verifiedOn(otherNode(node))).toBe(null)
    await killUntilGone(() => pair.nodes[node].processes())
    await pair.startOn(node)
    expect(await until(() => verifiedOn(node), 20_000)).toEqual(verified)
  }, 150_000)
})
