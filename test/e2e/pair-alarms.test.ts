/**
 * Goal: word of what happens reaches somebody, once, from one of two nodes, whatever hangs on the way; and what
 * differs between the nodes is named. Method: a real pair whose notices go to a program that keeps them, to a
 * mail program that hangs and to a port where nobody listens; files of the nodes differ.
 */
import { mkdtempSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Notice } from '../../src/control/notice.ts'
import type { ExplainDocument } from '../../src/control/schema.ts'
import { setCable } from '../../src/lab/faults.ts'
import { type LabNodeName, otherNode } from '../../src/lab/plan.ts'
import { directoriesOf } from '../../src/lab/platform-files.ts'
import { StorePair } from '../../src/lab/store-pair.ts'
import { LONG } from '../helpers/long.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0
/** A notice waits for what may come with it, and the second node for the first. */
const TOLD_WITHIN_MS = 120_000

let pair: StorePair
const directory = mkdtempSync(join(tmpdir(), 'tandem-alarms-'))
const KEPT = join(directory, 'notices.jsonl')

/** Everything that was told so far, by whom. */
async function notices(): Promise<Notice[]> {
  const text = await readFile(KEPT, 'utf8')
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Notice)
}

/** Who told of an alarm so far, in order: `sp1 began`. */
async function tellers(code: string): Promise<string[]> {
  return (await notices()).flatMap(({ node, alarms }) =>
    alarms.filter((alarm) => alarm.code === code).map(({ what }) => `${node} ${what}`),
  )
}

const told = (code: string, teller: string) =>
  until(async () => (await tellers(code)).includes(teller), TOLD_WITHIN_MS)

describe.skipIf(!isRoot)('alarms of a pair', () => {
  let active: LabNodeName

  beforeAll(async () => {
    await writeFile(KEPT, '')
    await writeFile(join(directory, 'page'), `#!/bin/sh\ncat >>${KEPT}\n`, { mode: 0o755 })
    await writeFile(join(directory, 'mail'), '#!/bin/sh\nsleep 600\n', { mode: 0o755 })
    pair = await StorePair.build('tandemalarm', {
      ...{ profile: 'default', kinds: [] },
      more: [
        'drift: {files: [], after_minutes: 0}',
        'alarms:',
        `  command: ${join(directory, 'page')}`,
        `  mail: {to: noc@x.test, sendmail: ${join(directory, 'mail')}}`,
        '  webhook: {url: "http://127.0.0.1:1/word"}',
      ],
      prepared: async ({ plan }) => {
        const { config } = directoriesOf(plan, 'sp2')
        await writeFile(join(config, 'config.sp2.yml'), 'tandem: {main_stall_ms: 4000}\n')
      },
    })
    active = await pair.whole()
  }, 120_000)

  afterAll(async () => {
    await pair.destroy()
    await rm(directory, { recursive: true })
  }, 120_000)

  it('tell who began to serve and why, once', async () => {
    const changes = await until(async () => {
      const found = (await notices()).flatMap(({ node, changes }) =>
        changes.map(({ reason }) => `${node} ${reason.code}`),
      )
      return found.length > 0 ? found : null
    }, TOLD_WITHIN_MS)
    expect(changes.length).toBe(1)
    expect(changes[0]).toMatch(new RegExp(`^${active} `))
  })

  it('name what differs between the nodes, in status, explain, diff and once as an alarm', async () => {
    await told('drift', `${active} began`)
    for (const node of ['sp1', 'sp2'] as const) {
      const differences = (await pair.statusOf(node))?.drift.differences
      expect(differences?.map(({ kind, name, where }) => [kind, name, where])).toEqual([
        ['part', 'main_stall_ms', 'differs'],
      ])
    }
    const explain = await pair.documentOf<ExplainDocument>(active, 'explain')
    expect(explain?.drift).toEqual([expect.stringMatching(/^main_stall_ms differs/)])
    const diff = await pair.ask(active, 'config', 'diff')
    expect(diff.stdout).toMatch(/^main_stall_ms {2}part {2}differs/m)
    expect(await tellers('drift')).toEqual([`${active} began`])
  })

  it('show a way that hangs and one that is refused, and tell of them by the one that works', async () => {
    await told('alarm-channel', `${active} began`)
    const ways = await until(async () => {
      const found = (await pair.statusOf(active))?.notices ?? []
      return found.filter(({ state }) => state === 'failing').length === 2 ? found : null
    }, TOLD_WITHIN_MS)
    const whys = Object.fromEntries(ways.map(({ kind, why }) => [kind, why]))
    expect(whys).toEqual({
      command: null,
      mail: expect.stringMatching(/did not end within 20000 ms/),
      webhook: 'http://127.0.0.1:1: ECONNREFUSED',
    })
    // Nothing of it moved the role, or held up the heart for as long as it takes to give it away.
    const status = await pair.statusOf(active)
    expect([status?.local.state, status?.local.role]).toEqual(['active', 'active'])
  })

  it.runIf(LONG)(
    'of a cable that both nodes lost are told by the active alone, with the next step',
    async () => {
      await setCable(pair.lab, 'crosslink', 'down')
      await told('path-no-carrier', `${active} began`)
      const alarm = (await notices())
        .flatMap(({ alarms }) => alarms)
        .find(({ code }) => code === 'path-no-carrier')
      expect(alarm).toMatchObject({ about: 'crosslink', mend: expect.stringMatching(/cable/) })
      expect(await pair.statusOf(otherNode(active))).toMatchObject({
        alarms: expect.arrayContaining([expect.objectContaining({ code: 'path-no-carrier' })]),
      })
      await setCable(pair.lab, 'crosslink', 'up')
      await told('path-no-carrier', `${active} over`)
      expect(await tellers('path-no-carrier')).toEqual([`${active} began`, `${active} over`])
    },
  )

  it('tell of a takeover with the outage, and that the peer is silent', async () => {
    const survivor = otherNode(active)
    await pair.nodes[active].powerOff()
    await told('peer-silent', `${survivor} began`)
    const change = (await notices())
      .filter(({ node }) => node === survivor)
      .flatMap(({ changes }) => changes)
      .at(-1)
    expect(change).toMatchObject({ to: 'active', reason: { code: 'takeover-done' } })
    expect(change?.outageMs).toBeGreaterThan(0)
  })
})
