/**
 * Goal: the page of a drill can be read by everybody, on a desk and on a phone, and loads nothing. Method: the file
 * in real Chromium.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pageOf } from '../../src/drill/page.ts'
import { reportWith } from '../fixtures/drill-report.ts'
import { browserMissing, startBrowser } from '../helpers/browser.ts'

const missing = browserMissing()
if (missing !== null) console.warn(`the page of a drill is not tested: ${missing}`)

describe.skipIf(missing !== null)('the page of a drill in a browser', () => {
  let browser: Browser
  const directory = mkdtempSync(join(tmpdir(), 'tandem-drill-page-'))
  const file = join(directory, 'drill.html')

  beforeAll(async () => {
    browser = await startBrowser()
    writeFileSync(file, pageOf(reportWith()))
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(directory, { recursive: true })
  })

  it.each([
    [1100, 'light'],
    [375, 'light'],
    [375, 'dark'],
  ] as const)(
    '%i pixels wide, %s: fits, loads nothing, is accessible',
    async (width, colorScheme) => {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme })
      const tab = await context.newPage()
      const loaded: string[] = []
      tab.on('request', (request) => loaded.push(request.url()))
      await tab.goto(`file://${file}`)
      expect(loaded).toEqual([`file://${file}`])
      const widths = 'Promise.resolve([document.documentElement.scrollWidth, innerWidth])'
      const [wide, shown] = await tab.evaluate<[number, number]>(widths)
      expect(wide).toBeLessThanOrEqual(shown)
      expect(await tab.getByText('silence of 10.0.0.50').first().isVisible()).toBe(true)
      const { violations } = await new AxeBuilder({ page: tab }).analyze()
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
      await context.close()
    },
  )
})
