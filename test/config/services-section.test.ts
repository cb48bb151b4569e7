/**
 * Goal: what an operator writes of a service is read as meant, and each mistake is told with its mend.
 * Method: the section as text.
 */
import { describe, expect, it } from 'vitest'
import { Findings } from '../../src/config/finding.ts'
import { readCallCheck, readServices } from '../../src/config/services-section.ts'
import { child } from '../../src/config/tree.ts'
import { readYaml } from '../../src/config/yaml.ts'

function read(text: string) {
  const findings = new Findings()
  const tree = readYaml('config.yml', Buffer.from(text), findings)
  const services = readServices(tree ?? undefined, ['redis'], findings)
  return { services, mistakes: findings.all.map(({ key, why, mend }) => `${key}: ${why}; ${mend}`) }
}

describe('a service', () => {
  it('of which nothing is said is a unit of its name that runs where the floating IPs are', () => {
    expect(read('lb:\n')).toEqual({
      services: [
        {
          name: 'lb',
          backend: { kind: 'systemd', unit: 'lb.service' },
          ...{
            mode: 'active',
            early: true,
            after: [],
            reads: [],
            essential: true,
            checks: [],
            probed: false,
          },
          ...{ checkEveryMs: 1_000, checkLimitMs: 1_000, misses: 2 },
          ...{ startLimitMs: 30_000, stopLimitMs: 10_000 },
          restarts: { count: 3, withinMs: 60_000 },
          ...{ onActive: [], onStandby: [] },
        },
      ],
      mistakes: [],
    })
  })

  it('is read with all that can be said', () => {
    const { services, mistakes } = read(`
rtpengine:
  command: [/usr/bin/rtpengine, --config-file, "/etc/a b.conf"]
  directory: /var/lib
  environment: {LANG: C}
  user: rtpengine
  log_file: /var/log/rtpengine.log
  grace_ms: 2000
  mode: always
  early: no
  reads: redis
  essential: no
  checks:
    - ng 127.0.0.1:12222 offer
    - process
  check_every_ms: 500
  check_limit_ms: 300
  check_misses: 3
  start_limit_ms: 5000
  stop_limit_ms: 4000
  restarts: 5 in 120s
  on_active: rtpengine 127.0.0.1:9900 active
  on_standby:
    - rtpengine [::1]:9900 standby
    - run /bin/echo gone
`)
    expect(mistakes).toEqual([])
    expect(services).toEqual([
      {
        name: 'rtpengine',
        backend: {
          kind: 'command',
          argv: ['/usr/bin/rtpengine', '--config-file', '/etc/a b.conf'],
          ...{ directory: '/var/lib', environment: { LANG: 'C' }, user: 'rtpengine' },
          ...{ logFile: '/var/log/rtpengine.log', graceMs: 2_000 },
        },
        ...{
          mode: 'always',
          early: false,
          after: [],
          reads: ['redis'],
          essential: false,
          probed: true,
        },
        checks: [
          { kind: 'ng', address: '127.0.0.1', port: 12_222, offer: true },
          { kind: 'process' },
        ],
        ...{ checkEveryMs: 500, checkLimitMs: 300, misses: 3 },
        ...{ startLimitMs: 5_000, stopLimitMs: 4_000 },
        restarts: { count: 5, withinMs: 120_000 },
        onActive: [{ kind: 'rtpengine', address: '127.0.0.1', port: 9_900, command: 'active' }],
        onStandby: [
          { kind: 'rtpengine', address: '::1', port: 9_900, command: 'standby' },
          { kind: 'run', argv: ['/bin/echo', 'gone'] },
        ],
      },
    ])
  })

  it('may be run by monit or by any OCF agent', () => {
    const { services, mistakes } = read(`
asterisk: {monit: asterisk, monit_socket: /run/monit.sock, monit_user: ha, monit_password_file: /etc/m}
sbc: {monit: sems, monit_port: 2813}
extra: {ocf: "ocf:heartbeat:Dummy", parameters: {state: /run/dummy}}
`)
    expect(mistakes).toEqual([])
    expect(services.map(({ backend }) => backend)).toEqual([
      {
        ...{ kind: 'monit', monitName: 'asterisk', socketPath: '/run/monit.sock' },
        ...{ user: 'ha', passwordFile: '/etc/m' },
      },
      {
        ...{ kind: 'monit', monitName: 'sems', address: '127.0.0.1', port: 2_813 },
        ...{ user: 'admin', passwordFile: '/etc/tandem/monit.password' },
      },
      { kind: 'ocf', provider: 'heartbeat', agent: 'Dummy', parameters: { state: '/run/dummy' } },
    ])
  })

  it('stands behind those it waits for, whatever the order in the file', () => {
    const { services } = read(`
lb: {after: proxy}
proxy: {after: [rtpengine, db]}
db:
rtpengine:
`)
    expect(services.map(({ name }) => name)).toEqual(['db', 'rtpengine', 'proxy', 'lb'])
  })

  it.each([
    ['lb: 7', 'lb: is not a section; write the settings of lb below it'],
    [
      'LB:',
      'LB: has a name that cannot be used in file names; name it with small letters, digits and "-", as lb or rtpengine-2',
    ],
    ['lb: {afters: x}', 'lb.afters: is not a known key; did you mean after?'],
    [
      'lb: {after: prxy}\nproxy:',
      'lb.after: is not a service of tandem.services; did you mean proxy?',
    ],
    ['lb: {after: lb}', 'lb.after: is the service itself; remove it'],
    ['lb: {reads: redi}', 'lb.reads: is not a store of tandem.stores; did you mean redis?'],
    ['lb: {after: b}\nb: {after: lb}', ': wait for each other: lb, b; take one "after" away'],
    [
      'lb: {mode: hot}',
      'lb.mode: is not one of active, always, manual; write one of active, always, manual',
    ],
    [
      'lb: {restarts: often}',
      'lb.restarts: is not a number of restarts in a time; write it as "3 in 60s"',
    ],
    ['lb: {unit: a, monit: b}', 'lb.monit: is one too many beside unit; write one of them'],
    [
      'lb: {command: kamailio}',
      'lb.command: does not begin with a program; write the program from the root, as a list or apart by blanks; there is no shell',
    ],
    ['lb: {user: kamailio}', 'lb.user: means nothing without command; remove it'],
    [
      'lb: {ocf: Dummy}',
      'lb.ocf: is not an OCF agent; write provider and name, as ocf:heartbeat:Dummy',
    ],
    [
      'lb: {on_active: rtpengin 127.0.0.1:9900 active}',
      'lb.on_active: is not a hook; did you mean rtpengine?',
    ],
    [
      'lb: {on_active: rtpengine 127.0.0.1 active}',
      'lb.on_active: is not a hook for rtpengine; write the place of its command line and the word, as "rtpengine 127.0.0.1:9900 active"',
    ],
    [
      'lb: {on_active: run reboot}',
      'lb.on_active: is not a hook; write the program from the root, as "run /usr/local/sbin/on-active"',
    ],
  ])('that is wrong is told with its mend: %s', (text, mistake) => {
    expect(read(text).mistakes).toEqual([mistake])
  })

  it('with a check that nobody understands is told which', () => {
    const { mistakes } = read('lb: {checks: [sipp udp:10.0.0.50:5060]}')
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]).toMatch(/^lb\.checks\[0\]: .*; .*sip/)
  })

  it('has no test call among its checks: it says nothing of a single service', () => {
    const { services, mistakes } = read(
      'lb: {checks: [process, call a@HOST b@HOST udp:10.0.0.50:5060]}',
    )
    expect(services[0]?.checks).toEqual([{ kind: 'process' }])
    expect(mistakes).toEqual([
      'lb.checks: holds a test call, which is no probe of a single service; write it below tandem.outside_checks, or as tandem.call_check',
    ])
  })
})

describe('the call after a takeover', () => {
  const readCall = (text: string) => {
    const findings = new Findings()
    const tree = readYaml('config.yml', Buffer.from(`call_check: ${text}`), findings)
    const call = readCallCheck(child(tree ?? undefined, 'call_check'), findings)
    return [call?.kind ?? null, findings.all.map(({ why }) => why)]
  }
  const CALL = 'call a@HOST b@HOST udp:10.0.0.50:5060'

  it.each([
    ['', [null, []]],
    [CALL, ['call', []]],
    ['sip udp:10.0.0.50:5060', [null, ['is no test call']]],
    [`['${CALL}', '${CALL}']`, [null, ['is more than one call']]],
  ])('is one test call: %s', (text, found) => {
    expect(readCall(text)).toEqual(found)
  })
})
