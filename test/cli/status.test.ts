import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/status.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { STATUS, UNHEARD_PEER } from '../fixtures/control-documents.ts'

let agent: PretendAgent | null = null
afterEach(async () => {
  await agent?.stop()
  agent = null
})

async function shown(status: StatusDocument, args: string[] = [], isTty = false) {
  agent = await startPretendAgent(pretendPorts({ status: async () => status }))
  const io = capturedIo({ env: { TANDEM_RUN: agent.runDir }, isTty })
  return { code: await run(args, io), out: io.out, err: io.err }
}

const HEALTHY: StatusDocument = {
  ...STATUS,
  paths: STATUS.paths.slice(0, 1),
  pingNodes: STATUS.pingNodes.slice(0, 1),
  score: 1,
  majority: true,
  peer: { ...STATUS.peer, score: 1 },
  alarms: [],
}

describe('status', () => {
  test.each([
    [{}, '/dev/watchdog (softdog): resets this machine after 20 s without a word, fed 1.5 s ago'],
    [
      { identity: null, timeoutSeconds: null },
      '/dev/watchdog: resets this machine after a time not known without a word, fed 1.5 s ago',
    ],
    [
      { trouble: 'it takes no word (EIO)' },
      '/dev/watchdog (softdog): resets this machine after 20 s without a word, it takes no word (EIO)',
    ],
    [{ identity: null, timeoutSeconds: null, fedMsAgo: null }, '/dev/watchdog: not fed yet'],
    [
      { identity: null, timeoutSeconds: null, fedMsAgo: null, trouble: 'another program holds it' },
      '/dev/watchdog: another program holds it',
    ],
  ])('of the watchdog in one line: %o', async (changes, line) => {
    const watchdog = {
      ...{ device: '/dev/watchdog', identity: 'softdog', timeoutSeconds: 20, fedMsAgo: 1_500 },
      ...{ trouble: null, ...changes },
    }
    const { out } = await shown({ ...HEALTHY, watchdog })
    expect(out).toContain(`\n\nwatchdog  ${line}\n\nlast change  `)
  })

  test('of a healthy pair', async () => {
    const { code, out, err } = await shown(HEALTHY)
    expect([code, err]).toStrictEqual([0, ''])
    expect(
      out,
    ).toBe(`sp1 (this node) is ACTIVE for 3 min 20 s, term 7: elected: the peer granted the lease
sp2 is STANDBY, heard 12 ms ago, able to take over

             SP1 (THIS NODE)   SP2
role         active            standby
term         7                 7
able         yes               yes
healthy      yes               yes
maintenance  no                no
ping nodes   1 of 1, majority  1 of 1, majority
lease        82 ms left
gate         open (ebpf)

PATH       INTERFACE  STATE  LOSS  ROUND TRIP           HEARD      FROM             TO
crosslink  eth1       up     0 %   0.2 ms (max 1.1 ms)  12 ms ago  192.168.255.251  192.168.255.252

PING NODE   NAMED BY  STATE      LOSS  ROUND TRIP         REFLECTS
10.0.0.254  gateway   answering  0 %   0.3 ms (max 2 ms)  yes

FLOATING IP   INTERFACE  HERE  VERIFIED    ANNOUNCED
10.0.0.50/24  eth0:0     yes   yes         1.5 s ago
fd00::50/64   eth0       yes   not looked  never

last change  2026-11-21T11:56:40.000Z  elect -> active, term 7: elected: the peer granted the lease (nobody served for 48 ms)

tandem 0.1.0, mode ping, timing fast (heartbeat 20 ms, lease 100 ms)
agent 4711, up 1 h 1 min, real-time, loop late by at most 1.3 ms in the last minute, 48 ms ever (2026-11-21T11:31:07.000Z), 1 pause since the start, 84 MiB, gate refused 0 of 812 commands
`)
  })

  test('puts everything that has to be mended near the top', async () => {
    const { out } = await shown({
      ...STATUS,
      local: {
        ...STATUS.local,
        healthy: false,
        unhealthyReasons: ['kamailio-lb failed 3 times within 60 s'],
        gate: {
          ...STATUS.local.gate,
          kind: 'nftables',
          attached: false,
          weaker: 'it does not end by itself at a deadline',
        },
      },
    })
    expect(out.split('\n').slice(2, 8)).toStrictEqual([
      '',
      'To mend (4)',
      '  unhealthy       kamailio-lb failed 3 times within 60 s',
      '  gate            it is not where it was put; service may be open',
      '  gate            it does not end by itself at a deadline',
      '  ping-nodes-few  only 2 ping nodes are configured: a single failure decides (since 2026-11-21T11:00:00.000Z)',
    ])
  })

  test('shows what the load-balancers have of the pair', async () => {
    const edge: StatusDocument['loadBalancers'][number] = {
      ...{ name: 'edge1', kind: 'kamailio', set: 1, destination: 'sip:192.0.2.50' },
      ...{ wanted: 'active', why: 'serves', seen: 'active', trouble: null },
    }
    const loadBalancers: StatusDocument['loadBalancers'] = [
      edge,
      { ...edge, name: 'edge2', kind: 'opensips', seen: null, trouble: 'no answer' },
      { ...edge, name: 'edge3', wanted: null, why: null },
    ]
    const { out } = await shown({ ...HEALTHY, loadBalancers })
    expect(out.split('\n').filter((line) => /^LOAD-BAL|^edge/.test(line))).toStrictEqual([
      'LOAD-BALANCER     HAS THIS PAIR AS  WANTED                   DESTINATION',
      'edge1 (kamailio)  active            active (serves)          sip:192.0.2.50, set 1',
      'edge2 (opensips)  no answer         active (serves)          sip:192.0.2.50, set 1',
      "edge3 (kamailio)  active            the serving node's word  sip:192.0.2.50, set 1",
    ])
  })

  test.each<[string, Partial<StatusDocument['peer']>, string]>([
    [
      'never heard',
      { heard: false, lastHeardMsAgo: null },
      'sp2 is SILENT: not heard since this agent started',
    ],
    ['silent', { heard: false, lastHeardMsAgo: 3200 }, 'sp2 is SILENT: last heard 3.2 s ago'],
    [
      'in maintenance',
      { maintenance: true, able: false },
      'sp2 is STANDBY, heard 12 ms ago, but in maintenance',
    ],
    [
      'unhealthy and deaf',
      { healthy: false, able: false, hearsUs: false },
      'sp2 is STANDBY, heard 12 ms ago, but its services failed, it does not hear this node',
    ],
    [
      'without the data',
      { able: false },
      'sp2 is STANDBY, heard 12 ms ago, but not able to serve (it may lack data)',
    ],
    [
      'configured differently',
      { digestEqual: false },
      'sp2 is STANDBY, heard 12 ms ago, but its configuration differs',
    ],
    ['in transition', { state: 'transition', role: 'elect' }, 'sp2 is TRANSITION, heard 12 ms ago'],
  ])('says of a peer that is %s what matters', async (_case, changes, sentence) => {
    const { out } = await shown({ ...STATUS, peer: { ...STATUS.peer, ...changes } })
    expect(out.split('\n')[1]).toBe(sentence)
  })

  test('shows what is not known about an unheard peer as not known', async () => {
    const peer = UNHEARD_PEER
    const { out } = await shown({ ...HEALTHY, peer })
    expect(out.split('\n').slice(3, 10)).toStrictEqual([
      '             SP1 (THIS NODE)   SP2',
      'role         active            ?',
      'term         7                 ?',
      'able         yes               ?',
      'healthy      yes               ?',
      'maintenance  no                ?',
      'ping nodes   1 of 1, majority  ?',
    ])
  })

  test('colours the state on a terminal', async () => {
    const { out } = await shown(HEALTHY, [], true)
    expect(out.split('\n')[0]).toBe(
      'sp1 (this node) is \u001b[1;32mACTIVE\u001b[0m for 3 min 20 s, term 7: elected: the peer granted the lease',
    )
  })

  test('with --json prints the document and nothing else', async () => {
    const { code, out, err } = await shown(STATUS, ['--json'], true)
    expect([code, err, JSON.parse(out)]).toStrictEqual([0, '', STATUS])
    expect(out).toBe(`${JSON.stringify(STATUS, null, 2)}\n`)
  })

  test('with --watch shows it again', async () => {
    const { code, out } = await shown(HEALTHY, ['--watch', '--count', '2', '--json'])
    expect(code).toBe(0)
    expect(out).toBe(`${JSON.stringify(HEALTHY)}\n`.repeat(2))
    await agent?.stop()
    const text = await shown(HEALTHY, ['-w', '--count=2'])
    const [one, two] = text.out.split(/\n(?=sp1 \(this node\))/)
    expect([one?.split('\n').length, two?.split('\n').length]).toStrictEqual([28, 28])
  })

  test.each([
    [['--count', '2'], '--count needs --watch and a whole number above 0'],
    [['--watch', '--count', '0'], '--count needs --watch and a whole number above 0'],
    [['--timeout', 'soon'], "--timeout 'soon' is not a number of seconds above 0 (such as 2.5)"],
  ])('refuses %j', async (args, complaint) => {
    const io = capturedIo()
    expect(await run(args, io)).toBe(1)
    expect(io.err).toBe(`tandem status: ${complaint}\n  see: tandem status --help\n`)
  })

  test('without an agent says so, for people and for programs', async () => {
    const io = capturedIo({ env: { TANDEM_RUN: '/nowhere' } })
    expect(await run(['--json'], io)).toBe(2)
    expect([JSON.parse(io.out), io.err]).toStrictEqual([
      {
        schema: 1,
        code: 'HA_CONTROL_UNREACHABLE',
        message: 'no agent answers at /nowhere/status.sock',
        mend: 'start it (systemctl start tandemd), or name its run directory with --run',
      },
      '',
    ])
  })

  test('of an agent whose heart is silent ends with its reason', async () => {
    agent = await startPretendAgent(pretendPorts({ status: () => new Promise(() => {}) }))
    const io = capturedIo({ env: { TANDEM_RUN: agent.runDir } })
    expect(await run([], io)).toBe(2)
    expect(io.err).toBe(
      'tandem status: the heart of the agent did not answer within 300 ms\n' +
        '  mend: look at its log; when it stays silent, restart the agent\n',
    )
  })
})
