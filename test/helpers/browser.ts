/** A real browser without a window, and the page served to it as the agent serves it, over pretend documents. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { readPageFiles } from '../../src/api/page-files.ts'
import { EventBoard } from '../../src/control/events.ts'
import type { ControlPorts } from '../../src/control/server.ts'
import { type FrontStage, frontStage, OPERATE_TOKEN, READ_TOKEN } from './front-stage.ts'

const CHROMIUM = '/usr/bin/chromium'
const BUILT = join(import.meta.dirname, '../../dist/control')

/** Why no browser can be shown the page here; null when one can. */
export function browserMissing(): string | null {
  return existsSync(CHROMIUM) ? null : `${CHROMIUM} is missing (apt-get install chromium)`
}

/** @param program  that runs Chromium, perhaps somewhere else */
export function startBrowser(program = CHROMIUM): Promise<Browser> {
  return chromium.launch({
    executablePath: program,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  })
}

export interface PageStage {
  front: FrontStage
  url: string
  /** A tab that has signed in. */
  open(role: 'read' | 'operate', options?: BrowserContextOptions): Promise<Page>
  stop(): Promise<void>
}

export async function pageStage(browser: Browser, ports: ControlPorts): Promise<PageStage> {
  const page = await readPageFiles(BUILT)
  const board = new EventBoard({ boot: 'b', status: () => ports.status() })
  const events: ControlPorts['events'] = (sink, lastId) => board.open(sink, lastId)
  const front = await frontStage({ ports: { ...ports, events }, page, api: { open: ['page'] } })
  const url = `http://127.0.0.1:${front.plainPort}/`
  return {
    front,
    url,
    async open(role, options) {
      const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
      const tab = await context.newPage()
      await tab.goto(url)
      await signIn(tab, role === 'read' ? READ_TOKEN : OPERATE_TOKEN)
      return tab
    },
    stop: () => front.stop(),
  }
}

export async function signIn(tab: Page, token: string): Promise<void> {
  await tab.getByLabel('Token').fill(token)
  await tab.keyboard.press('Enter')
  await tab.locator('#sp1 .role').waitFor()
}

/** Waits for a text to be on the page. */
export async function seen(tab: Page, text: string | RegExp): Promise<void> {
  await tab.getByText(text).first().waitFor({ timeout: 20_000 })
}
