/**
 * Goal: on the page of a real pair the role is moved by hand, and what is not known any more is not shown as if it
 * were. Method: real Chromium at the place of a client, over HTTPS; nodes are killed under it.
 */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LabNodeName, namespaceOf, otherNode } from '../../src/lab/plan.ts'
import { type ApiPair, apiPair } from '../helpers/api-pair.ts'
import { browserMissing, seen, signIn, startBrowser } from '../helpers/browser.ts'
import { until } from '../helpers/until.ts'

const missing = browserMissing()
if (missing !== null) console.warn(`the page of a pair is not tested: ${missing}`)
const isRoot = process.getuid?.() === 0

describe.skipIf(missing !== null || !isRoot)('the page of a real pair', () => {
  let pair: ApiPair
  let browser: Browser
  let active: LabNodeName

  beforeAll(async () => {
    pair = await apiPair('tandempage', ['open: [page]'])
    active = (await pair.begin()).active
    // The browser stands where the clients are.
    const client = namespaceOf(pair.lab.plan, 'client')
    const program = join(pair.lab.plan.workDir, 'chromium')
    writeFileSync(
      program,
      `#!/bin/sh\nexec nsenter --net=/run/netns/${client} /usr/bin/chromium "$@"\n`,
    )
    chmodSync(program, 0o755)
    browser = await startBrowser(program)
  })
  afterAll(async () => {
    await browser?.close()
    await pair?.destroy()
  })

  async function open(node: LabNodeName, role: 'read' | 'operate'): Promise<Page> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, reducedMotion: 'reduce' })
    const tab = await context.newPage()
    await tab.goto(pair.url(node, '/'))
    await signIn(tab, pair.tokens[role])
    return tab
  }

  function role(tab: Page, node: LabNodeName, word: string): Promise<void> {
    return tab.locator(`#${node} .role`, { hasText: word }).waitFor({ timeout: 20_000 })
  }

  it('moves the role by hand; both pages show it', async () => {
    const from = active
    const to = otherNode(from)
    const [here, there] = [await open(from, 'operate'), await open(to, 'read')]
    await Promise.all([role(here, from, 'Active'), role(there, from, 'Active')])
    await here.locator('#switch-over').click()
    await here.getByRole('button', { name: `Make ${to} active, ${from} standby` }).click()
    await here.locator('#order-outcome', { hasText: 'Done' }).waitFor({ timeout: 20_000 })
    expect(await here.locator('#order-steps').textContent()).toContain(`${to} is active, term`)
    await Promise.all([role(here, to, 'Active'), role(there, to, 'Active')])
    await Promise.all([role(here, from, 'Standby'), role(there, from, 'Standby')])
    const { local } = await pair.status(to)
    expect(local.state).toBe('active')
    await here.locator('#timeline', { hasText: 'active to demoting' }).waitFor()
    active = to
    await Promise.all([here.context().close(), there.context().close()])
  })

  it('says at once that there is no word, and shows a node that came back', async () => {
    const standby = otherNode(active)
    const [quiet, alive] = [await open(standby, 'operate'), await open(active, 'read')]
    await role(quiet, active, 'Active')
    pair.bench.nodes[standby].signal('SIGKILL')
    await seen(quiet, new RegExp(`No word from ${standby} for \\d+ s`))
    await role(quiet, standby, 'was standby')
    expect(await quiet.locator('#switch-over').isDisabled()).toBe(true)
    await role(alive, standby, 'Silent')
    await alive.locator('#alarms', { hasText: 'the peer is not heard' }).waitFor()
    await pair.driver.start(pair.bench.nodes[standby])
    await role(alive, standby, 'Standby')
    await until(async () => (await quiet.locator('#lost').isVisible()) === false)
    await role(quiet, standby, 'Standby')
    await Promise.all([quiet.context().close(), alive.context().close()])
  })
})
