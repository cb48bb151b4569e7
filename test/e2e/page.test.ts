/**
 * Goal: the page says what is so, orders only what was confirmed, and can be used by everybody. Method: real
 * Chromium over pretend documents, served by the real front of the API.
 */
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OperationRequest, StatusDocument } from '../../src/control/schema.ts'
import { pretendPorts } from '../fixtures/control-agent.ts'
import { operationWith, UNHEARD_PEER } from '../fixtures/control-documents.ts'
import { ACTIVE, alarmOf, PAIR_EXPLAIN, PAIR_HISTORY } from '../fixtures/pair-documents.ts'
import {
  browserMissing,
  type PageStage,
  pageStage,
  seen,
  signIn,
  startBrowser,
} from '../helpers/browser.ts'

const missing = browserMissing()
if (missing !== null) console.warn(`the page is not tested: ${missing}`)

describe.skipIf(missing !== null)('the page over pretend documents', () => {
  let browser: Browser
  let stage: PageStage
  let status: StatusDocument = ACTIVE
  const requests: OperationRequest[] = []
  const troubles: string[] = []

  beforeAll(async () => {
    browser = await startBrowser()
    stage = await pageStage(
      browser,
      pretendPorts({
        status: async () => status,
        history: async () => PAIR_HISTORY,
        explain: async () => PAIR_EXPLAIN,
        operate: async (request) => {
          requests.push(request)
          return operationWith({ id: 'op-1', kind: request.kind, node: 'sp2', state: 'accepted' })
        },
        operation: async () =>
          operationWith({
            ...{ id: 'op-1', kind: 'make-active', node: 'sp2', state: 'done' },
            steps: [{ atMs: 21.4, sentence: 'sp2 is active, term 8' }],
          }),
      }),
    )
  })
  afterEach(() => {
    status = ACTIVE
    requests.length = 0
    troubles.length = 0
  })
  afterAll(async () => {
    await stage?.stop()
    await browser?.close()
  })

  async function open(role: 'read' | 'operate', options = {}): Promise<Page> {
    const tab = await stage.open(role, options)
    tab.on('pageerror', (error) => troubles.push(error.message))
    tab.on('console', (line) => line.type() === 'error' && troubles.push(line.text()))
    return tab
  }

  it('shows both nodes, and what changes as it changes', async () => {
    const tab = await open('read')
    await tab.locator('#sp1 .role', { hasText: 'Active' }).waitFor()
    await tab.locator('#sp2 .role', { hasText: 'Standby' }).waitFor()
    expect(await tab.locator('#sp1').textContent()).toContain('10.0.0.50/24, answered')
    expect(await tab.locator('#paths li').count()).toBe(5)
    expect(await tab.locator('#services tbody tr').count()).toBe(4)
    await seen(tab, 'elected: the peer granted the lease')
    expect(await tab.title()).toBe('sp1 active, sp2 standby - Tandem')
    const sentence = 'the peer is not heard on any path'
    status = {
      ...ACTIVE,
      peer: UNHEARD_PEER,
      alarms: [alarmOf(sentence, ACTIVE.timeIso)],
    }
    await tab.locator('#sp2 .role', { hasText: 'Silent' }).waitFor()
    await tab.locator('#alarms', { hasText: sentence }).waitFor()
    expect(await tab.locator('#announce').textContent()).toBe('sp1 is active, sp2 is silent')
    expect(troubles).toStrictEqual([])
    await tab.context().close()
  })

  it('shows what the load-balancers have of the pair, and drains it when that is confirmed', async () => {
    const tab = await open('operate')
    const edge = tab.locator('#load-balancers tbody tr')
    expect(await edge.textContent()).toContain('active (serves)sip:10.0.0.50:5060, set 1')
    await tab.getByRole('button', { name: 'Drain the pair …' }).click()
    await seen(
      tab,
      'edge1 send no new calls to the pair, whichever node serves. Calls that stand go on.',
    )
    expect(requests).toStrictEqual([])
    await tab.getByRole('button', { name: 'Drain the pair', exact: true }).click()
    await tab.locator('#order-outcome', { hasText: 'Done' }).waitFor()
    expect(requests).toStrictEqual([{ kind: 'drain', node: null, force: false, on: true }])
    await tab.getByRole('button', { name: 'Close' }).click()
    const [balancer] = ACTIVE.loadBalancers
    status = {
      ...ACTIVE,
      drained: true,
      loadBalancers: [{ ...balancer!, wanted: 'drained', why: 'operator', trouble: 'no answer' }],
    }
    await tab.locator('#load-balancers h2', { hasText: 'the pair is drained' }).waitFor()
    expect(await edge.textContent()).toContain('no answerdrained (operator)')
    await tab.getByRole('button', { name: 'Take new calls again …' }).click()
    await tab.getByRole('button', { name: 'Take new calls again', exact: true }).click()
    await tab.locator('#order-outcome', { hasText: 'Done' }).waitFor()
    expect(requests.at(-1)).toStrictEqual({ kind: 'drain', node: null, force: false, on: false })
    status = { ...ACTIVE, loadBalancers: [] }
    await tab.locator('#load-balancers').waitFor({ state: 'hidden' })
    expect(await tab.locator('#drain').isVisible()).toBe(false)
    await tab.context().close()
  })

  it('begins and ends a maintenance, saying what it means first', async () => {
    const tab = await open('operate')
    await tab.getByRole('button', { name: 'Maintenance of sp1 …' }).click()
    await seen(tab, 'sp1 hands over to sp2 first, and does not act until it is ended.')
    await tab.getByRole('button', { name: 'Hand over to sp2, begin on sp1' }).click()
    await tab.locator('#order-outcome', { hasText: 'Done' }).waitFor()
    await tab.getByRole('button', { name: 'Close' }).click()
    status = { ...ACTIVE, local: { ...ACTIVE.local, maintenance: true } }
    await tab.getByRole('button', { name: 'End the maintenance of sp1 …' }).click()
    await tab.getByRole('button', { name: 'End the maintenance of sp1', exact: true }).click()
    await tab.locator('#order-outcome', { hasText: 'Done' }).waitFor()
    expect(requests).toStrictEqual([
      { kind: 'maintenance', node: null, force: false, on: true },
      { kind: 'maintenance', node: null, force: false, on: false },
    ])
    await tab.context().close()
  })

  it('shows how stores compared last, and the steps of a takeover to whoever unfolds them', async () => {
    const tab = await open('read')
    const rows = tab.locator('#stores tbody tr')
    expect(await rows.nth(0).textContent()).toMatch(/never$/)
    expect(await rows.nth(1).textContent()).toContain(
      '214330 rows are the same on both nodes, 2026-11-21',
    )
    const steps = tab.locator('#timeline details')
    expect(await steps.count()).toBe(1)
    expect(await steps.locator('li').first().isVisible()).toBe(false)
    await steps.locator('summary').click()
    expect(await steps.locator('li').nth(1).textContent()).toBe('+14 msredis takes writes (9.1 ms)')
    expect(await steps.locator('li').first().isVisible()).toBe(true)
    await tab.context().close()
  })

  it('takes everything from outside as text', async () => {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    status = {
      ...ACTIVE,
      local: { ...ACTIVE.local, reason: { code: 'x', sentence: evil } },
      alarms: [alarmOf(evil, evil)],
    }
    const tab = await open('operate')
    await tab.locator('#alarms', { hasText: evil }).waitFor()
    expect(await tab.locator('main img, main script').count()).toBe(0)
    await tab.context().close()
  })

  it('offers nothing to do to whoever may only look', async () => {
    const tab = await open('read')
    await tab.locator('#explain', { hasText: 'sp2 takes over' }).waitFor()
    expect(await tab.locator('#operate').isVisible()).toBe(false)
    await tab.context().close()
  })

  it('moves nothing by a stray key, and a move with keys alone', async () => {
    const tab = await open('operate')
    await tab.locator('#switch-over').focus()
    await tab.keyboard.press('Enter')
    await seen(tab, 'Nothing stands in the way; sp2 can take over.')
    await seen(tab, 'redis: the other copy is 412 B behind')
    await tab.keyboard.press('Enter')
    await tab.locator('dialog').waitFor({ state: 'hidden' })
    expect(requests).toStrictEqual([])
    await tab.keyboard.press('Enter')
    await tab.getByRole('button', { name: 'Make sp2 active, sp1 standby' }).focus()
    await tab.keyboard.press('Enter')
    await tab.locator('#order-outcome', { hasText: 'Done' }).waitFor()
    expect(await tab.locator('#order-steps').textContent()).toMatch(/21 ms\s*sp2 is active, term 8/)
    expect(requests).toStrictEqual([{ kind: 'make-active', node: 'sp2', force: false }])
    await tab.context().close()
  })

  it('asks for a token once, and for another when it is not known', async () => {
    const context = await browser.newContext()
    const tab = await context.newPage()
    await tab.goto(stage.url)
    await tab.getByLabel('Token').fill('tandem_wrong')
    await tab.keyboard.press('Enter')
    await seen(tab, 'This token is not known here.')
    await signIn(tab, 'tandem_read')
    await tab.reload()
    await tab.locator('#sp1 .role').waitFor()
    expect(await tab.evaluate('localStorage.length + document.cookie.length')).toBe(0)
    await context.close()
  })

  it.each(['light', 'dark'] as const)('is accessible (WCAG 2.2 AA), %s', async (colorScheme) => {
    const [failing, ...services] = ACTIVE.services
    status = {
      ...ACTIVE,
      peer: UNHEARD_PEER,
      alarms: [alarmOf('something', ACTIVE.timeIso)],
      services: [{ ...failing!, probe: 'failing', why: 'no answer', failures: 2 }, ...services],
    }
    const tab = await open('operate', { colorScheme, bypassCSP: true })
    await tab.locator('#timeline li').first().waitFor()
    const look = async () => {
      const { violations } = await new AxeBuilder({ page: tab })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
        .analyze()
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
    }
    expect(await look()).toStrictEqual([])
    await tab.locator('#switch-over').click()
    await seen(tab, 'Nothing stands in the way')
    expect(await look()).toStrictEqual([])
    await tab.context().close()
  })

  it.each([360, 768, 1280, 3840])(
    'fits a width of %i without scrolling sideways',
    async (width) => {
      const tab = await open('operate', { viewport: { width, height: 900 } })
      await tab.locator('#timeline li').first().waitFor()
      expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width)
      await tab.context().close()
    },
  )

  it('loads nothing from elsewhere and is framed nowhere', async () => {
    const { status: code, headers } = await stage.front.askPlain({ path: '/' })
    expect(code).toBe(200)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['content-security-policy']).not.toContain('unsafe')
    const asked: string[] = []
    const context = await browser.newContext()
    const tab = await context.newPage()
    tab.on('request', (request) => void asked.push(request.url()))
    await tab.goto(stage.url)
    await signIn(tab, 'tandem_read')
    const foreign = asked.filter((url) => !url.startsWith(stage.url) && !url.startsWith('data:'))
    expect(foreign).toStrictEqual([])
    await context.close()
  })
})
