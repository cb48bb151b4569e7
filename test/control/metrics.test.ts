/**
 * Goal: the figures are those of the status, their text is what Prometheus reads, and what the dashboard
 * and the alerts ask for exists. Where promtool is there, it judges all of it.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exposition } from '../../src/control/exposition.ts'
import { METRIC_NAMES, metricsOf, TransitionTally } from '../../src/control/metrics.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { buildServer } from '../../src/control/server.ts'
import { FACTS, pretendPorts } from '../fixtures/control-agent.ts'
import { STATUS, UNHEARD_PEER } from '../fixtures/control-documents.ts'

const PACKAGING = join(import.meta.dirname, '../../packaging')
const hasPromtool = spawnSync('promtool', ['--version']).status === 0

const STORE: StatusDocument['stores'][number] = {
  ...{
    name: 'redis',
    kind: 'redis',
    role: 'writable',
    offset: 7,
    following: false,
    applies: true,
    backlog: null,
  },
  ...{ confirmsTogether: false, sick: false, trouble: null, hazards: [], version: null },
  ...{ waiting: null, rejoin: null, verified: null, loss: null },
  space: {
    ...{ directory: '/var', freeBytes: 10, totalBytes: 100, lowBytes: 1, criticalBytes: 1 },
    ...{ state: 'enough', fullInMs: null },
  },
  peer: { role: 'read-only', following: true, offset: 5, behind: 2, lookedMsAgo: 3 },
}
const SERVICE: StatusDocument['services'][number] = {
  ...{ name: 'lb', backend: 'systemd', mode: 'always', essential: true, wanted: 'running' },
  ...{ process: 'running', probe: 'failing', probed: true, pid: 7, runsMs: 1, why: null },
  ...{ trouble: null, failures: 2, failuresMax: 3, exhausted: false, monitored: true, held: false },
}
const FULL: StatusDocument = {
  ...STATUS,
  stores: [
    STORE,
    { ...STORE, name: 'mariadb', kind: 'mariadb', role: null, sick: true, space: null },
  ],
  services: [SERVICE, { ...SERVICE, name: 'odd "one"\\', wanted: null, probed: false }],
}

function linesOf(name: string, status = FULL, more: Partial<typeof FACTS> = {}): string[] {
  const text = exposition(metricsOf({ ...FACTS, status, ...more }))
  return text.split('\n').filter((line) => line.startsWith(`tandem_${name}`))
}

describe('the figures', () => {
  it('say the role as a set of states', () => {
    expect(linesOf('role{')).toEqual([
      'tandem_role{role="standby"} 0',
      'tandem_role{role="elect"} 0',
      'tandem_role{role="take"} 0',
      'tandem_role{role="active"} 1',
      'tandem_role{role="demoting"} 0',
    ])
    expect(linesOf('peer_state').filter((line) => line.endsWith(' 1'))).toEqual([
      'tandem_peer_state{state="standby"} 1',
    ])
  })

  it('are in seconds and bytes', () => {
    expect(linesOf('lease')).toEqual(['tandem_lease_remaining_seconds 0.0824'])
    expect(linesOf('peer_heard_age')).toEqual(['tandem_peer_heard_age_seconds 0.0123'])
    expect(linesOf('takeover')).toEqual([
      'tandem_takeover_outage_seconds 0.048',
      `tandem_takeover_timestamp_seconds ${Date.parse('2026-11-21T11:56:40Z') / 1000}`,
    ])
    expect(linesOf('start_time')).toEqual([
      `tandem_start_time_seconds ${Date.parse('2026-11-21T12:00:00Z') / 1000 - 3660}`,
    ])
    expect(linesOf('path_round_trip')).toEqual([
      'tandem_path_round_trip_median_seconds{path="crosslink",kind="crosslink"} 0.00021',
      'tandem_path_round_trip_max_seconds{path="crosslink",kind="crosslink"} 0.00114',
    ])
  })

  it('say nothing of what is not known', () => {
    const unheard = { ...FULL, peer: UNHEARD_PEER, local: { ...FULL.local, leaseLeftMs: null } }
    for (const name of ['lease', 'peer_heard_age', 'peer_configuration_equal']) {
      expect(linesOf(name, unheard)).toEqual([])
    }
    expect(linesOf('takeover', FULL, { lastTakeover: null })).toEqual([])
    expect(linesOf('store_', STATUS)).toEqual([])
    expect(exposition(metricsOf({ ...FACTS, status: unheard }))).not.toMatch(/NaN|null|undefined/)
  })

  it('say how long ago the watchdog was fed, where there is one', () => {
    expect(linesOf('watchdog')).toEqual([])
    const watchdog = {
      ...{ device: '/dev/watchdog', identity: null, timeoutSeconds: 20, fedMsAgo: 1_500 },
      trouble: null,
    }
    expect(linesOf('watchdog', { ...FULL, watchdog })).toEqual([
      'tandem_watchdog_fed_age_seconds 1.5',
    ])
    expect(linesOf('watchdog', { ...FULL, watchdog: { ...watchdog, fedMsAgo: null } })).toEqual([])
  })

  it('tell stores and services apart', () => {
    expect(linesOf('store_lag')).toEqual([
      'tandem_store_lag_bytes{store="redis",kind="redis"} 2',
      'tandem_store_lag_transactions{store="mariadb",kind="mariadb"} 2',
    ])
    expect(linesOf('store_up')).toEqual([
      'tandem_store_up{store="redis",kind="redis"} 1',
      'tandem_store_up{store="mariadb",kind="mariadb"} 0',
    ])
    expect(linesOf('store_writable')).toEqual([
      'tandem_store_writable{store="redis",kind="redis"} 1',
    ])
    expect(linesOf('service_wanted')).toEqual(['tandem_service_wanted{service="lb"} 1'])
    expect(linesOf('service_well')).toEqual(['tandem_service_well{service="lb"} 0'])
    expect(linesOf('service_failures')[1]).toBe(
      'tandem_service_failures{service="odd \\"one\\"\\\\"} 2',
    )
  })

  it('tell what load-balancers have of the pair', () => {
    const edge: StatusDocument['loadBalancers'][number] = {
      ...{ name: 'edge1', kind: 'kamailio', set: 1, destination: 'sip:192.0.2.50:5060' },
      ...{ wanted: 'active', why: 'serves', seen: 'active', trouble: null },
    }
    const silent = { ...edge, name: 'edge2', seen: null, trouble: 'silent' }
    const status = { ...FULL, loadBalancers: [edge, silent], drained: true }
    expect([...linesOf('load_balancer', status), ...linesOf('drained', status)]).toEqual([
      'tandem_load_balancer_up{load_balancer="edge1"} 1',
      'tandem_load_balancer_up{load_balancer="edge2"} 0',
      'tandem_load_balancer_sends_calls{load_balancer="edge1"} 1',
      'tandem_drained 1',
    ])
  })

  it('count changes of the role by where to and why', () => {
    const tally = new TransitionTally()
    const record = (to: 'active' | 'standby', code: string) =>
      tally.note({
        ...{ atIso: '', from: 'elect', to, term: 1, outageMs: null },
        reason: { code, sentence: '' },
      })
    for (const to of ['active', 'standby', 'active'] as const) record(to, 'elected')
    record('active', 'takeover-done')
    expect(linesOf('transitions_total', FULL, { transitions: tally.all })).toEqual([
      'tandem_transitions_total{to="active",reason="elected"} 2',
      'tandem_transitions_total{to="standby",reason="elected"} 1',
      'tandem_transitions_total{to="active",reason="takeover-done"} 1',
    ])
  })

  it('are served as text that says its version', async () => {
    const app = buildServer(pretendPorts(), { access: 'read' })
    const answer = await app.inject({ method: 'GET', url: '/metrics' })
    expect([answer.statusCode, answer.headers['content-type'], answer.body]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
      exposition(metricsOf(FACTS)),
    ])
  })

  it.skipIf(!hasPromtool)('pass promtool', () => {
    const input = exposition(metricsOf({ ...FACTS, status: FULL }))
    const checked = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
    expect([checked.status, checked.stdout, checked.stderr]).toEqual([0, '', ''])
  })
})

describe('what goes with them', () => {
  const alerts = readFileSync(join(PACKAGING, 'prometheus/alerts.yml'), 'utf8')
  const tests = readFileSync(join(PACKAGING, 'prometheus/alerts.test.yml'), 'utf8')
  const dashboard = readFileSync(join(PACKAGING, 'grafana/tandem.json'), 'utf8')
  const named = (text: string): string[] => text.match(/\btandem_[a-z_]+/g) ?? []

  it('asks only for figures that exist', () => {
    JSON.parse(dashboard)
    for (const text of [alerts, tests, dashboard]) {
      expect(named(text).filter((name) => !METRIC_NAMES.includes(name))).toEqual([])
      expect(named(text).length).toBeGreaterThan(20)
    }
  })

  it('has each alert tried, once silent and once raised', () => {
    const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name)
    for (const name of names) {
      const cases = tests.split(`alertname: ${name}\n`).slice(1)
      expect([name, cases.length]).toEqual([name, 2])
      expect(cases[0]).toMatch(/^ {4}exp_alerts: \[\]/)
      expect(cases[1]).toMatch(/^ {4}exp_alerts:\n {4}- exp_labels/)
    }
  })

  it.skipIf(!hasPromtool)('passes promtool', { timeout: 60_000 }, () => {
    const cwd = join(PACKAGING, 'prometheus')
    for (const args of [
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'alerts.test.yml'],
      ['check', 'config', '--syntax-only', 'prometheus.yml'],
    ]) {
      execFileSync('promtool', args, { cwd, stdio: 'pipe' })
    }
  })
})
