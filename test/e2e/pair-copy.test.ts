/**
 * Goal: a MariaDB node that returns with a changed schema is brought back by one command, and nothing of
 * what only it had is gone. Method: a real pair in the lab; both nodes lose power one after the other.
 */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DataDocument } from '../../src/control/data-schema.ts'
import { mariadbMissing } from '../../src/lab/mariadb.ts'
import { type LabNodeName, NODE_NAMES, otherNode } from '../../src/lab/plan.ts'
import { StorePair } from '../../src/lab/store-pair.ts'
import { mariadbCopyGrants } from '../../src/resources/mariadb-setup.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0

let pair: StorePair

const dataOf = (node: LabNodeName) => pair.documentOf<DataDocument>(node, 'data', 'show')

const contentOf = (node: LabNodeName): Promise<string[][]> =>
  pair.mariadb[node].sql('SELECT * FROM app.t ORDER BY id; SHOW TABLES FROM app; SHOW DATABASES;')

describe.skipIf(!isRoot || mariadbMissing() !== null)('a node with a schema of its own', () => {
  beforeAll(async () => {
    pair = await StorePair.build('tandemcopy', { profile: 'default', kinds: ['mariadb'] })
  }, 120_000)

  afterAll(() => pair.destroy(), 60_000)

  it('says what it waits for, is copied anew by one command, and follows', async () => {
    const newer = await pair.whole()
    const older = otherNode(newer)
    await pair.mariadb[newer].sql("INSERT INTO app.t VALUES (1, 'both');")
    await sleep(500)
    await pair.nodes[older].powerOff()
    await pair.mariadb[newer].sql(
      "CREATE TABLE app.alone (id INT PRIMARY KEY); INSERT INTO app.t VALUES (2, 'alone');",
    )
    await pair.nodes[newer].powerOff()
    await pair.comeBack(older)
    await until(() => pair.statusOf(older))
    await sleep(1_000)
    expect((await pair.ask(older, 'make-active', '--force')).stderr).toBe('')
    await until(() => pair.serves(older))
    await pair.mariadb[older].sql("INSERT INTO app.t VALUES (3, 'went on');")

    await pair.comeBack(newer)
    const waiting = await until(async () => {
      const data = await dataOf(newer)
      const [store] = data?.stores ?? []
      return store?.waiting?.includes('cannot be undone') === true ? store : null
    })
    expect(waiting).toMatchObject({ role: 'read-only', following: false })
    // However often it is tried: one archive of one content.
    await sleep(3_000)
    const [store] = (await dataOf(newer))?.stores ?? []
    expect(store?.archives).toMatchObject([{ verdict: 'ahead' }])

    const without = await pair.ask(newer, 'data', 'rejoin', 'mariadb', '--copy')
    expect([without.ok, without.stderr]).toEqual([false, expect.stringContaining('may not copy')])
    const hosts = ['127.0.0.1', '10.71.0.%', '192.168.255.%']
    const grants = mariadbCopyGrants('tandem_undo', hosts).map((statement) => `${statement};`)
    for (const name of NODE_NAMES) await pair.mariadb[name].sql(grants.join('\n'))
    const copied = await pair.ask(newer, 'data', 'rejoin', 'mariadb', '--copy')
    expect([copied.ok, copied.stderr]).toEqual([true, ''])
    expect(copied.stdout).toContain('mariadb: our server is emptied and filled\n')
    expect(copied.stdout).toMatch(/done: the store follows the peer\n$/)
    expect(await pair.whole()).toBe(older)
    expect(await contentOf(newer)).toEqual(await contentOf(older))
    const [after] = (await dataOf(newer))?.stores ?? []
    const whole = after?.archives.find(({ directory }) => directory.endsWith('-whole'))
    expect(existsSync(`${whole?.directory}/data.sql`)).toBe(true)

    // And it can take its turn again.
    expect((await pair.ask(older, 'make-standby')).stderr).toBe('')
    expect(await pair.whole()).toBe(newer)
  }, 240_000)
})
