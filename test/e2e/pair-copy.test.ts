/**
 * Goal: a MariaDB node that returns with a changed schema is brought back by one command, and nothing of
 * what only it had is gone. Method: a real pair in the lab; both nodes lose power one after the other.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DataDocument } from '../../src/control/data-schema.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { LabMariadb, mariadbConfigLines, mariadbMissing } from '../../src/lab/mariadb.ts'
import { LabNode } from '../../src/lab/node.ts'
import { askTandem, type PairDriver, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, otherNode, planLab } from '../../src/lab/plan.ts'
import { killUntilGone } from '../../src/lab/process.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'
import { mariadbCopyGrants } from '../../src/resources/mariadb-setup.ts'

const isRoot = process.getuid?.() === 0

let lab: Lab
let nodes: Record<LabNodeName, LabNode>
let servers: Record<LabNodeName, LabMariadb>
let driver: PairDriver

async function documentOf<Shape>(node: LabNodeName, ...words: string[]): Promise<Shape | null> {
  const [command = '', ...rest] = words
  const asked = await askTandem(nodes[node], command, ...rest, '--json')
  return asked.ok ? (JSON.parse(asked.stdout) as Shape) : null
}

async function until<Value>(ask: () => Promise<Value | null>, limitMs = 60_000): Promise<Value> {
  const endMs = Date.now() + limitMs
  for (;;) {
    const value = await ask()
    if (value !== null) return value
    if (Date.now() > endMs) throw new Error('did not come about in time')
    await sleep(100)
  }
}

async function serves(node: LabNodeName): Promise<true | null> {
  const status = await documentOf<StatusDocument>(node, 'status')
  return status?.local.state === 'active' && status.stores[0]?.role === 'writable' ? true : null
}

const settled = (): Promise<LabNodeName> =>
  until(async () => {
    for (const name of ['sp1', 'sp2'] as const) {
      if ((await serves(name)) === null) continue
      const theirs = await documentOf<StatusDocument>(otherNode(name), 'status')
      if (theirs?.stores[0]?.following === true) return name
    }
    return null
  })

async function boot(node: LabNodeName): Promise<void> {
  await nodes[node].powerOn()
  await servers[node].start()
  await driver.start(nodes[node])
}

const contentOf = (node: LabNodeName): Promise<string[][]> =>
  servers[node].sql('SELECT * FROM app.t ORDER BY id; SHOW TABLES FROM app; SHOW DATABASES;')

describe.skipIf(!isRoot || mariadbMissing() !== null)('a node with a schema of its own', () => {
  beforeAll(async () => {
    lab = await buildLab(planLab('tandemcopy'))
    nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    servers = { sp1: new LabMariadb(nodes.sp1), sp2: new LabMariadb(nodes.sp2) }
    const lines = mariadbConfigLines(lab.plan.workDir, { semiSync: false })
    driver = tandemPair('default', undefined, lines)
    mkdirSync(lab.plan.workDir, { recursive: true })
    await driver.prepare(lab)
    for (const name of ['sp1', 'sp2'] as const) await nodes[name].reinstall()
    await Promise.all([servers.sp1.start(), servers.sp2.start()])
    for (const name of ['sp1', 'sp2'] as const) await driver.start(nodes[name])
    await settled()
  }, 120_000)

  afterAll(async () => {
    for (const node of Object.values(nodes)) await killUntilGone(() => node.processes())
    await lab.destroy()
    rmSync(lab.plan.workDir, { recursive: true, force: true })
  }, 60_000)

  it('says what it waits for, is copied anew by one command, and follows', async () => {
    const newer = await settled()
    const older = otherNode(newer)
    await servers[newer].sql("INSERT INTO app.t VALUES (1, 'both');")
    await sleep(500)
    await nodes[older].powerOff()
    await servers[newer].sql(
      "CREATE TABLE app.alone (id INT PRIMARY KEY); INSERT INTO app.t VALUES (2, 'alone');",
    )
    await nodes[newer].powerOff()
    await boot(older)
    await until(async () => ((await documentOf(older, 'status')) === null ? null : true))
    await sleep(1_000)
    expect((await askTandem(nodes[older], 'make-active', '--force')).stderr).toBe('')
    await until(() => serves(older))
    await servers[older].sql("INSERT INTO app.t VALUES (3, 'went on');")

    await boot(newer)
    const waiting = await until(async () => {
      const data = await documentOf<DataDocument>(newer, 'data', 'show')
      const [store] = data?.stores ?? []
      return store?.waiting?.includes('cannot be undone') === true ? store : null
    })
    expect(waiting).toMatchObject({ role: 'read-only', following: false })
    // However often it is tried: one archive of one content.
    await sleep(3_000)
    const [store] = (await documentOf<DataDocument>(newer, 'data', 'show'))?.stores ?? []
    expect(store?.archives).toMatchObject([{ verdict: 'ahead' }])

    const without = await askTandem(nodes[newer], 'data', 'rejoin', 'mariadb', '--copy')
    expect([without.ok, without.stderr]).toEqual([false, expect.stringContaining('may not copy')])
    const hosts = ['127.0.0.1', '10.71.0.%', '192.168.255.%']
    const grants = mariadbCopyGrants('tandem_undo', hosts).map((statement) => `${statement};`)
    for (const name of ['sp1', 'sp2'] as const) await servers[name].sql(grants.join('\n'))
    const copied = await askTandem(nodes[newer], 'data', 'rejoin', 'mariadb', '--copy')
    expect([copied.ok, copied.stderr]).toEqual([true, ''])
    expect(copied.stdout).toContain('mariadb: our server is emptied and filled\n')
    expect(copied.stdout).toMatch(/done: the store follows the peer\n$/)
    expect(await settled()).toBe(older)
    expect(await contentOf(newer)).toEqual(await contentOf(older))
    const [after] = (await documentOf<DataDocument>(newer, 'data', 'show'))?.stores ?? []
    const whole = after?.archives.find(({ directory }) => directory.endsWith('-whole'))
    expect(existsSync(`${whole?.directory}/data.sql`)).toBe(true)

    // And it can take its turn again.
    expect((await askTandem(nodes[older], 'make-standby')).stderr).toBe('')
    expect(await settled()).toBe(newer)
  }, 240_000)
})
