/**
 * Goal: pictures of the page for the README, and for whoever changes it. Method: the real page in a real browser,
 * over documents of a VoIP pair; `docs/` gets what the README shows, `build/screenshots/` all of them.
 */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { OperationDocument, StatusDocument } from '../../src/control/schema.ts'
import { pretendPorts } from '../fixtures/control-agent.ts'
import { operationWith, UNHEARD_PEER } from '../fixtures/control-documents.ts'
import { ACTIVE, alarmOf, PAIR_EXPLAIN, PAIR_HISTORY, STANDBY } from '../fixtures/pair-documents.ts'
import { browserMissing, pageStage, startBrowser } from '../helpers/browser.ts'

const ROOT = join(import.meta.dirname, '../..')
const ALL = join(ROOT, 'build/screenshots')
const WIDE = { viewport: { width: 1180, height: 820 } }
const PHONE = { viewport: { width: 360, height: 780 }, deviceScaleFactor: 2 }

const [crosslink, ...otherPaths] = ACTIVE.paths
const TROUBLE: StatusDocument = {
  ...ACTIVE,
  local: { ...ACTIVE.local, sync: false, sole: true },
  peer: { ...UNHEARD_PEER, lastHeardMsAgo: 42_000 },
  paths: ACTIVE.paths.map((path) => ({
    ...path,
    state: 'silent',
    lossRatio: 1,
    roundTripMs: null,
  })),
  alarms: [
    alarmOf('the peer is not heard on any path', '2026-11-21T11:59:18.000Z'),
    alarmOf(
      'writes are confirmed without the peer: the peer does not take over as if it had them',
      '2026-11-21T11:59:19.000Z',
    ),
  ],
}
const LOSSY: StatusDocument = {
  ...ACTIVE,
  paths: [{ ...crosslink!, state: 'lossy', lossRatio: 0.125 }, ...otherPaths],
}
const MOVING: OperationDocument = operationWith({
  kind: 'make-active',
  node: 'sp2',
  state: 'running',
  steps: [
    { atMs: 0.4, sentence: 'asked for sp2 to become active' },
    {
      atMs: 21.2,
      sentence: 'sp1 is active, sp2 is standby, writes are frozen while the peer catches up',
    },
    { atMs: 48.9, sentence: 'sp1 is demoting (an operator asked for it), sp2 is elect' },
  ],
})

interface Shot {
  name: string
  status: StatusDocument
  options: BrowserContextOptions
  after?: (tab: Page, stop: () => Promise<void>) => Promise<void>
  whole?: boolean
}

const SHOTS: readonly Shot[] = [
  { name: 'page-light', status: ACTIVE, options: { ...WIDE, colorScheme: 'light' } },
  { name: 'page-dark', status: ACTIVE, options: { ...WIDE, colorScheme: 'dark' } },
  { name: 'whole', status: LOSSY, options: { ...WIDE, colorScheme: 'light' }, whole: true },
  { name: 'standby', status: STANDBY, options: { ...WIDE, colorScheme: 'dark' }, whole: true },
  { name: 'alarm', status: TROUBLE, options: { ...WIDE, colorScheme: 'light' } },
  { name: 'alarm-dark', status: TROUBLE, options: { ...WIDE, colorScheme: 'dark' } },
  {
    name: 'lost',
    status: ACTIVE,
    options: { ...WIDE, colorScheme: 'light' },
    after: async (tab, stop) => {
      await stop()
      await tab.getByText('No word from sp1 for 7 s').waitFor()
    },
  },
  { name: 'phone', status: ACTIVE, options: { ...PHONE, colorScheme: 'light' }, whole: true },
  { name: 'phone-alarm', status: TROUBLE, options: { ...PHONE, colorScheme: 'dark' } },
  { name: 'wall', status: ACTIVE, options: { viewport: { width: 2560, height: 1440 } } },
  {
    name: 'page-switchover',
    status: ACTIVE,
    options: { ...WIDE, colorScheme: 'light' },
    after: async (tab) => {
      await tab.getByRole('button', { name: 'Switch over' }).click()
      await tab.getByRole('button', { name: 'Make sp2 active' }).click()
      await tab.getByText('sp2 is elect').waitFor()
    },
  },
  {
    name: 'preflight',
    status: ACTIVE,
    options: { ...PHONE, colorScheme: 'light' },
    after: async (tab) => {
      await tab.getByRole('button', { name: 'Switch over' }).click()
      await tab.getByRole('button', { name: 'Make sp2 active' }).waitFor()
    },
  },
]

const missing = browserMissing()
if (missing !== null) console.warn(`screenshots: ${missing}`)

describe.skipIf(missing !== null)('screenshots', () => {
  let browser: Browser
  beforeAll(async () => {
    mkdirSync(ALL, { recursive: true })
    browser = await startBrowser()
  }, 60_000)
  afterAll(() => browser?.close())

  it.each(SHOTS)('$name', async ({ name, status, options, after, whole }) => {
    const stage = await pageStage(
      browser,
      pretendPorts({
        status: async () => ({ ...status, timeIso: new Date().toISOString() }),
        history: async () => ({ ...PAIR_HISTORY, node: status.node }),
        explain: async () => PAIR_EXPLAIN,
        operate: async () => MOVING,
        operation: async () => MOVING,
      }),
    )
    let stopped = false
    const stop = async (): Promise<void> => {
      if (!stopped) await stage.stop()
      stopped = true
    }
    const tab = await stage.open('operate', options)
    await tab.locator('#timeline li').first().waitFor()
    await after?.(tab, stop)
    const path = join(ALL, `${name}.png`)
    await tab.screenshot({ path, fullPage: whole === true })
    if (name.startsWith('page-')) copyFileSync(path, join(ROOT, 'docs', `${name}.png`))
    await tab.context().close()
    await stop()
  })
})
